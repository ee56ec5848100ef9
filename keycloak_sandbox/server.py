"""Keycloak as a process in the background, with all that belongs to it in one folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import httpx

ADMIN = "sandbox-admin"
START_SECONDS = 180
STOP_SECONDS = 20
_POLL_SECONDS = 0.1
# Quicker to start, and never busy enough for the second compiler to matter.
_JAVA_OPTIONS = "-XX:TieredStopAtLevel=1"


class ServerError(Exception):
    """Why Keycloak cannot be started or stopped, as one sentence."""


@dataclass(frozen=True)
class Server:
    """The Keycloak whose database, log, process id and administrator's password are in ``folder``.

    ``distribution`` is where its program is, built for a database of the kind ``dev-file``. With ``in_memory`` nothing outlives it.
    """

    folder: Path
    distribution: Path
    port: int
    in_memory: bool = False

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "keycloak.log"

    @property
    def admin_password(self) -> str:
        """For the set-up of the realm and nothing else. Made once, readable by its owner alone."""
        file = self.folder / "admin-password"
        if not file.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
                stream.write(secrets.token_urlsafe(32))
        return file.read_text()

    def start(self) -> bool:
        """Starts it and returns when it answers; False where it ran already. One of another version or port is restarted.

        Raises ServerError.
        """
        self._require_usable_database()
        if pid_of(self.folder) is not None:
            if self._started_with() == self._marks and self.is_ready():
                return False
            stop(self.folder)
        _require_free(self.port)
        process = self._spawn()
        try:
            self._wait_until_ready(process)
        except BaseException:
            stop(self.folder)
            raise
        (self.folder / "started").write_text("\n".join(self._marks))
        return True

    def is_ready(self) -> bool:
        """Whether it answers; while it starts it says 503."""
        try:
            # Never through a proxy that the environment names: this is loopback.
            return httpx.get(f"{self.origin}/realms/master", timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    @property
    def _marks(self) -> list[str]:
        return [self._version, self.origin]

    def _started_with(self) -> list[str]:
        """The same of its last start; empty before the first."""
        file = self.folder / "started"
        return file.read_text().split() if file.exists() else []

    @property
    def _version(self) -> str:
        return (self.distribution / "version.txt").read_text().split()[-1]

    def _spawn(self) -> subprocess.Popen[bytes]:
        database = "mem:keycloak" if self.in_memory else f"file:{self.folder.absolute() / 'keycloak'}"
        environment = {
            **os.environ,
            "KC_CACHE": "local",
            "KC_DB_URL": f"jdbc:h2:{database};NON_KEYWORDS=VALUE;DB_CLOSE_ON_EXIT=FALSE",
            "KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN,
            "KC_BOOTSTRAP_ADMIN_PASSWORD": self.admin_password,
            "JAVA_OPTS_APPEND": _JAVA_OPTIONS,
        }
        address = ("--http-enabled=true", "--http-host=127.0.0.1", f"--http-port={self.port}", f"--hostname={self.origin}")
        # Both the script and its Java inherit the locked file: it stays locked as long as one of them lives, however they end.
        with _locked(self.folder) as held, self.log.open("ab") as log:
            process = subprocess.Popen(
                [self.distribution / "bin" / "kc.sh", "start", "--optimized", *address],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # outlives the terminal; and its process id is that of the whole group
                pass_fds=(held.fileno(),),
            )
            held.write(str(process.pid))
        return process

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise ServerError(f"Keycloak ended at once: {self._last_words()}; see {self.log}")
            if self.is_ready():
                return
            time.sleep(_POLL_SECONDS)
        raise ServerError(f"Keycloak was not ready within {START_SECONDS} seconds: {self._last_words()}; see {self.log}")

    def _last_words(self) -> str:
        """The reason is on a line of its own, before what is said after each failure."""
        lines = self.log.read_text(errors="replace").splitlines()
        reasons = [line.partition(" ERROR: ")[2] for line in lines if " ERROR: " in line]
        return next(reversed(reasons or lines), "it said nothing")

    def _require_usable_database(self) -> None:
        """A newer version brings a database up to date, an older one spoils it."""
        written = self._version if self.in_memory else next(iter(self._started_with()), self._version)
        if _numbers(written) > _numbers(self._version):
            raise ServerError(f"{self.folder} is of Keycloak {written}, newer than {self._version}; start that version, or run make clean")


def pid_of(folder: Path) -> int | None:
    """The process id of the Keycloak in a folder; None where it does not run, also where its number is another program's by now."""
    try:
        file = (folder / "keycloak.pid").open()
    except FileNotFoundError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(file.read() or 0) or None
    return None


def stop(folder: Path) -> bool:
    """Ends the Keycloak of a folder, first kindly; its data stay. False where it did not run. Raises ServerError."""
    pid = pid_of(folder)
    if pid is None:
        return False
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, sign)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)  # where it is a child of ours, as in tests
            if pid_of(folder) is None:
                return True
            time.sleep(_POLL_SECONDS)
    raise ServerError(f"process {pid} does not end; end it by hand")


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[TextIO]:
    with (folder / "keycloak.pid").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServerError(f"another Keycloak of {folder} is being started; wait for it") from None
        file.truncate(0)
        yield file


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise ServerError(f"port {port} of 127.0.0.1 is taken by another program; stop that, or choose another port") from None


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]
