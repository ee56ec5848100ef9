"""``kill -9`` of the engine or of the provider after each of the first dozen requests, and Ctrl-C: the next ``make up`` needs nobody.

The proxy kills once the server has committed the request, and the answer is lost: the worst moment. Two forms are
brought up and destroyed; the recovering command is the one that ``make up`` runs.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.faults.between import API, ProxiedProject, require_as_declared
from tests.support import faults
from tests.support.engine import COMMAND_SECONDS
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import DOSSIERS, PLAIN, SEND, write_form
from tests.support.processes import family, kill, wait_until_gone
from tests.support.registry import Registry

DOZEN = range(1, 13)
PROVIDER = "pulumi.dynamic"
UP = ("up", "--yes", "--skip-preview", "--continue-on-error")
DESTROY = ("destroy", "--yes", "--skip-preview", "--continue-on-error")


class Run:
    """A command of the engine that is cut off; its orphans are ended with the test."""

    def __init__(self, project: ProxiedProject, *words: str) -> None:
        self.process = subprocess.Popen(
            ["pulumi", *words, "--non-interactive"],
            cwd=project.folder,
            env=project.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
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
        return [pid for pid, command in self.family.items() if PROVIDER in command and not command.startswith("/bin/sh")]

    def end(self) -> None:
        self.process.wait(COMMAND_SECONDS)

    def bury(self) -> None:
        # Pulumi's own language host outlives an engine that is killed.
        kill(self.family)


def cut_off(project: ProxiedProject, proxy: FaultProxy, victim: str, request: int, *words: str) -> Run:
    """Runs a command that is cut off when the server has committed its n-th request."""
    proxy.heal()
    run: list[Run] = []
    rule = proxy.rule(".*", API, faults.once_committed(lambda: run[0].cut(victim)), first=request)
    run.append(Run(project, *words))
    run[0].end()
    assert rule.seen >= request, f"{words[0]} made {rule.seen} requests only"
    proxy.heal()
    return run[0]


@pytest.fixture
def buried() -> Iterator[list[Run]]:
    runs: list[Run] = []
    yield runs
    for run in runs:
        run.bury()


CASES = [(victim, request) for victim in ("engine", "provider") for request in DOZEN]
CASES += [(victim, request) for victim in ("everything", "Ctrl-C") for request in (3, 8)]


@pytest.mark.parametrize(("victim", "request_number"), CASES)
def test_next_up_ends_right(
    project: ProxiedProject, proxy: FaultProxy, registry: Registry, buried: list[Run], victim: str, request_number: int
) -> None:
    """Cut off at ``up``, then at ``destroy``: after each the next ``up`` ends with one client per form, and nothing else."""
    forms = [
        write_form(project.forms, "gent/een", scopes=(SEND, PLAIN), keys=("key-1", "key-2")),
        write_form(project.forms, "gent/twee", scopes=(DOSSIERS,)),
    ]
    for words in (UP, DESTROY):
        buried.append(cut_off(project, proxy, victim, request_number, *words))
        # What it does with a person at the screen who types nothing.
        outcome = project.recover()
        assert outcome.code == 0, outcome.output
        assert "pending operations" not in outcome.output
        require_as_declared(project, registry, forms)


def test_orphaned_provider_ends_with_its_engine(project: ProxiedProject, proxy: FaultProxy, registry: Registry, buried: list[Run]) -> None:
    """Otherwise a delete that is being retried would undo what the next run makes; nobody else ends a provider."""
    form = write_form(project.forms)
    run = cut_off(project, proxy, "engine", 3, *UP)
    buried.append(run)
    assert len(run.providers) == 1
    assert wait_until_gone(run.providers[0], 10)
    assert project.recover().code == 0
    require_as_declared(project, registry, [form])
