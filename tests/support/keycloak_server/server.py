"""How a Keycloak of the sandbox is run: its command, its variables, its administrator. Who runs it
is another's business."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

ADMIN = "sandbox-admin"
START_SECONDS = 180
# Quicker to start, and never busy enough for the second compiler to matter.
_JAVA_OPTIONS = "-XX:TieredStopAtLevel=1"


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
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(
                os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
            ) as stream:
                stream.write(secrets.token_urlsafe(32))
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
            "KC_CACHE": "local",
            "KC_DB_URL": f"jdbc:h2:{database};NON_KEYWORDS=VALUE;DB_CLOSE_ON_EXIT=FALSE",
            "KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN,
            "KC_BOOTSTRAP_ADMIN_PASSWORD": self.admin_password,
            "JAVA_OPTS_APPEND": _JAVA_OPTIONS,
        }


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]
