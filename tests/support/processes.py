"""The processes of one command, found by their parents and ended by their number."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress


def family(pid: int) -> dict[int, str]:
    """A process and all that descend from it, with their command lines."""
    told = subprocess.run(["ps", "-ww", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in told.splitlines()]
    members: dict[int, str] = {}
    parents = {pid}
    while parents:
        members |= {int(row[0]): row[2] for row in rows if int(row[0]) in parents}
        parents = {int(row[0]) for row in rows if int(row[1]) in parents} - members.keys()
    return members


def kill(pids: Iterable[int], number: int = signal.SIGKILL) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def alive(pid: int) -> bool:
    told = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(told.strip()) and not told.startswith("Z")


def wait_until_gone(pid: int, within_seconds: float) -> bool:
    """Whether a process that is no child of this one has ended by then."""
    end = time.monotonic() + within_seconds
    while alive(pid):
        if time.monotonic() > end:
            return False
    return True
