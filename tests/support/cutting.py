"""Cuts a command of the engine off in the middle: kills the engine, its provider or all of them at
a request of one's choice, or at several of different connections at once."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from tests.support import faults
from tests.support.engine import COMMAND_SECONDS, Project
from tests.support.fault_proxy import Exchange, FaultProxy
from tests.support.processes import family, kill
from tests.support.together import OneStack
from tests.support.warm_server import warm_environment

PROVIDER = "pulumi.dynamic"
UP = ("up", "--yes", "--skip-preview", "--continue-on-error")
DESTROY = ("destroy", "--yes", "--skip-preview", "--continue-on-error")
DEPLOY = ("acmidm", "deploy")
KEPT_BACK_SECONDS = 300
"""How long an answer is kept back at most, which is what a request may take at most: a deployment
of three runs takes minutes on a busy machine."""
CHECKPOINTS = {"each step": "false", "at the end": "true"}
"""When the state is written: as ``pulumi up`` does it, and as ``acmidm deploy`` does; by the value
of PULUMI_SKIP_CHECKPOINTS."""
Victims = tuple[str, int, str]


def write_state(project: Project, when: str) -> None:
    project.environment |= {
        "PULUMI_EXPERIMENTAL": "true",
        "PULUMI_SKIP_CHECKPOINTS": CHECKPOINTS[when],
    }


def start(project: Project, *words: str) -> subprocess.Popen[bytes]:
    """Start a command, in a group of processes of its own, as a shell does."""
    return subprocess.Popen(
        words if words[:2] == DEPLOY else ["pulumi", *words, "--non-interactive"],
        cwd=project.folder,
        env=project.variables(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


class Run:
    """A command of the engine that is cut off; its orphans are ended with the test."""

    def __init__(self, project: Project, *words: str) -> None:
        project.start_python()  # what is killed has to be the engine's own child
        self.process = start(project, *words)
        self.family: dict[int, str] = {}

    def cut(self, victim: str) -> None:
        self.family = family(self.process.pid)
        if victim == "engine":
            kill([self.process.pid])
        elif victim == "provider":
            assert self.providers, self.family
            kill(self.providers)
        elif victim == "everything":
            kill(self.family)
        else:
            kill([self.process.pid], signal.SIGINT)

    @property
    def providers(self) -> list[int]:
        return [
            pid
            for pid, command in self.family.items()
            if PROVIDER in command and not command.startswith("/bin/sh")
        ]

    def end(self) -> None:
        self.process.wait(COMMAND_SECONDS)

    def bury(self) -> None:
        # Pulumi's own language host outlives an engine that is killed.
        kill(self.family)


class TooFewRequests(AssertionError):
    """A command ended before it made the request at which it was to be cut off."""


def cut_off(project: Project, proxy: FaultProxy, victim: str, request: int, *words: str) -> Run:
    """Runs a command that is cut off when the server has committed its n-th request, those for
    tokens not counted."""
    proxy.heal()
    run: list[Run] = []
    rule = proxy.rule(".*", "", faults.once_committed(lambda: run[0].cut(victim)), first=request)
    run.append(Run(project, *words))
    run[0].end()
    project.start_python(warm_environment())
    proxy.heal()
    if rule.seen < request:
        raise TooFewRequests(f"{words[0]} made {rule.seen} requests only")
    return run[0]


@dataclass(frozen=True)
class Way:
    """Which command is cut off, and who is killed then."""

    victim: str = "everything"
    words: tuple[str, ...] = DEPLOY
    when: str | None = None
    """When the state is written; None for when the command itself does it."""


@dataclass(kw_only=True)
class CutStack(OneStack):
    """A stack whose runs are cut off where requests of several connections were committed, and
    nobody has their answers.

    At most four are kept back in one run: a provider answers the engine four at a time. A run for
    which nothing is kept back is left out.
    """

    writes: ClassVar[Collection[str]] = (*OneStack.writes, "cut", "cut_again", "interrupt")

    proxy: FaultProxy
    way: Way
    runs: list[Run] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._begin()

    def keep_back(self, method: str, path: str, *, first: int = 1, containing: str = "") -> None:
        """Keep the answer to such a request back, once it is committed, until the next run is cut
        off."""
        come, is_over = self._come, self._is_over

        def keep(exchange: Exchange) -> None:
            reply = exchange.forward()
            come.put(f"{method} {path}")
            is_over.wait(KEPT_BACK_SECONDS)
            if self._is_lost:
                exchange.cut()
            exchange.reply(reply)

        self.proxy.rule(method, path, keep, first=first, containing=containing)
        self._kept += 1

    def cut(self) -> None:
        """A run whose victim is killed once all has come that is kept back."""
        if self._kept:
            self._cut(self.way)

    def cut_again(self) -> None:
        """A deployment that is killed with everything."""
        if self._kept:
            self._cut(Way())

    def interrupt(self) -> int | None:
        """A deployment to which Ctrl-C comes; its exit code."""
        if not self._kept:
            return None
        process = start(self.project, *DEPLOY)
        self._wait_for_all(process)
        os.killpg(process.pid, signal.SIGINT)
        self._is_lost = False
        self._is_over.set()
        code = process.wait(KEPT_BACK_SECONDS)
        self._begin()
        return code

    def bury(self) -> None:
        """End the orphans of all runs that were cut off."""
        for run in self.runs:
            run.bury()

    def _cut(self, way: Way) -> None:
        before = dict(self.project.environment)
        if way.when is not None:
            write_state(self.project, way.when)
        run = Run(self.project, *way.words)
        self.runs.append(run)
        self._wait_for_all(run.process)
        run.cut(way.victim)
        self._is_over.set()
        run.end()
        self.project.environment = before
        self.project.start_python(warm_environment())
        self._begin()

    def _begin(self) -> None:
        self.proxy.heal()
        self._kept, self._is_lost = 0, True
        self._come: queue.Queue[str | None] = queue.Queue()
        self._is_over = threading.Event()

    def _wait_for_all(self, process: subprocess.Popen[bytes]) -> None:
        come = self._come

        def end() -> None:
            process.wait()
            come.put(None)

        threading.Thread(target=end, daemon=True).start()
        seen: list[str | None] = []
        with suppress(queue.Empty):
            while len(seen) < self._kept and None not in seen:
                seen.append(come.get(timeout=KEPT_BACK_SECONDS))
        is_all = len(seen) == self._kept and None not in seen
        assert is_all, (
            f"{self._kept} are kept back; came {seen} of {[*map(str, self.proxy.requests)]}"
        )


@pytest.fixture
def buried() -> Iterator[list[Run]]:
    runs: list[Run] = []
    yield runs
    for run in runs:
        run.bury()
