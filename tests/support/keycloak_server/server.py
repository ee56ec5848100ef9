"""A Keycloak as a process: its command, its variables, its administrator, and its start."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from acmidm.sandbox.daemons import Daemon, Program
from acmidm_onboarding.files import write_private
from acmidm_onboarding.values.problems import Failure
from tests.support.keycloak_server.distribution import ENVIRONMENT

KEYCLOAK = "keycloak"
ADMIN = "sandbox-admin"
_START_SECONDS = 180
# Quicker to start: it is never busy enough for the second compiler to matter, and its classes came
# with a checksum. To verify each of them takes a seventh of the start. A Java that knows the option
# no more ignores it.
_JAVA_OPTIONS = (
    "-XX:TieredStopAtLevel=1 -XX:+IgnoreUnrecognizedVMOptions -XX:+UnlockDiagnosticVMOptions"
    " -XX:-BytecodeVerificationRemote"
)


@dataclass(frozen=True)
class Server:
    """The Keycloak whose database and administrator's password are in ``folder``.

    ``distribution`` is where its program is, built for a database of the kind ``dev-file``. With
    ``in_memory`` nothing outlives it.
    """

    folder: Path
    distribution: Path
    port: int
    in_memory: bool = False

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def health_url(self) -> str:
        """Answers 200 once it is ready; while it starts, 503."""
        return f"{self.origin}/realms/master"

    @property
    def admin_password(self) -> str:
        """For the set-up of the realm and nothing else. Made once, readable by its owner alone."""
        file = self.folder / "keycloak.admin-password"
        if not file.exists():
            write_private(file, secrets.token_urlsafe(32))
        return file.read_text()

    @property
    def version(self) -> str:
        return (self.distribution / "version.txt").read_text().split()[-1]

    @property
    def settings(self) -> str:
        """What makes a running one another: its version and its address, as JSON."""
        return json.dumps({"version": self.version, "origin": self.origin})

    def spoils(self, settings: str) -> str | None:
        """Return the newer version of these settings, whose database this one would spoil. An older
        one's is brought up to date."""
        written = str(json.loads(settings)["version"])
        return (
            written if _numbers(written) > _numbers(self.version) and not self.in_memory else None
        )

    @property
    def command(self) -> tuple[str | Path, ...]:
        address = (
            "--http-enabled=true",
            "--http-host=127.0.0.1",
            f"--http-port={self.port}",
            f"--hostname={self.origin}",
        )
        return (self.distribution / "bin" / "kc.sh", "start", "--optimized", *address)

    @property
    def environment(self) -> dict[str, str]:
        database = (
            "mem:keycloak" if self.in_memory else f"file:{self.folder.absolute() / 'keycloak'}"
        )
        return {
            **ENVIRONMENT,
            "KC_DB_URL": f"jdbc:h2:{database};NON_KEYWORDS=VALUE;DB_CLOSE_ON_EXIT=FALSE",
            "KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN,
            "KC_BOOTSTRAP_ADMIN_PASSWORD": self.admin_password,
            "JAVA_OPTS_APPEND": _JAVA_OPTIONS,
        }


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
            start_seconds=_START_SECONDS,
        )
    )
    return said is not None


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]
