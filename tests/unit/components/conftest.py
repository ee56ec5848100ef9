"""A portal that knows the catalogue's scopes, for the tests that call providers directly."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator

import pytest

from tests.engine.conftest import offered
from tests.support.portal import RunningPortal, running_portal
from tests.support.registry import Registry
from tests.unit.components.world import World, world_of


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    with running_portal(tmp_path_factory.mktemp("portal"), **offered()) as running:
        yield running


@pytest.fixture(scope="session")
def registry(portal: RunningPortal) -> Iterator[Registry]:
    with portal.operator() as http:
        yield Registry(http)


@pytest.fixture
def world(portal: RunningPortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A fresh run: nothing was read yet. Providers cut tracebacks off in their process, which here is pytest's."""
    yield world_of(portal, tmp_path_factory.mktemp("run"))
    vars(sys).pop("tracebacklimit", None)


@pytest.fixture
def application() -> str:
    """An application that no other test has."""
    return f"loket-{uuid.uuid4().hex[:12]}"
