"""Projects whose state a team shares, in a real PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.between import PATIENCE_SECONDS
from tests.support.fault_proxy import FaultProxy
from tests.support.fixtures import portal, registry
from tests.support.portal import RunningPortal
from tests.support.postgres import RunningPostgres, running_postgres
from tests.support.shared_states import SharedProject

__all__ = ["portal", "registry"]


@pytest.fixture(scope="session")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPostgres]:
    """The server that has the states of all tests, each in a table."""
    with running_postgres(tmp_path_factory.mktemp("backend")) as running:
        yield running


@pytest.fixture
def proxy(portal: RunningPortal) -> Iterator[FaultProxy]:
    with FaultProxy(portal.origin) as running:
        yield running


@pytest.fixture
def project(
    portal: RunningPortal, proxy: FaultProxy, backend: RunningPostgres, tmp_path: Path
) -> SharedProject:
    """A project without forms on a shared state, whose every request goes through the proxy."""
    made = SharedProject(tmp_path / "project")
    made.connect(
        portal,
        **proxy.settings,
        requestTimeoutSeconds=PATIENCE_SECONDS,
    )
    made.share(backend, f"state_{uuid.uuid4().hex}")
    return made
