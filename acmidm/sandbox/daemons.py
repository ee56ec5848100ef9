"""Server processes in the background: start, find, restart on changed settings, stop. Their files
are this user's alone.

All that belongs to one is in a folder: ``<name>.yaml``, what it was started with;
``<name>.log``; ``<name>.pid``. The process has inherited its pid file locked, and keeps that lock
as long as it lives, however it ends. So a locked file names a living server; a number that was left
behind, which may be another program's by now, is never taken for one.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

import psutil

from acmidm_onboarding.files import open_private, private_folder, write_private
from acmidm_onboarding.values.problems import Failure

UMASK = 0o077
"""Of a server process: the files that it writes are this user's alone."""
STOP_SECONDS = 20
_POLL_SECONDS = 0.05
_LOCK_SECONDS = 1


@dataclass(frozen=True, kw_only=True)
class Program:
    """What a server runs. ``health_url`` answers 200 once it is ready; its origin is where the
    server listens."""

    command: Sequence[str | Path]
    settings: str
    """In the server's settings file before the start; a server that runs with other settings is
    restarted."""
    health_url: str
    environment: Mapping[str, str] = field(default_factory=dict)
    """What it has besides the variables of this process."""
    more_ports: Sequence[int] = ()
    """Further ports of the same host on which it listens."""
    start_seconds: float = 60
    """How long it may take to answer: on a busy machine that is long."""
    speaks: bool = False
    """Whether what it writes to standard output is for people, and not for its log."""


