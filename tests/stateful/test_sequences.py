"""Any sequence of what can happen to connections: some hundred steps through the providers in this process, some tens with the engine."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from functools import lru_cache
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from acmidm import connecting
from components.model import loading
from components.resources import base
from tests.stateful.machine import Machine, done, met
from tests.stateful.model import UNKNOWN_SCOPE
from tests.stateful.seen import remove_everything
from tests.stateful.speeds import Engine, InProcess
from tests.stateful.world import World
from tests.support.offered import offered
from tests.support.portal import RunningPortal, running_portal
from tests.support.registry import Registry


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    known = offered()
    del known["scopes"][UNKNOWN_SCOPE]
    with running_portal(tmp_path_factory.mktemp("portal"), **known) as running:
        yield running


@pytest.fixture(autouse=True)
def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command of the real thing reads once: here all commands are one process."""
    monkeypatch.setattr(ssl, "create_default_context", lru_cache(ssl.create_default_context))
    once = lru_cache(loading.load_catalogue)
    for module in (loading, base, connecting):
        monkeypatch.setattr(module, "load_catalogue", once)


@pytest.mark.exhaustive  # and in a process without a browser, whose event loop the program's would meet
def test_any_sequence(portal: RunningPortal, tmp_path: Path) -> None:
    """Always the same sequences; EXAMPLES, STEPS and SHRINK in the environment make them others, and more."""
    run(portal, tmp_path, InProcess, examples=20, steps=30)


@pytest.mark.exhaustive
def test_any_sequence_with_the_engine(portal: RunningPortal, tmp_path: Path) -> None:
    run(portal, tmp_path, Engine, examples=4, steps=10)


def run(portal: RunningPortal, folder: Path, speed: type[InProcess | Engine], *, examples: int, steps: int) -> None:
    """Run the machine; each example begins with nothing at the authority and a project of its own."""
    with portal.operator() as http:
        registry, numbers = Registry(http), count()

        def begin() -> World:
            remove_everything(registry)
            project = folder / f"project-{next(numbers)}"
            project.mkdir()
            return World(speed(portal, project), registry)

        run_state_machine_as_test(
            lambda: Machine(begin),  # type: ignore[arg-type]  # a factory will do
            settings=settings(
                max_examples=int(os.environ.get("EXAMPLES", examples)),
                stateful_step_count=int(os.environ.get("STEPS", steps)),
                deadline=None,
                suppress_health_check=list(HealthCheck),
                print_blob=False,
                report_multiple_bugs=False,
                database=None,
                derandomize="RANDOM" not in os.environ,
                phases=[Phase.generate, *([Phase.shrink] if os.environ.get("SHRINK") else [])],
            ),
        )
    print(f"{sum(done.values())} steps: {done}\n{len(met)} pairs of rules met: {met}")  # noqa: T201 - for pytest -s
