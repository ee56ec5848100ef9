"""Cuts a command of the engine off in the middle: kills the engine, its provider or all of them at
a request of one's choice."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.support import faults
from tests.support.between import ProxiedProject
from tests.support.engine import COMMAND_SECONDS
from tests.support.fault_proxy import FaultProxy
from tests.support.processes import family, kill
from tests.support.warm_server import warm_environment

PROVIDER = "pulumi.dynamic"
UP = ("up", "--yes", "--skip-preview", "--continue-on-error")
DESTROY = ("destroy", "--yes", "--skip-preview", "--continue-on-error")
DEPLOY = ("acmidm", "deploy")
CHECKPOINTS = {"each step": "false", "at the end": "true"}
"""When the state is written: as ``pulumi up`` does it, and as ``acmidm deploy`` does; by the value
of PULUMI_SKIP_CHECKPOINTS."""
Victims = tuple[str, int, str]


def victims(*cuts: tuple[str, int]) -> dict[str, Victims]:
    """Who is killed at which request, with either way of writing the state where that matters.

    It does where the engine dies. One that lives, or ends in good order, writes down at the end
    what it knows, either way.
    """
    return {
        f"{victim}-{request}, state {when}": (victim, request, when)
        for victim, request in cuts
        for when in (CHECKPOINTS if victim in ("engine", "everything") else ["at the end"])
    }


def write_state(project: ProxiedProject, when: str) -> None:
    project.environment |= {
        "PULUMI_EXPERIMENTAL": "true",
        "PULUMI_SKIP_CHECKPOINTS": CHECKPOINTS[when],
    }


def start(project: ProxiedProject, *words: str) -> subprocess.Popen[bytes]:
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

    def __init__(self, project: ProxiedProject, *words: str) -> None:
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


def cut_off(
    project: ProxiedProject, proxy: FaultProxy, victim: str, request: int, *words: str
) -> Run:
    """Runs a command that is cut off when the server has committed its n-th request, those for
    tokens not counted."""
    proxy.heal()
    run: list[Run] = []
    rule = proxy.rule(".*", "", faults.once_committed(lambda: run[0].cut(victim)), first=request)
    run.append(Run(project, *words))
    run[0].end()
    project.start_python(warm_environment())
    assert rule.seen >= request, f"{words[0]} made {rule.seen} requests only"
    proxy.heal()
    return run[0]


@pytest.fixture
def buried() -> Iterator[list[Run]]:
    runs: list[Run] = []
    yield runs
    for run in runs:
        run.bury()