@dataclass(frozen=True)
class Daemon:
    """The server ``name`` of a folder, whether it runs or not. Methods raise Failure where they
    cannot do their work."""

    folder: Path
    name: str

    @property
    def title(self) -> str:
        """What people call it, such as "portal tni acmidm": its folder is <stack>/<platform>."""
        return f"{self.name} {self.folder.parent.name} {self.folder.name}"

    @property
    def settings_file(self) -> Path:
        return self.folder / f"{self.name}.yaml"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def pid_file(self) -> Path:
        return self.folder / f"{self.name}.pid"

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._running()[0]

    @property
    def origin(self) -> str | None:
        """The address at which it answers, such as http://127.0.0.1:8511; None where it does
        not."""
        _, health_url = self._running()
        return _origin(health_url) if health_url and _is_healthy(health_url) else None

    def condition(self) -> tuple[bool, str]:
        """Return whether it runs and answers, and the same in words for people."""
        pid, health_url = self._running()
        if pid is None or health_url is None:
            return False, "stopped"
        origin = _origin(health_url)
        if _is_healthy(health_url):
            return True, f"running at {origin} (process {pid})"
        return False, f"process {pid} runs, but does not answer at {origin}; see {self.log}"

    def settings(self) -> str | None:
        """Return what it was started with last; None where it never was."""
        try:
            return self.settings_file.read_text("utf-8")
        except FileNotFoundError:
            return None

    def runs(self, program: Program) -> bool:
        """Say whether it runs, and answers, with the settings of a program."""
        return self.settings() == program.settings and self.origin is not None

    def start(self, program: Program) -> str | None:
        """Start it, and return what it printed for people until it answered. None where it runs
        already, with the same settings."""
        return None if self.runs(program) else self.start_anew(program)

    def start_anew(self, program: Program) -> str:
        """Start it, after it is stopped where it runs, and return what it printed for people until
        it answered. Raises Failure where it ended before, or took too long: then it is stopped."""
        self.stop()
        self.require_free_ports(program)
        private_folder(self.folder)
        write_private(self.settings_file, program.settings)
        with self._locked() as lock, open_private(self.log, "a") as log:
            log_size_before, output = log.tell(), log.fileno()
            if program.speaks:
                output = subprocess.PIPE
            process = subprocess.Popen(
                program.command,
                env={**os.environ, **program.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                umask=UMASK,
                # outlives the terminal and its Ctrl-C, and is stopped with all its children
                start_new_session=True,
                # it keeps the lock of its pid file for as long as it lives
                pass_fds=(lock.fileno(),),
            )
            json.dump({"pid": process.pid, "health_url": program.health_url}, lock)
            lock.flush()
        try:
            return self._wait_until_ready(process, program, log_size_before)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> bool:
        """End the process and all that it started, by SIGTERM, then by SIGKILL; its data stay.
        Return False where it does not run. Raises Failure where it does not end."""
        pid = self.pid
        if pid is None:
            return False
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(pid, number)  # all that it started too: it has a group of its own
            deadline = time.monotonic() + STOP_SECONDS
            while time.monotonic() < deadline:
                with suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)  # where this process started it
                if self.pid != pid:
                    return True
                time.sleep(_POLL_SECONDS)
        raise Failure(f"{self.title}: process {pid} does not end; end it by hand", exit_code=1)

    def require_free_ports(self, program: Program) -> None:
        """Raise Failure where a port of a program is taken. One that runs may have it itself: it
        is stopped before its start."""
        if self.pid is not None:
            return
        url = urlsplit(program.health_url)
        family = socket.AF_INET6 if ":" in (url.hostname or "") else socket.AF_INET
        for port in (url.port, *program.more_ports):
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((url.hostname, port))
                except OSError:
                    listener = _listener_on(port)
                    raise Failure(
                        f"{self.title}: port {port} of {url.hostname} is taken by {listener};"
                        " stop that, or write other ports into the stack's file (in a clone of"
                        " acmidm: make ports OFFSET=100)",
                        exit_code=1,
                    ) from None

    def _running(self) -> tuple[int | None, str | None]:
        """Return the process id and the health URL of the server; None for both where it does not
        run: then nobody has its pid file locked. They are None too while it is being started."""
        try:
            file = self.pid_file.open()
        except FileNotFoundError:
            return None, None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                written = file.read()
                running = json.loads(written) if written else {}  # empty while it is being started
                return running.get("pid"), running.get("health_url")
        return None, None

    @contextmanager
    def _locked(self) -> Iterator[TextIO]:
        """Lock the pid file, empty it, and yield it to be written. Raises Failure where another
        process is starting the server."""
        with open_private(self.pid_file, "a+") as file:
            deadline = time.monotonic() + _LOCK_SECONDS
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:  # `_running` locks for an instant, to look
                        raise Failure(
                            f"{self.title} is being started by another process; wait for it",
                            exit_code=1,
                        ) from None
                    time.sleep(_POLL_SECONDS)
            file.truncate(0)
            yield file

    def _wait_until_ready(
        self, process: subprocess.Popen[bytes], program: Program, log_size_before: int
    ) -> str:
        """Wait until a process answers at its health URL, and return what it printed until then,
        which is nothing where that goes to its log. Raises Failure where it ended, or takes too
        long, with the last error of its log."""
        printed = b""
        if process.stdout is not None:
            os.set_blocking(process.stdout.fileno(), False)
        deadline = time.monotonic() + program.start_seconds
        while process.poll() is None:
            is_ready = _is_healthy(program.health_url)
            if process.stdout is not None:  # read before it is full: who writes would wait
                printed += process.stdout.read() or b""
            if is_ready:
                return printed.decode(errors="replace")
            if time.monotonic() > deadline:
                failure = f"was not ready within {program.start_seconds:g} seconds"
                break
            time.sleep(_POLL_SECONDS)
        else:
            failure = "ended at once"
        raise Failure(
            f"{self.title} {failure}: {self._last_error(log_size_before)}; see {self.log}",
            exit_code=1,
        )

    def _last_error(self, log_size_before: int) -> str:
        """Return the last error in the log since a start, which is what follows `` ERROR: `` in a
        line of Keycloak's; else the last line, for Keycloak's lines go on after its reason."""
        lines = self.log.read_bytes()[log_size_before:].decode(errors="replace").splitlines()
        errors = [line.partition(" ERROR: ")[2] for line in lines if " ERROR: " in line]
        return next(reversed(errors or lines), "it said nothing")


def _listener_on(port: int | None) -> str:
    """Return the process that listens on a port, with its folder, which shows another clone of this
    project; "another program" where it is another user's."""
    try:
        for listening in psutil.net_connections("tcp"):
            if listening.pid and listening.laddr and listening.laddr.port == port:
                process = psutil.Process(listening.pid)
                return f"process {process.pid} ({process.name()} in {process.cwd()})"
    except psutil.Error:  # another user's
        pass
    return "another program"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _is_healthy(health_url: str) -> bool:
    """Return whether a program answers at its health URL."""
    # By the standard library: httpx reads the machine's certificates for each request, and would go
    # through a proxy.
    parts = urlsplit(health_url)
    connection = HTTPConnection(parts.netloc, timeout=5)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
