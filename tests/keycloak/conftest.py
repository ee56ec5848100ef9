"""One realm for most tests; each works on applications of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from acmidm_onboarding.authorities.keycloak import Keycloak
from keycloak_sandbox.admin import Admin
from keycloak_sandbox.server import Server
from tests.engine.test_secrets import random_plugin
from tests.support.engine import Project
from tests.support.keycloak import TestRealm, make_realm
from tests.support.keycloak_platform import Platform, running_platform

__all__ = ["random_plugin"]


@pytest.fixture(scope="session")
def realm(keycloak_server: Server, administrator: Admin) -> TestRealm:
    """A realm with all of the catalogue's scopes."""
    return make_realm(keycloak_server, administrator)


@pytest.fixture(scope="session")
def adapter(realm: TestRealm) -> Keycloak:
    return realm.adapter()


@pytest.fixture(scope="session")
def platform(keycloak_server: Server, administrator: Admin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running_platform(keycloak_server, administrator, tmp_path_factory.mktemp("products")) as running:
        yield running


@pytest.fixture
def project(platform: Platform, tmp_path: Path) -> Project:
    return platform.project(tmp_path / "project")
