"""What the installing scripts share: places, words on the screen, locks, commands that take
long."""

import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

TOOLCHAIN = Path(__file__).resolve().parent
ROOT = TOOLCHAIN.parent
LOCAL = ROOT / ".local"
VENV = ROOT / ".venv"
ENGINE = LOCAL / "engine"
PULUMI_HOME = LOCAL / "pulumi"

# Annotated where one is made, for a list that mixes both is not taken for one by itself.
Command = Sequence[str | Path]

SIGN_OF_LIFE_SECONDS = 15
LOG_LINES_IN_ERROR = 12


class ToolchainError(Exception):
    """What is wrong and what to do, in one sentence for the person at the screen."""


def main(install: Callable[[], None]) -> None:
    """Run one script's work, and end the process with what it came to."""
    for ending in (signal.SIGTERM, signal.SIGHUP):
        # As an exception, so that a command that is running is ended too.
        signal.signal(ending, lambda number, _frame: sys.exit(128 + number))
    try:
        install()
    except ToolchainError as failure:
        sys.exit(f"error: {failure}")
    except OSError as failure:
        # Such as a read-only or a full disk: of what is ours, and no fault of the reader.
        sys.exit(f"error: {unusable(failure)}")
    except KeyboardInterrupt:
        sys.exit(130)


def unusable(error: OSError) -> str:
    """Return what is wrong with a file or a folder of this clone, and what to do."""
    where = error.filename or ROOT
    return (
        f"{where}: {(error.strerror or str(error)).lower()}; work in a clone on a disk that you may"
        " write to, with room on it"
    )


def in_pipeline() -> bool:
    """Return whether this is a pipeline: what it installs has a hash in this repository."""
    return bool(os.environ.get("CI"))


def say(message: str) -> None:
    """Write a line to stderr: a shell evaluates stdout, which is `make env`'s."""
    sys.stderr.write(f"{message}\n")


def open_private(name: str, mode: str) -> IO[Any]:
    """Open a file of `.local`, which is this user's alone as that folder is, whatever the umask is
    and whoever made them."""
    LOCAL.mkdir(mode=0o700, exist_ok=True)
    LOCAL.chmod(0o700)
    opened = open(LOCAL / name, mode, opener=_private)  # noqa: SIM115 - the caller closes it
    os.fchmod(opened.fileno(), 0o600)
    return opened


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@contextmanager
def locked(subject: str) -> Iterator[None]:
    """Hold this clone's lock on `subject`, waiting for whoever has it. It ends with the process,
    however that ends."""
    with open_private(f"{subject}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{subject}: another process is at work on it in this clone, waiting")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run_long(
    subject: str, command: Command, *, cwd: Path = ROOT, env: Mapping[str, str] | None = None
) -> None:
    """Run a command that takes long: its output goes to a log, a sign of life to the screen.

    Raises ToolchainError, after showing the end of that output.
    """
    log_path = LOCAL / f"{subject}.log"
    started = time.monotonic()
    with open_private(log_path.name, "wb") as log:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            while process.poll() is None:
                try:
                    process.wait(SIGN_OF_LIFE_SECONDS)
                except subprocess.TimeoutExpired:
                    say(f"{subject}: {time.monotonic() - started:.0f} s")
        finally:
            process.terminate()
            process.wait()
    if process.returncode:
        lines = log_path.read_text(errors="replace").splitlines()
        for line in lines[-LOG_LINES_IN_ERROR:]:
            say(f"  {line}")
        raise ToolchainError(
            f"{subject}: the command above failed; all of its output is in"
            f" {log_path.relative_to(ROOT)}"
        )


def version_in(text: str) -> tuple[int, int, int] | None:
    """Find the first version in a text such as `go1.26.6` or `v3.274.1-dev`; a missing part counts
    as zero."""
    match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None
