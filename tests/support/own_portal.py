"""Fixtures of a portal of a test's own: what other tests leave at theirs would be left behind by a
stack that has the same name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.offered import offered
from tests.support.portal import RunningPortal, running_portal
from tests.support.registry import Registry


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[RunningPortal]:
    with running_portal(tmp_path / "portal", receives_mail=True, **offered()) as running:
        yield running


@pytest.fixture
def registry(portal: RunningPortal) -> Iterator[Registry]:
    with portal.operator() as http:
        yield Registry(http)
