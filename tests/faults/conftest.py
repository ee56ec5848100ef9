"""One portal for the session and a realm of a real Keycloak for each file, a proxy in front of them for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from acmidm_onboarding.authorities.connected import ConnectedPlatform
from keycloak_sandbox.admin import Admin
from keycloak_sandbox.server import Server
from tests.engine.test_secrets import random_plugin
from tests.faults.between import ProxiedProject, platform_through
from tests.faults.cutting import buried
from tests.support.fault_proxy import FaultProxy
from tests.support.fixtures import portal, registry
from tests.support.keycloak import TestRealm, make_realm
from tests.support.portal import RunningPortal

__all__ = ["buried", "portal", "random_plugin", "registry"]


@pytest.fixture
def proxy(portal: RunningPortal) -> Iterator[FaultProxy]:
    with FaultProxy(portal.origin) as running:
        yield running


@pytest.fixture
def project(portal: RunningPortal, proxy: FaultProxy, tmp_path: Path) -> ProxiedProject:
    """A project without forms whose every request goes through the proxy."""
    made = ProxiedProject(tmp_path / "project")
    made.connect_through(proxy, portal)
    return made


@pytest.fixture
def platform(portal: RunningPortal, proxy: FaultProxy, tmp_path: Path) -> ConnectedPlatform:
    """The provider's own connections, without an engine."""
    return platform_through(proxy.origin, portal, tmp_path)


@pytest.fixture(scope="module")
def realm(keycloak_server: Server, administrator: Admin) -> TestRealm:
    return make_realm(keycloak_server, administrator)


@pytest.fixture
def between(realm: TestRealm) -> Iterator[FaultProxy]:
    """The proxy in front of Keycloak."""
    with FaultProxy(realm.server.origin) as proxy:
        yield proxy
