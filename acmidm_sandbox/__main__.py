"""`acmidm-sandbox [sandbox.yaml]`: a portal with a token endpoint, for trying clients of ACM/IDM.
It reads APIs, people and clients from one file, says how to get a token, and runs until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from shlex import quote
from typing import Annotated, Self

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from pydantic import AfterValidator, Field, model_validator
from sqlalchemy import select

from acmidm_onboarding.values.identifiers import OvoCode
from acmidm_onboarding.values.names import Part, application_name
from acmidm_onboarding.values.problems import Failure
from acmidm_sandbox.beheerportaal.api.clients import add, store_jwks, store_scopes
from acmidm_sandbox.beheerportaal.documents import ClientDeclaration, ScopesDocument
from acmidm_sandbox.beheerportaal.server import run
from acmidm_sandbox.beheerportaal.settings import PortalSettings
from acmidm_sandbox.beheerportaal.store.clients import Client as StoredClient
from acmidm_sandbox.beheerportaal.store.opening import UnusableDatabase, open_database
from acmidm_sandbox.beheerportaal.store.users import User
from acmidm_sandbox.beheerportaal.users import user_of
from acmidm_sandbox.people import OfOrganisation, People, let_in, read

_FILE = Path("sandbox.yaml")
_EXAMPLE = Path(__file__).with_name("sandbox.yaml")
_HOST = "127.0.0.1"
_ACTOR = "acmidm-sandbox"
_RSA_BITS = 2048
_METADATA = {
    "grant_types": ["client_credentials"],
    "token_endpoint_auth_method": "private_key_jwt",
}


class Api(Part):
    """What clients are granted scopes of."""

    name: Annotated[str, Field(min_length=1)]
    owner: OvoCode = "OVO002949"
    scopes: tuple[str, ...]

    @property
    def client_id(self) -> str:
        """The same after every start."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://sandbox.example/{self.name}"))


class Client(OfOrganisation):
    """A client of an organisation."""

    name: Annotated[str, AfterValidator(application_name)]
    scopes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _has_an_organisation(self) -> Self:
        self.owner()
        return self

    def owner(self) -> User:
        """Return who acts for the organisation. Raises ValueError."""
        return user_of(
            self.name, self.codes, api_beheerder=False, organisation_name=self.organisation
        )


class Sandbox(People):
    """The file."""

    port: int = Field(ge=1, le=65535)
    apis: tuple[Api, ...] = ()
    clients: tuple[Client, ...] = ()

    @property
    def scopes(self) -> list[str]:
        """Those of all APIs."""
        return list(chain.from_iterable(api.scopes for api in self.apis))

    @model_validator(mode="after")
    def _is_one_whole(self) -> Self:
        if mistakes := "; ".join(self._mistakes()):
            raise ValueError(mistakes)
        return self

    def _mistakes(self) -> Iterator[str]:
        for client in self.clients:
            for scope in sorted({*client.scopes}.difference(self.scopes)):
                yield (
                    f"client {client.name} has the scope {scope}, which no API of this file has;"
                    " add it to one, or correct the name"
                )
        names = [*(api.name for api in self.apis), *(client.name for client in self.clients)]
        for name, count in Counter(names).items():
            if count > 1:
                yield (
                    f"there are two APIs or clients with the name {name}; give each a name of"
                    " its own"
                )

    def settings(self, data: Path) -> PortalSettings:
        """Return those of the portal, whose database is in the folder ``data``."""
        return PortalSettings.model_validate(
            {
                "environment": "tni",
                "platform": "acmidm",
                "host": _HOST,
                "port": self.port,
                "database": data / "portal.db",
                "scopes": {scope: {} for scope in self.scopes},
                "apis": {
                    api.name: {"client_id": api.client_id, **api.model_dump(exclude={"name"})}
                    for api in self.apis
                },
            }
        )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="acmidm-sandbox", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", default=_FILE, help="sandbox.yaml by default")
    file = parser.parse_args().file
    os.umask(0o077)
    try:
        if file == _FILE and not file.exists():
            shutil.copyfile(_EXAMPLE, file)
            _say(f"{file} is new: what it has is an example, to be changed")
        sandbox = read(Sandbox, file)
        settings = sandbox.settings(file.absolute().with_suffix(".data"))
        _require_free_port(file, sandbox.port)
        for line in _prepare(sandbox, settings):
            _say(line)
    except (Failure, UnusableDatabase) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
    run(settings)


