"""One oidc-provider with products beside it for the tests of a file; each works on applications of
its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.between import ProxiedProject
from tests.support.engine import Project
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import PLAIN, SEND, FormFile
from tests.support.oidc_provider import Platform, RunningProvider, running_platform
from tests.support.portal import new_key, public_jwk


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running_platform(tmp_path_factory.mktemp("rfc7591")) as running:
        yield running


@pytest.fixture
def provider(platform: Platform) -> RunningProvider:
    return platform.provider


@pytest.fixture
def proxy(provider: RunningProvider) -> Iterator[FaultProxy]:
    with FaultProxy(provider.issuer) as between:
        yield between


@pytest.fixture
def project(platform: Platform, tmp_path: Path) -> Project:
    platform.clear()
    return platform.project(tmp_path / "project")


@pytest.fixture
def proxied(platform: Platform, proxy: FaultProxy, tmp_path: Path) -> ProxiedProject:
    """A project whose registration endpoint is behind the proxy."""
    platform.clear()
    return platform.prepared(
        ProxiedProject(tmp_path / "project"), managementUrl=f"{proxy.origin}/reg"
    )


def change_by_hand(provider: RunningProvider, client_id: str) -> None:
    """Give a client with the scope SEND another name, a scope more and a key more."""
    keys = [*provider.clients[client_id]["jwks"]["keys"], public_jwk(new_key("slipped-in"))]
    provider.change(client_id, scope=f"{SEND} {PLAIN}", jwks={"keys": keys}, client_name="Anders")


def changed_by_hand(form: FormFile) -> dict[str, tuple[str, list[str]]]:
    """What a preview with a refresh says of that."""
    return {
        f"OAuthClient {form.key}": ("update", ["client_name"]),
        f"ClientScopes {form.key}": ("update", [f"scopes.{PLAIN}"]),
        f"ClientJwks {form.key}": ("update", ['jwks["slipped-in"]']),
    }
