"""Starts and finds a Keycloak: the process, by ``acmidm.sandbox.daemons``."""

from __future__ import annotations

from acmidm.sandbox.daemons import Daemon, Program
from acmidm_onboarding.values.problems import Failure
from tests.support.keycloak_server.server import START_SECONDS, Server

KEYCLOAK = "keycloak"


def daemon_of(server: Server) -> Daemon:
    return Daemon(server.folder, KEYCLOAK)


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
    said = daemon.start(
        Program(
            command=server.command,
            settings=server.settings,
            health_url=server.health_url,
            environment=server.environment,
            start_seconds=START_SECONDS,
        )
    )
    return said is not None
