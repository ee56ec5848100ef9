"""A portal for projects that use the module, and one such project in files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.fixtures import project, registry
from tests.support.offered import SHIPPED, offered
from tests.support.portal import RunningPortal, running_portal

__all__ = ["project", "registry"]


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    """It offers what the catalogue in the wheel does."""
    with running_portal(tmp_path_factory.mktemp("portal"), **offered(folder=SHIPPED)) as running:
        yield running
