"""One portal for the session, a proxy in front of it for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from acmidm_onboarding.authorities.connected import ConnectedPlatform
from tests.support.between import PATIENCE_SECONDS, ProxiedProject, platform_through
from tests.support.cutting import buried
from tests.support.fault_proxy import FaultProxy
from tests.support.fixtures import portal, registry
from tests.support.portal import RunningPortal

__all__ = ["buried", "portal", "registry"]


@pytest.fixture
def proxy(portal: RunningPortal) -> Iterator[FaultProxy]:
    with FaultProxy(portal.origin) as running:
        yield running


@pytest.fixture
def project(portal: RunningPortal, proxy: FaultProxy, tmp_path: Path) -> ProxiedProject:
    """A project without forms whose every request goes through the proxy."""
    made = ProxiedProject(tmp_path / "project")
    made.connect(portal, **proxy.settings, requestTimeoutSeconds=PATIENCE_SECONDS)
    return made


@pytest.fixture
def platform(portal: RunningPortal, proxy: FaultProxy, tmp_path: Path) -> ConnectedPlatform:
    """The provider's own connections, without an engine."""
    return platform_through(proxy.origin, portal, tmp_path)
