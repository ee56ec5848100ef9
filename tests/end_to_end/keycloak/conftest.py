"""One realm for most tests, with all of the catalogue's scopes; each works on applications of its
own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from acmidm_onboarding.authorities.keycloak.adapter import Keycloak
from tests.support.engine import Project
from tests.support.keycloak import TestRealm
from tests.support.keycloak_platform import Platform, running_platform
from tests.support.keycloak_server.admin import Admin
from tests.support.keycloak_server.server import Server


@pytest.fixture(scope="session")
def platform(
    keycloak_server: Server, administrator: Admin, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    with running_platform(
        keycloak_server, administrator, tmp_path_factory.mktemp("products")
    ) as running:
        yield running


@pytest.fixture(scope="session")
def realm(platform: Platform) -> TestRealm:
    return platform.realm


@pytest.fixture(scope="session")
def adapter(realm: TestRealm) -> Keycloak:
    return realm.adapter()


@pytest.fixture
def project(platform: Platform, tmp_path: Path) -> Project:
    return platform.project(tmp_path / "project")
