"""`acmidm-sandbox [sandbox.yaml]`: a portal with a token endpoint, for trying clients of ACM/IDM.
It reads APIs, people and clients from one file, says how to get a token, and runs until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from shlex import quote
from urllib.parse import quote as url_quote

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from sqlalchemy import select

from acmidm_sandbox.beheerportaal.api.clients import add, store_jwks, store_scopes
from acmidm_sandbox.beheerportaal.documents import ClientDeclaration, ScopesDocument
from acmidm_sandbox.beheerportaal.operators import register_operator
from acmidm_sandbox.beheerportaal.server import run
from acmidm_sandbox.beheerportaal.store.clients import Client as StoredClient
from acmidm_sandbox.beheerportaal.store.database import Database
from acmidm_sandbox.beheerportaal.store.opening import UnusableDatabase, open_database
from acmidm_sandbox.beheerportaal.store.users import User
from acmidm_sandbox.beheerportaal.users import add_user, change_user, list_users, remove_user
from acmidm_sandbox.file import Client, InvalidFile, Sandbox, read_sandbox

_FILE = Path("sandbox.yaml")
_EXAMPLE = Path(__file__).with_name("sandbox.yaml")
_ACTOR = "acmidm-sandbox"
_RSA_BITS = 2048
_METADATA = {
    "grant_types": ["client_credentials"],
    "token_endpoint_auth_method": "private_key_jwt",
}


class NotStarted(Exception):
    """Why it does not start: a sentence."""


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
        sandbox = read_sandbox(file)
        _require_free_port(file, sandbox)
        with closing(open_database(sandbox.database)) as store:
            for line in _prepare(sandbox, store):
                _say(line)
    except (InvalidFile, NotStarted, UnusableDatabase, ValueError) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
    sys.stderr.write(f"Ctrl-C ends it; what it keeps is in {sandbox.database.parent}\n")
    run(sandbox)


def _require_free_port(file: Path, sandbox: Sandbox) -> None:
    family = socket.AF_INET6 if ":" in sandbox.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((sandbox.host, sandbox.port))
        except OSError:
            sentence = (
                f"{file}: port {sandbox.port} is taken by another program; stop that, or write"
                " another port"
            )
            raise NotStarted(sentence) from None


def _prepare(sandbox: Sandbox, store: Database) -> Iterator[str]:
    """Have the operators, people and clients of the file, and yield what a person needs to know of
    them."""
    for operator, public_jwk in sandbox.operators.items():
        register_operator(sandbox.database, operator, public_jwk=public_jwk)
    for change in _let_in([person.as_user() for person in sandbox.people], sandbox, store):
        yield f"  {change}"
    if sandbox.clients:
        yield f"the portal is at {sandbox.origin}/portaal"
    for client in sandbox.clients:
        key_file = sandbox.database.with_name(f"{client.name}.pem")
        key = _key(key_file)
        client_id = _register(client, key, sandbox, store)
        yield (
            f"{client.name} of {client.as_user().organisation_code} has the client-ID {client_id}"
            f" and the private key in {key_file}"
        )
        for name, api in sandbox.apis.items():
            if set(api.scopes).isdisjoint(client.scopes):
                continue
            yield f"  gets a token for {name} by these three commands, in another terminal:"
            for command in _commands(sandbox, client_id, key, key_file, api.client_id):
                yield f"    {command}"
            break


def _let_in(people: Sequence[User], sandbox: Sandbox, store: Database) -> Iterator[str]:
    """Have these people, and nobody else, at the portal, and yield what changes, with the password
    of each that is new: it is kept as a hash."""
    there = {user.name: user for user in list_users(store)}
    for name in there.keys() - {user.name for user in people}:
        remove_user(store, name)
        yield f"{name} logs on no more"
    for user in people:
        who, rights = f"{user.name} of {user.organisation_code}", ", ".join(user.rights)
        if user.name not in there:
            password = add_user(store, user)
            yield (
                f"{who} ({rights or 'no right'}) logs on at {sandbox.origin}/portaal with the"
                f" password {password}"
            )
        elif user != there[user.name]:
            change_user(store, user)
            yield f"{who} is changed ({rights or 'no right'})"


def _key(file: Path) -> RSAKey:
    """Return the key pair in a file, which is made where it is missing."""
    if file.exists():
        try:
            key = RSAKey.import_key(file.read_bytes())
        except (ValueError, JoseError):
            sentence = f"{file} is no RSA key in PEM; move it away, and the next start makes one"
            raise NotStarted(sentence) from None
    else:
        key = RSAKey.generate_key(_RSA_BITS)
        file.write_bytes(key.as_pem(private=True))
    key.ensure_kid()
    return key


def _register(client: Client, key: RSAKey, settings: Sandbox, store: Database) -> str:
    """Have a client with its key and its scopes, and return its client-ID. Others stay as they
    are."""
    owner = client.as_user()
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
    with store.write() as session:
        of_file = StoredClient.software_id == declared.software_id
        stored = session.scalar(select(StoredClient).where(of_file))
        if stored is None:
            stored = add(session, settings, _ACTOR, declared)
        wanted = ScopesDocument(scopes=list(client.scopes))
        store_scopes(session, _ACTOR, stored, wanted, settings.assigned_scopes)
        store_jwks(session, _ACTOR, stored, [public])
        return stored.client_id


def _commands(
    settings: Sandbox, client_id: str, key: RSAKey, key_file: Path, audience: str
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
        f"curl {settings.token_endpoint} -d grant_type=client_credentials"
        f" -d audience={url_quote(audience, safe='')}"
        " -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        ' -d client_assertion=$signed.$(printf %s "$signed" | openssl dgst -sha256 -sign'
        f" {quote(str(key_file))} | b64)"
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
