"""The Keycloaks of this machine: by the stacks whose settings have one here, and how each is
run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import typer

from acmidm_onboarding.authorities.keycloak import KEYCLOAK
from acmidm_onboarding.settings import InvalidSettings, config_key, full_key
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.problems import Failure
from acmidm_sandbox.beheerportaal.settings import RIGHTS
from acmidm_sandbox.keycloak.admin import Admin
from acmidm_sandbox.keycloak.distribution import CannotGet, Distribution, wanted_version
from acmidm_sandbox.keycloak.realm import Realm, set_up
from acmidm_sandbox.keycloak.server import START_SECONDS, Server
from acmidm_sandbox.servers import DATA, Served, served_here
from acmidm_sandbox.supervisor import Daemon, Program

NAME = "keycloak"
_MANAGEMENT_PATH = "/admin/realms/"


@dataclass(frozen=True)
class SandboxKeycloak:
    """A Keycloak of this machine, with the realm of a stack's platform."""

    served: Served
    realm: Realm

    def start(self) -> str:
        """Start it, with its realm and its operator, and return what was done. One that runs is
        left alone, and its realm brought up to date. Raises Failure."""
        folder, port = self.served.daemon(NAME).folder, self.served.settings.address.port or 80
        server = Server(folder, _distribution(), port)
        sentence = "sandbox.started" if start_server(server) else "sandbox.running"
        daemon = daemon_of(server)
        try:
            with Admin(server) as admin:
                set_up(admin, self.realm)
        except httpx.HTTPError as error:
            raise Failure(
                say("sandbox.no_realm", name=daemon.title, error=error, log=daemon.log), exit_code=1
            ) from None
        return say(sentence, name=daemon.title, address=server.origin)


def keycloaks(stack: str) -> Iterator[SandboxKeycloak]:
    """Yield each Keycloak that the stack's settings place on this machine. Raises InvalidSettings
    and InvalidForms."""
    for served in served_here(stack, KEYCLOAK.name):
        yield SandboxKeycloak(served, _realm(served))


def daemon_of(server: Server) -> Daemon:
    return Daemon(server.folder, NAME)


def start_server(server: Server) -> bool:
    """Start a Keycloak and return when it answers; False where it runs already. Raises Failure."""
    daemon = daemon_of(server)
    written = daemon.settings()
    if written and (newer := server.spoils(written)):
        raise Failure(
            f"{server.folder} is of Keycloak {newer}, newer than {server.version}; start that"
            " version, or remove that folder",
            exit_code=1,
        )
    return daemon.start(
        Program(
            command=server.command,
            settings=server.settings,
            health_url=server.health_url,
            environment=server.environment,
            start_seconds=START_SECONDS,
        )
    )


def _realm(served: Served) -> Realm:
    settings, stack = served.settings, served.stack
    path = settings.address.path or ""
    if not path.startswith(_MANAGEMENT_PATH) or "/" in path.removeprefix(_MANAGEMENT_PATH):
        key = full_key(config_key(served.platform, "managementUrl"))
        sentence = say("sandbox.management_url", key=key, stack=stack, path=_MANAGEMENT_PATH)
        raise InvalidSettings(sentence)
    products = urlsplit(str(settings.products_url))
    scopes = served.scopes()
    return Realm(
        name=path.removeprefix(_MANAGEMENT_PATH),
        scopes={name: scope.title for name, scope in scopes.items()},
        assigned=frozenset(name for name, scope in scopes.items() if scope.assigned_by_provider),
        operator=settings.operator_client_id,
        operator_scopes=RIGHTS,
        operator_jwk=served.operator_key().as_dict(private=False),
        audience=f"{products.scheme}://{products.netloc}",
        audited=True,
    )


def _distribution() -> Path:
    """Where the server's program is; it is got first where it is missing. Raises Failure."""
    try:
        wanted = Distribution(DATA.absolute(), wanted_version())
        if not wanted.is_ready:
            typer.echo(say("sandbox.getting_keycloak", version=wanted.version), err=True)
        wanted.install()
    except CannotGet as error:
        raise Failure(str(error), exit_code=1) from None
    return wanted.folder
