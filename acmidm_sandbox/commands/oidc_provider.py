"""Start and stop the sandbox's oidc-provider."""

from __future__ import annotations

from urllib.parse import urlsplit

import typer

from acmidm.terminal import StackOption
from acmidm_onboarding.authorities.rfc7591 import RFC7591
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.problems import Failure
from acmidm_sandbox.beheerportaal.settings import RIGHTS
from acmidm_sandbox.oidc_provider.server import START_SECONDS, Server
from acmidm_sandbox.servers import Served, add_stop_and_status, on_each, served_here
from acmidm_sandbox.supervisor import Daemon, Program
from toolchain.common import ToolchainError
from toolchain.install_oidc_provider import install

_EPILOG = """
**Examples**

- `acmidm oidc-provider start`
- `acmidm oidc-provider stop`

**Exit codes**: 0 done; 1 an oidc-provider does not run or could not be started; 2 wrong use, or a
wrong setting.
"""

NAME = "oidc-provider"

app = typer.Typer(help=__doc__, epilog=_EPILOG, no_args_is_help=True)
add_stop_and_status(app, NAME)


@app.command()
def start(stack: StackOption = NAME) -> None:
    """Start the oidc-provider of a stack; one that runs with the same settings is left alone,
    another started anew."""

    def start_one(served: Served) -> str:
        server = _server(served)
        sentence = "sandbox.started" if start_server(server) else "sandbox.running"
        return say(sentence, name=daemon_of(server).title, address=server.issuer)

    on_each(served_here(stack, RFC7591.name), start_one)


def daemon_of(server: Server) -> Daemon:
    return Daemon(server.folder, NAME)


def start_server(server: Server) -> bool:
    """Start an oidc-provider and return when it answers; False where it runs already. Raises
    Failure."""
    daemon = daemon_of(server)
    return daemon.start(
        Program(
            command=server.command(daemon.settings_file),
            settings=server.settings,
            health_url=server.health_url,
            start_seconds=START_SECONDS,
        )
    )


def _server(served: Served) -> Server:
    settings = served.settings
    products = urlsplit(str(settings.products_url))
    try:
        program = install()
    except ToolchainError as error:
        raise Failure(str(error), exit_code=1) from None
    return Server(
        folder=served.daemon(NAME).folder,
        program=program,
        port=settings.address.port or 80,
        scopes=served.scopes(),
        operator=settings.operator_client_id,
        operator_scopes=RIGHTS,
        operator_jwk=served.operator_key().as_dict(private=False),
        audience=f"{products.scheme}://{products.netloc}",
    )
