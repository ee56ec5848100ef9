"""A portal that knows the catalogue's scopes."""

from __future__ import annotations

import uuid

import pytest

from tests.support.fixtures import portal, registry

__all__ = ["portal", "registry"]


@pytest.fixture
def application() -> str:
    """An application that no other test has."""
    return f"loket-{uuid.uuid4().hex[:12]}"
