"""A portal that knows the catalogue's scopes, and a clock for retries."""

from __future__ import annotations

import uuid

import pytest

from acmidm_onboarding.authorities.http import retry
from tests.support.fixtures import inner_portal, registry

__all__ = ["inner_portal", "registry"]


@pytest.fixture
def application() -> str:
    """An application that no other test has."""
    return f"loket-{uuid.uuid4().hex[:12]}"


class Clock:
    """Time that goes on only while somebody waits; ``waited`` are all waits, in seconds."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    def monotonic(self) -> float:
        return sum(self.waited)

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of retries: nothing that a machine does takes time by it, however busy it is."""
    clock = Clock()
    monkeypatch.setattr(retry, "time", clock)
    return clock
