"""The process that ``warm_python`` has its own forked from: the SDK, the module and the commands
are imported here once, and the catalogue is read.

An engine's command starts three of them, and imports are most of what they do. What runs in them is
what always runs; tests of processes, of the command line and of whole clones start Python as
everybody does.
"""

from __future__ import annotations

import atexit
import fcntl
import gc
import importlib
import io
import marshal
import os
import runpy
import selectors
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import IO, NoReturn

from acmidm.cli import command_names, load
from acmidm_onboarding.authority_types import installed_authorities
from acmidm_onboarding.forms.loading import read_onboardings
from tests.support import warm_python
from tests.support.offered import RUN, SHARED, catalogue_folder

_ROOT = Path(__file__).parents[2]
# With what these import themselves; commands, authorities and the sample forms import the rest.
IMPORTED = (
    "encodings.idna",
    "grpc._channel",
    "grpc._server",
    "grpc._utilities",
    "typer._adapters",
    "acmidm_onboarding.authorities.beheerportaal.adapter",
    "acmidm_onboarding.refusals",
    "acmidm_sandbox.start",
)

_STARTED: list[subprocess.Popen[bytes]] = []
"""The servers of this process, for which nobody waits."""


def warm_environment() -> Path:
    """This clone's virtual environment with the stand-in for its ``python``. All workers of a run
    share the server behind it, which ends with the run; without a run it ends with this process."""
    return _environment(os.environ.get(SHARED))


@cache
def _environment(shared: str | None) -> Path:
    if shared is None:
        folder = Path(mkdtemp(prefix="acmidm-warm-"))
        atexit.register(shutil.rmtree, folder)
        until, _ = os.pipe()  # whose other end is open until this process ends
    else:
        folder = Path(shared, "warm")
        folder.mkdir(exist_ok=True)
        until = os.open(Path(shared, RUN), os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(until) as ends, (folder / "starting").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "lib").exists():  # which is made last
            _start(folder, ends)
    return folder


def _start(folder: Path, ends: IO[str]) -> None:
    """Start a server until a pipe ends, and make its environment in a folder."""
    place, python = folder / "socket", folder / "bin" / "python"
    server = subprocess.Popen(
        [sys.executable, "-m", __spec__.name, place],
        cwd=_ROOT,
        stdin=ends,
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    python.parent.mkdir()
    real = Path(sys.prefix)
    client = shlex.join([sys.executable, "-ISs", warm_python.__file__, str(place)])
    for file in (real / "bin").iterdir():
        stand_in = python.with_name(file.name)
        if file.name in ("python", "acmidm"):
            stand_in.write_text(
                f'#!/bin/sh\nexec {client} {file if file.name == "acmidm" else ""} "$@"\n'
            )
            stand_in.chmod(0o755)
        else:
            stand_in.symlink_to(file)
    shutil.copy(real / "pyvenv.cfg", folder)
    (folder / "lib").symlink_to(real / "lib")
    _STARTED.append(server)


class Server:
    """Forks, and tells each client how its process ended."""

    def __init__(self, place: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(place)
        self._listener.listen(64)
        self._clients: dict[int, socket.socket] = {}
        self._ready = selectors.DefaultSelector()
        self._ended, ended = os.pipe()
        os.set_blocking(ended, False)
        signal.set_wakeup_fd(ended)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def run(self) -> list[str] | None:
        """Serve until standard input ends; in a child, at once what it shall be."""
        for source in (sys.stdin, self._listener, self._ended):
            self._ready.register(source, selectors.EVENT_READ)
        while True:
            for key, _ in self._ready.select():
                if key.fileobj is sys.stdin:
                    return None
                if key.fileobj is self._listener:
                    words = self._fork()
                    if words is not None:
                        return words
                elif key.fileobj == self._ended:
                    os.read(self._ended, 4096)
                else:  # the client was killed
                    with suppress(ProcessLookupError):
                        os.kill(key.data, signal.SIGKILL)
                    self._ready.unregister(key.fileobj)
            self._tell()

    def _fork(self) -> list[str] | None:
        client, _ = self._listener.accept()
        asked, files = _asked(client)
        if not asked:
            client.close()
            return None
        folder, words, variables, mask = marshal.loads(asked)  # noqa: S302 - our own
        pid = os.fork()
        if pid:
            for file in files:
                os.close(file)
            self._clients[pid] = client
            self._ready.register(client, selectors.EVENT_READ, pid)
            with suppress(ConnectionError):  # it was killed: its process is ended next
                client.sendall(pid.to_bytes(4, "big"))
            return None
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setpgid(0, 0)
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        os.chdir(folder)
        os.umask(mask)
        os.environ.clear()
        os.environ.update(variables)
        return list(words)

    def _tell(self) -> None:
        while self._clients:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            code = os.waitstatus_to_exitcode(status)
            with self._clients.pop(pid) as client, suppress(ConnectionError, KeyError):
                self._ready.unregister(client)
                client.sendall((code if code >= 0 else 128 - code).to_bytes(4, "big"))


def _asked(client: socket.socket) -> tuple[bytes, list[int]]:
    """Return what a client asks for, with its standard files; nothing where it was killed before
    it had said that."""
    with suppress(ConnectionError):
        length, files, _, _ = socket.recv_fds(client, 4, 3)
        size = int.from_bytes(length, "big")
        asked = client.recv(size, socket.MSG_WAITALL)
        if len(files) == 3 and len(asked) == size:
            return asked, files
        for file in files:
            os.close(file)
    return b"", []


def become(python: Path, words: list[str]) -> NoReturn:
    """Run what Python would run with these words, and end as it would; what it starts itself by its
    own name is forked too."""
    sys.executable = str(python)
    sys.stdin = io.TextIOWrapper(io.FileIO(0))
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(io.FileIO(number, "w"), write_through=True) for number in (1, 2)
    )
    words = [word for word in words if word not in ("-u", "-P")]
    code = 0
    try:
        if words[0] == "-m":
            sys.argv, sys.path[0] = words[1:], str(Path.cwd())
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        elif words[0] == "-P":  # the script's folder is none to import from
            sys.argv = words[1:]
            runpy.run_path(words[1], run_name="__main__")
        else:
            sys.argv, sys.path[0] = words, str(Path(words[0]).parent)
            runpy.run_path(words[0], run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            raise  # Python shows it
        code = end.code or 0
    # Not to the end of Python's own: to free all that was imported, one by one, takes a third of
    # the processor time.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    os._exit(code)


def main() -> None:
    for name in IMPORTED:
        importlib.import_module(name)
    for command in command_names():
        load(command)
    installed_authorities()
    # The catalogue is remembered by its text, and read by every program and provider.
    read_onboardings([_ROOT / "onboardings"], catalogue_folder())
    gc.freeze()  # what is here already is no garbage of a child's
    server = Server(sys.argv[1])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    words = server.run()
    if words is not None:
        become(Path(sys.argv[1]).parent / "bin" / "python", words)


if __name__ == "__main__":
    main()