def _require_free_port(file: Path, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            sentence = (
                f"{file}: port {port} is taken by another program; stop that, or write another port"
            )
            raise Failure(sentence, exit_code=1) from None


def _prepare(sandbox: Sandbox, settings: PortalSettings) -> Iterator[str]:
    """Have the people and the clients of the file, and yield what a person needs to know of
    them."""
    yield (
        f"Ctrl-C ends the portal at {settings.origin}/portaal; what it keeps is in"
        f" {settings.database.parent}"
    )
    people = [person.as_user() for person in sandbox.people]
    for change in let_in(people, settings):
        yield f"  {change}"
    for client in sandbox.clients:
        key_file = settings.database.with_name(f"{client.name}.pem")
        key = _key(key_file)
        client_id = _register(client, key, settings)
        yield (
            f"{client.name} of {client.owner().organisation_code} has the client-ID {client_id}"
            f" and the private key in {key_file}"
        )
        apis = [api for api in sandbox.apis if not set(api.scopes).isdisjoint(client.scopes)]
        if apis:
            yield f"  gets a token for {apis[0].name} by these three commands, in another terminal:"
            for command in _commands(settings, client_id, key, key_file, apis[0].client_id):
                yield f"    {command}"


def _key(file: Path) -> RSAKey:
    """Return the key pair in a file, which is made where it is missing."""
    if file.exists():
        try:
            key = RSAKey.import_key(file.read_bytes())
        except (ValueError, JoseError):
            raise Failure(
                f"{file} is no RSA key in PEM; move it away, and the next start makes one",
                exit_code=1,
            ) from None
    else:
        key = RSAKey.generate_key(_RSA_BITS)
        file.write_bytes(key.as_pem(private=True))
    key.ensure_kid()
    return key


def _register(client: Client, key: RSAKey, settings: PortalSettings) -> str:
    """Have a client with its key and its scopes, and return its client-ID. Others stay as they
    are."""
    owner = client.owner()
    declared = ClientDeclaration.model_validate(
        {
            **_METADATA,
            "client_name": client.name,
            "software_id": f"{_ACTOR}/{owner.organisation_code}/{client.name}",
            "organisation": owner.organisation,
            "application": client.name,
        }
    )
    public = {**key.as_dict(private=False), "use": "sig", "alg": "RS256"}
    with closing(open_database(settings.database)) as store, store.write() as session:
        of_file = StoredClient.software_id == declared.software_id
        stored = session.scalar(select(StoredClient).where(of_file))
        if stored is None:
            stored = add(session, settings, _ACTOR, declared)
        wanted = ScopesDocument(scopes=list(client.scopes))
        store_scopes(session, _ACTOR, stored, wanted, settings.assigned_scopes)
        store_jwks(session, _ACTOR, stored, [public])
        return stored.client_id


def _commands(
    settings: PortalSettings, client_id: str, key: RSAKey, key_file: Path, audience: str
) -> Iterator[str]:
    """Yield three lines for a shell, which get a token by a signed assertion (RFC 7523)."""
    header = f'{{"alg":"RS256","kid":"{key.kid}"}}'
    claims = (
        f'{{"iss":"{client_id}","sub":"{client_id}","aud":"{settings.issuer}",'
        '"jti":"%s","iat":%d,"exp":%d}'
    )
    yield "b64() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }; now=$(date +%s)"
    yield (
        f"signed=$(printf %s '{header}' | b64).$(printf '{claims}' \"$(openssl rand -hex 16)\" $now"
        " $((now + 300)) | b64)"
    )
    yield (
        f"curl {settings.token_endpoint} -d grant_type=client_credentials -d audience={audience}"
        " -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        ' -d client_assertion=$signed.$(printf %s "$signed" | openssl dgst -sha256 -sign'
        f" {quote(str(key_file))} | b64)"
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
