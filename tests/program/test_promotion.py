"""What the gate of a stack reads, and what happens where that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from acmidm_onboarding import program as declared
from acmidm_onboarding import stack as stacks
from acmidm_onboarding.recorded import UnreadableState, recorded_in
from acmidm_onboarding.rules.desired import Desired
from acmidm_onboarding.settings import Settings
from acmidm_onboarding.stack import open_stack
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.terms import Environment
from tests.support.declared_connection import CONNECTION
from tests.support.recorded_resources import resource
from tests.support.settings import read

IN_PRODUCTION: Declaration = replace(CONNECTION, environment=Environment.PROD)


def settings(**changes: str) -> Settings:
    return read(**{"environment": "prod", **changes})


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the program says."""
    lines: list[str] = []
    for level in ("warn", "error"):
        monkeypatch.setattr(pulumi.log, level, lines.append)
    return lines


def unreadable(_: str) -> Mapping[str, Any]:
    raise UnreadableState("the state of this stack cannot be read")


def asked(state: Mapping[str, Any] | None, **changes: str) -> Desired:
    """What the program has of one connection on production; without a state that of one that cannot
    be read."""
    stack = open_stack(
        "prod", lambda: settings(**changes), export=unreadable if state is None else lambda _: state
    )
    return declared._desired(stack, [IN_PRODUCTION])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"promotionGate": "enforce", "environment": "tni"},
        {"promotionGate": "warn", "environment": "tni"},
    ],
)
def test_nothing_is_read_without_a_gate(
    monkeypatch: pytest.MonkeyPatch, said: list[str], changes: dict[str, str]
) -> None:
    monkeypatch.setattr(stacks, "recorded", None)
    one = replace(IN_PRODUCTION, environment=Environment(changes.get("environment", "prod")))
    found = declared._desired(
        open_stack("prod", lambda: settings(**changes), export=unreadable), [one]
    )
    assert (found.declared, said) == ((one,), [])


def test_tni_is_read_only_where_something_is_added(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setattr(stacks, "recorded", None)
    name = IN_PRODUCTION.resource_name
    parts = [
        resource("OAuthClient", name, {}, id="id"),
        resource("ClientScopes", name, {"scopes": dict(IN_PRODUCTION.scopes)}),
    ]
    parts += [
        resource("ProductConfiguration", f"{name}/{product}", {"product": product})
        for product in IN_PRODUCTION.products
    ]
    assert asked({"deployment": {"resources": parts}}, promotionGate="enforce").declared == (
        IN_PRODUCTION,
    )
    assert said == []


def test_a_state_that_cannot_be_read_undeclares_nothing(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    """With the gate the run ends, for to go on without connections would remove them; a gate that
    only warns stops nobody."""
    with pytest.raises(UnreadableState):
        asked(None, promotionGate="enforce")
    monkeypatch.setattr(declared, "_settings", lambda: settings(promotionGate="enforce"))
    monkeypatch.setattr(
        declared, "_stack", lambda: open_stack("prod", declared._settings, export=unreadable)
    )
    with pytest.raises(SystemExit):
        declared.connections_of(
            {"name": "Stad Gent", "ovo": "OVO002067"},
            {"application": "balie", "contacts": ["a@stad.example"], "environments": {"prod": {}}},
        )
    assert said == ["the state of this stack cannot be read"]
    assert asked(None, promotionGate="warn").declared == (IN_PRODUCTION,)


def test_a_program_of_its_own_is_told_what_its_connection_lacks(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    """It cannot declare an empty list."""
    monkeypatch.setattr(
        declared, "_stack", lambda: open_stack("prod", declared._settings, export=lambda _: {})
    )
    monkeypatch.setattr(stacks, "recorded", lambda _: recorded_in({}))
    monkeypatch.setattr(declared, "_settings", lambda: settings(promotionGate="enforce"))
    with pytest.raises(SystemExit):
        declared.connections_of(
            {"name": "Stad Gent", "ovo": "OVO002067"},
            {"application": "balie", "contacts": ["a@stad.example"], "environments": {"prod": {}}},
        )
    assert any("on prod: there is no evidence from TNI" in line for line in said), said
