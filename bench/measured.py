"""How long a command takes, what its processes use, and which requests they send."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import psutil

from tests.support.fault_proxy import FaultProxy, Recorded

_SAMPLE_SECONDS = 0.2
_VARIABLE = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<==)[^&]+")
_BASE = re.compile(r"^(/admin)?/realms/[^/]+|^/products/v1")


@dataclass(frozen=True)
class Figure:
    """One command, with all processes that it started."""

    seconds: float
    cpu_seconds: float
    largest_mb: float
    all_mb: float
    """Resident memory of the largest process, and of all processes added up: the largest of the
    samples. Memory that processes share counts in each."""
    requests: Mapping[str, int]
    """How often each was sent, as {"PUT /clients/*": 3}: a star for each identifier."""
    state_kb: float
    floor: tuple[str, ...]
    """The names of the steps by whose sum this one is divided; empty for none."""


def measure(
    command: Sequence[str | Path],
    folder: Path,
    variables: Mapping[str, str],
    proxies: Sequence[FaultProxy],
    floor: tuple[str, ...],
    *,
    says_seconds: bool = False,
) -> Figure:
    """Run a command in a folder with these environment variables, and return what it cost. Where
    it fails, end this process with its last output.

    A command that ``says_seconds`` prints the seconds that count: those without its start.
    """
    for proxy in proxies:
        proxy.requests.clear()
    ended = threading.Event()
    samples = [[0]]
    with tempfile.TemporaryFile("w+") as output:
        start = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        sampler = threading.Thread(target=_sample, args=(process.pid, ended, samples), daemon=True)
        sampler.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        ended.set()
        sampler.join()
        output.seek(0)
        printed = output.read()
    if process.returncode:
        words = " ".join(map(str, command))
        sys.exit(f"{words} ended with {process.returncode}:\n{printed[-2000:]}")
    requests = Counter(map(_kind, chain.from_iterable(proxy.requests for proxy in proxies)))
    states = folder.glob("state/.pulumi/stacks/*/*.json")
    if says_seconds:
        seconds = float(printed)
    return Figure(
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        largest_mb=max(map(max, samples)) / 1024**2,
        all_mb=max(map(sum, samples)) / 1024**2,
        requests=dict(requests),
        state_kb=sum(file.stat().st_size / 1000 for file in states),
        floor=floor,
    )


def _sample(pid: int, ended: threading.Event, samples: list[list[int]]) -> None:
    """Add a sample to ``samples`` five times a second until ``ended``: the bytes of resident memory
    of a process and of each that it started."""
    # ru_maxrss would not do: a child starts with that of the process that forked it.
    while not ended.is_set():
        with suppress(psutil.NoSuchProcess):
            started = psutil.Process(pid)
            processes = (started, *started.children(recursive=True))
            samples.append([process.memory_info().rss for process in processes])
        ended.wait(_SAMPLE_SECONDS)


def _kind(request: Recorded) -> str:
    """Return a request's method and path without realm and identifiers: ``PUT /clients/*``."""
    return f"{request.method} {_VARIABLE.sub('*', _BASE.sub('', request.path))}"
