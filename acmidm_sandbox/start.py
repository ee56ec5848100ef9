"""`acmidm-sandbox [sandbox.yaml]`: a portal with a token endpoint, for trying clients of ACM/IDM.
It reads APIs, people and clients from one file, says how to get a token, and runs until Ctrl-C."""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import socket
import sys
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from shlex import quote
from urllib.parse import urlencode

import uvicorn
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import RSAKey
from sqlalchemy import select

from acmidm_sandbox.beheerportaal.api.clients import add, store_jwks, store_scopes
from acmidm_sandbox.beheerportaal.app import create_app
from acmidm_sandbox.beheerportaal.documents import ClientDeclaration, ScopesDocument
from acmidm_sandbox.beheerportaal.operators import register_operator
from acmidm_sandbox.beheerportaal.store.clients import StoredClient
from acmidm_sandbox.beheerportaal.store.database import Database
from acmidm_sandbox.beheerportaal.store.opening import UnusableDatabase, open_database
from acmidm_sandbox.beheerportaal.store.users import Account, let_in
from acmidm_sandbox.file import InvalidFile, Sandbox, SandboxClient, read_sandbox

_FILE = Path("sandbox.yaml")
_EXAMPLE = Path(__file__).with_name("sandbox.yaml")
_ACTOR = "acmidm-sandbox"
_RSA_BITS = 2048
_GRACE_SECONDS = 5
_METADATA = {
    "grant_types": ["client_credentials"],
    "token_endpoint_auth_method": "private_key_jwt",
}


class NotStarted(Exception):
    """Why it does not start: a sentence."""


def main() -> None:
    """Start what the file of the command line says."""
    parser = argparse.ArgumentParser(prog="acmidm-sandbox", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", default=_FILE, help="sandbox.yaml by default")
    file = parser.parse_args().file
    os.umask(0o077)
    try:
        if file == _FILE and not file.exists():
            shutil.copyfile(_EXAMPLE, file)
            _say(f"{file} is new: what it has is an example, to be changed")
        sandbox = read_sandbox(file)
        _require_free_ports(file, sandbox)
        with closing(open_database(sandbox.database)) as store:
            for line in _prepare(sandbox, store):
                _say(line)
    except (InvalidFile, NotStarted, UnusableDatabase, ValueError) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
    sys.stderr.write(f"Ctrl-C ends it; what it keeps is in {sandbox.database.parent}\n")
    run(sandbox)


def run(settings: Sandbox) -> None:
    """Serve a portal, whose database can be used, until SIGTERM, or Ctrl-C."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    # aiosmtpd's, which has a line for each command.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    # ACM/IDM's clients call the algorithm EdDSA; that RFC 9864 prefers the name Ed25519 is no news
    # at each request.
    warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def _require_free_ports(file: Path, sandbox: Sandbox) -> None:
    """Check that a sandbox can listen where its file says.

    Raises:
        NotStarted: where another program does.
    """
    family = socket.AF_INET6 if ":" in sandbox.host else socket.AF_INET
    for setting, port in (("port", sandbox.port), ("smtp_port", sandbox.smtp_port)):
        if port is None:
            continue
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((sandbox.host, port))
            except OSError:
                raise NotStarted(
                    f"{file}: {setting} {port} is taken by another program; stop that, or write"
                    " another port"
                ) from None


def _prepare(sandbox: Sandbox, store: Database) -> Iterator[str]:
    """Write the operators, people and clients of the file into the database, and yield what a
    person needs to know of them: of each client how it gets a token for the first of its APIs."""
    for operator, public_jwk in sandbox.operators.items():
        register_operator(sandbox.database, operator, public_jwk=public_jwk)
    for change in list(_let_in(sandbox, store)):
        yield f"  {change}"
    if sandbox.clients:
        yield f"the portal is at {sandbox.origin}/portaal"
    for client in sandbox.clients:
        key_file = sandbox.database.with_name(f"{client.name}.pem")
        key = _key(key_file)
        client_id = _register(client, key, sandbox, store)
        yield (
            f"{client.name} of {client.organisation_code} has the client-ID {client_id}"
            f" and the private key in {key_file}"
        )
        for name, api in sandbox.apis.items():
            scopes = [scope for scope in client.scopes if scope in api.scopes]
            if not scopes:
                continue
            yield f"  gets a token for {name} by these three commands, in another terminal:"
            requested = {"audience": api.client_id, "scope": " ".join(scopes)}
            for command in _commands(sandbox, client_id, key, key_file, requested):
                yield f"    {command}"
            break


def _let_in(sandbox: Sandbox, store: Database) -> Iterator[str]:
    """Have the people of the file, and nobody else, at the portal, and yield what changes, with the
    password of each that is new: it is kept as a hash. Otherwise a password stays."""
    with store.write() as session:
        accounts = {account.name: account for account in session.scalars(select(Account))}
        for person in sandbox.people:
            who, rights = f"{person.name} of {person.organisation_code}", person.called_rights
            account = accounts.pop(person.name, None)
            if account is None:
                password = let_in(session, person)
                yield (
                    f"{who} ({rights}) logs on at {sandbox.origin}/portaal with the password"
                    f" {password}"
                )
            elif account.person != person:
                account.person = person
                yield f"{who} is changed ({rights})"
        for name, account in accounts.items():
            session.delete(account)  # its sessions too
            yield f"{name} logs on no more"


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


def _register(client: SandboxClient, key: RSAKey, settings: Sandbox, store: Database) -> str:
    """Have a client with its key and its scopes, and return its client-ID. Others stay as they
    are."""
    declared = ClientDeclaration.model_validate(
        {
            **_METADATA,
            "client_name": client.name,
            "software_id": f"{_ACTOR}/{client.organisation_code}/{client.name}",
            "organisation": client.as_organisation,
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
    settings: Sandbox, client_id: str, key: RSAKey, key_file: Path, requested: dict[str, str]
) -> Iterator[str]:
    """Yield three lines for a shell, which get a token by a signed assertion (RFC 7523)."""
    header = f'{{"alg":"RS256","kid":"{key.kid}"}}'
    claims = (
        f'{{"iss":"{client_id}","sub":"{client_id}","aud":"{settings.assertion_audience}",'
        '"jti":"%s","iat":%d,"exp":%d}'
    )
    yield "b64() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }; now=$(date +%s)"
    yield (
        f"signed=$(printf %s '{header}' | b64).$(printf '{claims}' \"$(openssl rand -hex 16)\" $now"
        " $((now + 300)) | b64)"
    )
    yield (
        f"curl {settings.token_endpoint} -d grant_type=client_credentials"
        f" -d {quote(urlencode(requested))}"
        " -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        ' -d client_assertion=$signed.$(printf %s "$signed" | openssl dgst -sha256 -sign'
        f" {quote(str(key_file))} | b64)"
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
