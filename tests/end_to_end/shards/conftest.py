"""Two stacks of TNI at one portal, each with its own organisations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.engine import Project
from tests.support.offered import offered
from tests.support.portal import RunningPortal, running_portal
from tests.support.registry import Registry


@dataclass
class Shards:
    """One project with two stacks, which share its forms and its portal."""

    a: Project
    b: Project

    @property
    def forms(self) -> Path:
        return self.a.forms

    @property
    def both(self) -> tuple[str, ...]:
        """The options that name both."""
        return ("--stack", self.a.stack, "--stack", self.b.stack)

    def take(self, of_a: str, of_b: str) -> None:
        """Say which organisations each of them takes."""
        self.a.configure({"organisations": of_a})
        self.b.configure({"organisations": of_b})


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[RunningPortal]:
    with running_portal(tmp_path / "portal", receives_mail=True, **offered()) as running:
        yield running


@pytest.fixture
def registry(portal: RunningPortal) -> Iterator[Registry]:
    with portal.operator() as http:
        yield Registry(http)


@pytest.fixture
def shards(portal: RunningPortal, tmp_path: Path) -> Shards:
    """Stack tni-a takes Aalst and Gent, tni-b every organisation whose name begins with z."""
    folder = tmp_path / "project"
    made = Shards(Project(folder, "tni-a"), Project(folder, "tni-b"))
    for project in (made.a, made.b):
        project.connect(portal, environment="tni")
    made.take("aalst gent", "z*")
    return made
