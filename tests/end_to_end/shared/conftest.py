"""Projects whose state a team shares: in a real PostgreSQL, or in a real object store that speaks
S3."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.between import PATIENCE_SECONDS
from tests.support.cutting import buried
from tests.support.fault_proxy import FaultProxy
from tests.support.fixtures import portal, registry
from tests.support.portal import RunningPortal
from tests.support.shared_states import BACKENDS, Backend, SharedProject

__all__ = ["buried", "portal", "registry"]


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Backend]]:
    """The backends that run, each since the first test on it."""
    with ExitStack() as stack:
        yield Servers(stack, tmp_path_factory.mktemp("backends"))


class Servers(dict[str, Backend]):
    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack, self._folder = stack, folder

    def __missing__(self, name: str) -> Backend:
        self[name] = self._stack.enter_context(BACKENDS[name](self._folder / name))
        return self[name]


@pytest.fixture
def backend(request: pytest.FixtureRequest, servers: dict[str, Backend]) -> Backend:
    return servers[request.param]


@pytest.fixture
def proxy(portal: RunningPortal) -> Iterator[FaultProxy]:
    with FaultProxy(portal.origin) as running:
        yield running


@pytest.fixture
def project(
    portal: RunningPortal, proxy: FaultProxy, backend: Backend, tmp_path: Path
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
