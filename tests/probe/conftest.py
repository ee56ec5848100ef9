"""Portals that say nothing of why a client is refused, as the real ones may: the probe has to find
out by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from acmidm_onboarding.values.terms import Platform
from tests.support.connection import Connection, make_connection
from tests.support.offered import offered
from tests.support.portal import RunningPortal
from tests.support.portal_thread import portal_in_thread

SILENT: dict[str, Any] = {"is_silent": True, "processing_seconds": 0}


@pytest.fixture(scope="session")
def acmidm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    with portal_in_thread(tmp_path_factory.mktemp("acmidm"), **offered(), **SILENT) as running:
        yield running


@pytest.fixture(scope="session")
def geosecure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    with portal_in_thread(
        tmp_path_factory.mktemp("geosecure"),
        platform="geosecure",
        **offered(Platform.GEOSECURE),
        **SILENT,
    ) as running:
        yield running


@pytest.fixture
def connection(
    acmidm: RunningPortal, geosecure: RunningPortal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Connection:
    """On ACM/IDM."""
    monkeypatch.chdir(tmp_path)
    return make_connection(tmp_path, acmidm, geosecure, "acmidm")


@pytest.fixture
def on_geosecure(
    acmidm: RunningPortal, geosecure: RunningPortal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Connection:
    """On GeoSecure."""
    monkeypatch.chdir(tmp_path)
    return make_connection(tmp_path, geosecure, acmidm, "geosecure")
