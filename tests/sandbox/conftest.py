"""One portal per platform for the whole session; tests share it, so each works on clients of its
own."""

from collections.abc import Iterator

import httpx
import pytest

from tests.sandbox.inside import Inside, inside
from tests.sandbox.sender import Sender
from tests.support.portal import RunningPortal
from tests.support.portal_thread import portal_in_thread


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    """A portal that runs as ACM/IDM, and receives mail."""
    with portal_in_thread(
        tmp_path_factory.mktemp("acmidm"), processing_seconds=0, receives_mail=True
    ) as running:
        yield running


@pytest.fixture(scope="session")
def geosecure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    """A portal that runs as GeoSecure."""
    with portal_in_thread(
        tmp_path_factory.mktemp("geosecure"), platform="geosecure", processing_seconds=0
    ) as running:
        yield running


@pytest.fixture
def operator(portal: RunningPortal) -> Iterator[httpx.Client]:
    """An operator with all rights."""
    with portal.operator() as client:
        yield client


@pytest.fixture(scope="session")
def inner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    """A portal in the test's own process."""
    with inside(tmp_path_factory.mktemp("inside"), processing_seconds=0) as made:
        yield made


@pytest.fixture
def sender(inner: Inside) -> Sender:
    """A client of that portal with both products."""
    return Sender.of(inner)
