"""A portal that knows the catalogue's scopes, for the tests that call providers directly."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from acmidm_onboarding.resources.oauth_client import OAuthClientProvider
from tests.resources.world import World, client_inputs, outs, world_of
from tests.support.fixtures import inner_portal, registry
from tests.support.portal import RunningPortal

__all__ = ["inner_portal", "registry"]


@pytest.fixture
def world(portal: RunningPortal, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A fresh run: nothing was read yet."""
    return world_of(portal, tmp_path_factory.mktemp("run"))


@pytest.fixture
def guarded(world: World) -> World:
    """Where keys and secrets stay beside new ones for a while."""
    return World({**world.config, "acmidm:keyOverlapDays": "14"})


@pytest.fixture
def client(world: World, application: str) -> dict[str, Any]:
    """The outputs of a client that the provider made."""
    return outs(world.provider(OAuthClientProvider).create(client_inputs(application)))


@pytest.fixture
def client_id(client: dict[str, Any]) -> str:
    """Its client-ID."""
    return str(client["client_id"])


@pytest.fixture
def application() -> str:
    """An application that no other test has."""
    return f"loket-{uuid.uuid4().hex[:12]}"
