"""One realm for most tests; each works on applications of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.authorities.keycloak import Keycloak
from keycloak_sandbox.admin import Admin
from keycloak_sandbox.server import Server
from tests.support.engine import Project
from tests.support.keycloak import TestRealm, make_realm
from tests.support.offered import offered
from tests.support.portal import RunningPortal, running_portal


@pytest.fixture(scope="session")
def realm(keycloak_server: Server, administrator: Admin) -> TestRealm:
    """A realm with all of the catalogue's scopes."""
    return make_realm(keycloak_server, administrator)


@pytest.fixture(scope="session")
def adapter(realm: TestRealm) -> Keycloak:
    return realm.adapter()


@dataclass
class Platform:
    """A realm, and the products that trust its tokens."""

    realm: TestRealm
    portal: RunningPortal

    @property
    def products_url(self) -> str:
        return f"{self.portal.origin}/products/v1"

    def project(self, folder: Path, stack: str = "tni", **config: object) -> Project:
        """A project without forms, connected to both."""
        made = Project(folder, stack)
        made.secrets.append(str(self.realm.operator_key.as_dict(private=True)["d"]))
        made.prepare({**self.realm.settings(self.products_url, folder), **config})
        return made


@contextmanager
def running_platform(server: Server, administrator: Admin, folder: Path, name: str) -> Iterator[Platform]:
    """A realm and its products; it ends with the block."""
    # Each has to know of the other: the realm's name is known first, and the realm made when the portal's address is known.
    unborn = TestRealm(server, administrator, name)
    with running_portal(folder, external_issuer=unborn.issuer, **offered()) as portal:
        yield Platform(make_realm(server, administrator, name=unborn.name, audience=portal.origin), portal)


@pytest.fixture(scope="session")
def platform(keycloak_server: Server, administrator: Admin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running_platform(keycloak_server, administrator, tmp_path_factory.mktemp("products"), "connections") as running:
        yield running


@pytest.fixture
def project(platform: Platform, tmp_path: Path) -> Project:
    return platform.project(tmp_path / "project")
