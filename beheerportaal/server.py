"""`python -m beheerportaal.server <settings.json>`: one portal in one process, on loopback, until SIGTERM."""

import argparse
import asyncio
import logging
import socket
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvicorn
from joserfc.errors import SecurityWarning
from pydantic import ValidationError

from beheerportaal.app import create_app
from beheerportaal.settings import PortalSettings
from beheerportaal.store.opening import UnusableDatabase, open_database

GRACE_SECONDS = 5


class CannotListen(Exception):
    """A port is taken; the text is one sentence for the person who started the portal."""


class _Server(uvicorn.Server):
    """Says on standard output when and where it can be reached."""

    def __init__(self, config: uvicorn.Config, origin: str) -> None:
        super().__init__(config)
        self._origin = origin

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """uvicorn: starts the application and accepts connections."""
        await super().startup(sockets)
        if self.started:
            sys.stdout.write(f"ready at {self._origin}\n")
            sys.stdout.flush()


def serve(settings: PortalSettings) -> None:
    """Serves until a signal ends it.

    Raises:
        CannotListen
    """
    with ExitStack() as opened:
        listener = opened.enter_context(_bound(settings, settings.port))
        for_mail = None if settings.smtp_port is None else opened.enter_context(_bound(settings, settings.smtp_port))
        config = uvicorn.Config(
            create_app(settings, for_mail),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        asyncio.run(_Server(config, settings.origin).serve([listener]))


@contextmanager
def _bound(settings: PortalSettings, port: int) -> Iterator[socket.socket]:
    # Named, because asyncio turns off Nagle's algorithm for TCP by name only, and with it on each answer waits 40 ms.
    with socket.socket(settings.family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, port))
        except OSError as error:
            where = f"{settings.host}:{port}"
            raise CannotListen(f"can't listen on {where}: {error.strerror}; stop the program that does, or choose another port") from None
        yield listener


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m beheerportaal.server", description=__doc__)
    parser.add_argument("settings", type=Path, help="a JSON file with the fields of PortalSettings")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd's, which has a line for each command
    # ACM/IDM's clients call the algorithm EdDSA; that RFC 9864 prefers the name Ed25519 is no news at each request.
    warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)
    try:
        settings = PortalSettings.model_validate_json(arguments.settings.read_bytes())
    except (OSError, ValidationError) as error:
        sys.exit(f"{arguments.settings}: {error}")
    try:
        # The application opens it again; here a file that is none ends in a sentence instead of a traceback.
        open_database(settings.database).close()
        serve(settings)
    except (UnusableDatabase, CannotListen) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
