"""What the installing scripts share: folders, lines on the screen, locks, commands that take
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

Command = Sequence[str | Path]
"""A list of both needs this annotation where it is made: mypy would infer ``list[object]``."""

SIGN_OF_LIFE_SECONDS = 15
LOG_LINES_IN_ERROR = 12


class ToolchainError(Exception):
    """What is wrong and what to do, in one sentence for the person at the screen."""


def main(install: Callable[[], None]) -> None:
    """Run a script's work; where it fails, end the process with a sentence in place of a
    traceback."""
    for ending in (signal.SIGTERM, signal.SIGHUP):
        # As an exception: `run_long` ends its command when one passes.
        signal.signal(ending, lambda number, _frame: sys.exit(128 + number))
    try:
        install()
    except ToolchainError as failure:
        sys.exit(f"error: {failure}")
    except OSError as failure:  # such as a read-only or a full disk
        where = failure.filename or ROOT
        sys.exit(
            f"error: {where}: {(failure.strerror or str(failure)).lower()}; work in a clone on a"
            " disk that you may write to, with room on it"
        )
    except KeyboardInterrupt:
        sys.exit(130)


def in_pipeline() -> bool:
    """Return whether this runs in CI, where all that is installed must have a hash in this
    repository."""
    return bool(os.environ.get("CI"))


def say(message: str) -> None:
    """Write a line to stderr: a shell evaluates stdout, which is `make env`'s."""
    sys.stderr.write(f"{message}\n")


def open_private(name: str, mode: str) -> IO[Any]:
    """Open a file of `.local`. Only this user can read the file and the folder, also where both
    were made before with more rights."""
    LOCAL.mkdir(mode=0o700, exist_ok=True)
    LOCAL.chmod(0o700)
    opened = open(LOCAL / name, mode, opener=for_this_user)  # noqa: SIM115 - the caller closes it
    os.fchmod(opened.fileno(), 0o600)
    return opened


def for_this_user(path: str, flags: int) -> int:
    """Open a file for `open(..., opener=)`: a new one can be read by this user only."""
    return os.open(path, flags, 0o600)


@contextmanager
def locked(subject: str) -> Iterator[None]:
    """Hold the lock `.local/<subject>.lock` while the block runs; wait where another process has
    it. The kernel frees it when the process ends, however that ends."""
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
    """Run a command that takes long. Its output goes to `.local/<subject>.log`; the screen gets a
    line with the seconds so far every 15 seconds.

    Raises ToolchainError where it fails, after showing the end of that output.
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
        finally:  # where this process is interrupted, the command ends too
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
    """Return the first version in a text: (3, 274, 1) for `v3.274.1-dev`, (1, 26, 0) for `go1.26`.
    None where there is none."""
    match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None
