"""Start and stop the sandbox's Keycloak."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import httpx
import typer

from acmidm.terminal import StackOption
from acmidm_onboarding.authorities.keycloak import KEYCLOAK
from acmidm_onboarding.settings import InvalidSettings
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.problems import Failure
from acmidm_sandbox.beheerportaal.settings import RIGHTS
from acmidm_sandbox.keycloak.admin import Admin
from acmidm_sandbox.keycloak.realm import Realm, set_up
from acmidm_sandbox.keycloak.server import START_SECONDS, Server
from acmidm_sandbox.servers import Served, add_stop_and_status, on_each, served_here
from acmidm_sandbox.supervisor import Daemon, Program
from toolchain.common import ToolchainError
from toolchain.install_keycloak import distribution, install, wanted_version

_EPILOG = """
**Examples**

- `acmidm keycloak start`
- `acmidm keycloak stop`

**Exit codes**: 0 done; 1 a Keycloak does not run or could not be started; 2 wrong use, or a wrong
setting.
"""

NAME = "keycloak"

app = typer.Typer(help=__doc__, epilog=_EPILOG, no_args_is_help=True)
add_stop_and_status(app, NAME)

_MANAGEMENT_PATH = "/admin/realms/"


@app.command()
def start(stack: StackOption = "keycloak") -> None:
    """Start the Keycloak of a stack, with its realm and its operator; one that runs is left alone,
    and its realm brought up to date."""

    def start_one(served: Served) -> str:
        server = Server(
            served.daemon(NAME).folder, _distribution(), served.settings.address.port or 80
        )
        started = start_server(server)
        _set_up_realm(server, served)
        sentence = "sandbox.started" if started else "sandbox.running"
        return say(sentence, name=daemon_of(server).title, address=server.origin)

    on_each(served_here(stack, KEYCLOAK.name), start_one)


def daemon_of(server: Server) -> Daemon:
    return Daemon(server.folder, NAME)


def start_server(server: Server) -> bool:
    """Start a Keycloak and return when it answers; False where it runs already. Raises Failure."""
    daemon = daemon_of(server)
    written = daemon.settings()
    if written and (newer := server.spoils(written)):
        raise Failure(
            f"{server.folder} is of Keycloak {newer}, newer than {server.version}; start that"
            " version, or run make clean",
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


def _set_up_realm(server: Server, served: Served) -> None:
    """Make the realm of a stack's platform, or bring it up to date. Raises Failure."""
    daemon = daemon_of(server)
    try:
        with Admin(server) as admin:
            set_up(admin, _realm(served))
    except httpx.HTTPError as error:
        raise Failure(
            say("sandbox.no_realm", name=daemon.title, error=error, log=daemon.log), exit_code=1
        ) from None


def _realm(served: Served) -> Realm:
    settings, stack = served.settings, served.stack
    path = settings.address.path or ""
    if not path.startswith(_MANAGEMENT_PATH) or "/" in path.removeprefix(_MANAGEMENT_PATH):
        raise InvalidSettings(say("sandbox.management_url", stack=stack, path=_MANAGEMENT_PATH))
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
    """Where the server's program is; it is got first where it is missing, which takes a minute.
    Raises Failure."""
    try:
        install()
        return distribution(wanted_version())
    except ToolchainError as error:
        raise Failure(str(error), exit_code=1) from None
