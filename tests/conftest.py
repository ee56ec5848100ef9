"""What tests of several folders share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from keycloak_sandbox.admin import Admin
from keycloak_sandbox.server import Server
from tests.support.browser import chromium
from tests.support.keycloak import running_keycloak


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for the whole session: a process can drive Chromium through a single connection only."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def keycloak_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One Keycloak for the session, in memory: it takes long to start. Tests make realms of their own."""
    with running_keycloak(tmp_path_factory.mktemp("keycloak")) as running:
        yield running


@pytest.fixture(scope="session")
def administrator(keycloak_server: Server) -> Iterator[Admin]:
    """Whoever sets realms up in it, and changes things by hand."""
    with Admin(keycloak_server) as admin:
        yield admin
