"""What the gate of a stack reads, and what happens where that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from acmidm_onboarding import declared, promotion
from acmidm_onboarding.model.connection import Connection
from acmidm_onboarding.model.form import Environment
from acmidm_onboarding.recorded import Held, Unreadable
from acmidm_onboarding.settings import Settings
from tests.unit.components.test_onboarding import CONNECTION
from tests.unit.components.test_settings import read

IN_PRODUCTION: Connection = replace(CONNECTION, environment=Environment.PROD)


def settings(**changes: str) -> Settings:
    return read(**{"environment": "prod", **changes})


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the program says."""
    lines: list[str] = []
    for level in ("warn", "error"):
        monkeypatch.setattr(pulumi.log, level, lines.append)
    return lines


def unreadable() -> Mapping[str, Held]:
    raise Unreadable("the state of this stack cannot be read")


@pytest.mark.parametrize(
    "changes", [{}, {"promotionGate": "enforce", "environment": "tni"}, {"promotionGate": "warn", "environment": "tni"}]
)
def test_nothing_is_read_without_a_gate(monkeypatch: pytest.MonkeyPatch, said: list[str], changes: dict[str, str]) -> None:
    monkeypatch.setattr(declared, "own_stack", unreadable)
    monkeypatch.setattr(promotion, "recorded", None)
    assert declared._passing([IN_PRODUCTION], settings(**changes)).declared == (IN_PRODUCTION,)
    assert said == []


def test_tni_is_read_only_where_something_is_added(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    own = {IN_PRODUCTION.resource_name: Held("id", frozenset(IN_PRODUCTION.scopes), frozenset(IN_PRODUCTION.products))}
    monkeypatch.setattr(declared, "own_stack", lambda: own)
    monkeypatch.setattr(promotion, "recorded", None)
    assert declared._passing([IN_PRODUCTION], settings(promotionGate="enforce")).declared == (IN_PRODUCTION,)
    assert said == []


def test_a_state_that_cannot_be_read_undeclares_nothing(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    """With the gate the run ends, for to go on without connections would remove them; a gate that only warns stops nobody."""
    monkeypatch.setattr(declared, "own_stack", unreadable)
    current: dict[str, Any] = {"settings": settings(promotionGate="enforce")}
    monkeypatch.setattr(declared, "_settings", lambda: current["settings"])
    with pytest.raises(Unreadable):
        declared._passing([IN_PRODUCTION], current["settings"])
    with pytest.raises(SystemExit):
        declared.connections_of(
            {"name": "Stad Gent", "ovo": "OVO002067"},
            {"application": "balie", "contacts": ["a@stad.example"], "environments": {"prod": {}}},
        )
    assert said == ["the state of this stack cannot be read"]
    assert declared._passing([IN_PRODUCTION], settings(promotionGate="warn")).declared == (IN_PRODUCTION,)


def test_a_program_of_its_own_is_told_what_its_connection_lacks(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    """It cannot declare an empty list."""
    monkeypatch.setattr(declared, "own_stack", dict)
    monkeypatch.setattr(declared, "beside", str)
    monkeypatch.setattr(promotion, "recorded", lambda _: {})
    monkeypatch.setattr(promotion, "unreadable", lambda _: None)
    monkeypatch.setattr(declared, "_settings", lambda: settings(promotionGate="enforce"))
    with pytest.raises(SystemExit):
        declared.connections_of(
            {"name": "Stad Gent", "ovo": "OVO002067"},
            {"application": "balie", "contacts": ["a@stad.example"], "environments": {"prod": {}}},
        )
    assert any("on prod: there is no evidence from TNI" in line for line in said), said
