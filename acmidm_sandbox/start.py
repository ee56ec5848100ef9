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
from sqlalchemy.orm import Session

from acmidm_sandbox.beheerportaal.api.clients import add_client, store_jwks, store_scopes
from acmidm_sandbox.beheerportaal.app import create_app
from acmidm_sandbox.beheerportaal.documents import NEW_CLIENT, ClientDeclaration, ScopesDocument
from acmidm_sandbox.beheerportaal.store.clients import StoredClient
from acmidm_sandbox.beheerportaal.store.database import Database
from acmidm_sandbox.beheerportaal.store.opening import open_database
from acmidm_sandbox.beheerportaal.store.users import Account, create_account, register_operator
from acmidm_sandbox.file import InvalidFile, Sandbox, SandboxClient, read_sandbox

_FILE = Path("sandbox.yaml")
_EXAMPLE = Path(__file__).with_name("sandbox.yaml")
_ACTOR = "acmidm-sandbox"
_RSA_BITS = 2048
_GRACE_SECONDS = 5


class NotStarted(Exception):
    """Why the sandbox does not start: a sentence for the person who started it."""


def main() -> None:
    """Start the sandbox of the file that the command line names; where it names none, of
    sandbox.yaml, which is made from an example where it is missing. What cannot be started ends
    with a sentence."""
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
        with closing(open_database(sandbox.database)) as database:
            for line in _fill_database(sandbox, database):
                _say(line)
    except (InvalidFile, NotStarted, ValueError) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}; check its name and your rights")
    sys.stderr.write(f"Ctrl-C ends it; what it keeps is in {sandbox.database.parent}\n")
    run(sandbox)


def run(settings: Sandbox) -> None:
    """Serve a portal, whose database exists, until SIGTERM or Ctrl-C."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    # aiosmtpd logs a line for each command of SMTP.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    # ACM/IDM's clients call the algorithm EdDSA, for which RFC 9864 has the name Ed25519. A warning
    # at each request tells nobody anything.
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
    """Check that a sandbox can listen on the ports of its file. Raises NotStarted where another
    program does."""
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


def _fill_database(sandbox: Sandbox, database: Database) -> Iterator[str]:
    """Write the operators, people and clients of the file into the database, and yield lines for
    the person who starts it: new passwords, and of each client its client-ID, its private key, and
    how it gets a token for the first API of which it has a scope. Raises NotStarted."""
    with database.write() as session:
        for operator, public_jwk in sandbox.operators.items():
            register_operator(session, operator, public_jwk=public_jwk)
    for change in list(_replace_people(sandbox, database)):  # all are written before one is shown
        yield f"  {change}"
    if sandbox.clients:
        yield f"the portal is at {sandbox.origin}/portaal"
    for client in sandbox.clients:
        key_file = sandbox.database.with_name(f"{client.name}.pem")
        with database.write() as session:  # of two starts at once, the second waits here
            key = _read_or_make_key(key_file)
            client_id = _write_client(session, client, key, sandbox)
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
            for command in _token_commands(sandbox, client_id, key, key_file, requested):
                yield f"    {command}"
            break


def _replace_people(sandbox: Sandbox, database: Database) -> Iterator[str]:
    """Give each person of the file an account, and remove the accounts of all others. Yield a line
    for each change; that of a new account has its password, which is kept as a hash alone."""
    portal = f"{sandbox.origin}/portaal"
    with database.write() as session:
        accounts = {account.name: account for account in session.scalars(select(Account))}
        for person in sandbox.people:
            who, rights = f"{person.name} of {person.organisation_code}", person.rights_for_people
            account = accounts.pop(person.name, None)
            if account is None:
                password = create_account(session, person)
                yield f"{who} ({rights}) logs on at {portal} with the password {password}"
            elif account.person != person:
                account.person = person
                yield f"{who} is changed ({rights})"
        for name, account in accounts.items():
            session.delete(account)  # and so its web sessions
            yield f"{name} logs on no more"


def _read_or_make_key(file: Path) -> RSAKey:
    """Return the key pair in a file in PEM; make both where there is no file. Raises NotStarted
    where it has no such key."""
    if file.exists():
        try:
            key = RSAKey.import_key(file.read_bytes())
            is_private = key.is_private
        except (ValueError, TypeError, JoseError):  # TypeError: it has a password
            is_private = False
        if not is_private:
            raise NotStarted(
                f"{file} is no private RSA key in PEM without a password; move it away, and the"
                " next start makes one"
            )
    else:
        key = RSAKey.generate_key(_RSA_BITS)
        file.write_bytes(key.as_pem(private=True))
    key.ensure_kid()
    return key


def _write_client(session: Session, client: SandboxClient, key: RSAKey, settings: Sandbox) -> str:
    """Register a client of the file, unless an earlier start has, and give it this key and its
    scopes alone. Return its client-ID."""
    declared = ClientDeclaration.model_validate(
        {
            **NEW_CLIENT,
            "client_name": client.name,
            "software_id": f"{_ACTOR}/{client.organisation_code}/{client.name}",
            "organisation": client.as_organisation,
            "application": client.name,
        }
    )
    public_jwk = {**key.as_dict(private=False), "use": "sig", "alg": "RS256"}
    is_same = StoredClient.software_id == declared.software_id
    stored = session.scalar(select(StoredClient).where(is_same))
    if stored is None:
        stored = add_client(session, settings, _ACTOR, declared)
    scopes = ScopesDocument(scopes=list(client.scopes))
    store_scopes(session, _ACTOR, stored, scopes, settings.assigned_scopes)
    store_jwks(session, _ACTOR, stored, [public_jwk])
    return stored.client_id


def _token_commands(
    settings: Sandbox, client_id: str, key: RSAKey, key_file: Path, requested: dict[str, str]
) -> Iterator[str]:
    """Yield three lines for a shell, which get a token by a signed assertion (RFC 7523).
    `requested` are parameters of the token request: {"audience": …, "scope": …}."""
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
    """Write a line for people at once. Raises NotStarted where nothing can be written."""
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except OSError as error:
        raise NotStarted(f"the output cannot be written: {error.strerror}") from None
