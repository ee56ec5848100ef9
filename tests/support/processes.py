"""The processes of one command, found by their parents and ended by their number."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterable
from contextlib import suppress

import psutil


def family(pid: int) -> dict[int, str]:
    """A process and all that descend from it, with their command lines."""
    try:
        process = psutil.Process(pid)
        members = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return {}
    found: dict[int, str] = {}
    for member in members:
        with suppress(psutil.NoSuchProcess):
            found[member.pid] = shlex.join(member.cmdline())
    return found


def kill(pids: Iterable[int], number: int = signal.SIGKILL) -> None:
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            psutil.Process(pid).send_signal(number)


def wait_until_gone(pid: int, within_seconds: float) -> None:
    """Wait for the end of a process. Raises psutil.TimeoutExpired."""
    with suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(within_seconds)
