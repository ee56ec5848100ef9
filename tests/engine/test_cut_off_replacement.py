"""A run that was cut off while it made a client anew: the state has one client under that name, and
keeps that one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from acmidm.engine import recovery
from acmidm_onboarding.stack import Stack
from tests.report.test_rights_of_people import settings
from tests.support.by_hand_stack import recorded

KEY = "OVO002067/app"


def test_the_client_that_works_stays_and_the_other_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of two resources with one name the engine keeps one, whichever that is."""
    state: dict[str, Any] = {**recorded(KEY, "works")}
    (resource,) = state["deployment"]["resources"]
    begun = {name: value for name, value in resource.items() if name != "id"}
    begun["inputs"] = {**resource["inputs"], "software_id": f"acmidm/tni/{KEY}"}
    state["deployment"]["pending_operations"] = [{"type": "creating", "resource": begun}]
    stored: list[Mapping[str, Any]] = []
    monkeypatch.setattr(recovery, "last_runs", lambda _: [])
    monkeypatch.setattr(recovery, "stack_tags", lambda _: {})
    monkeypatch.setattr(recovery, "set_tag", lambda *_: None)
    monkeypatch.setattr(
        recovery, "store_deployment", lambda _, state: stored.append(state["deployment"])
    )
    stack = Stack("tni", lambda: settings(authority="rfc7591"), export=lambda _: state)
    assert recovery.recover(stack).look_first
    (deployment,) = stored
    assert [one["id"] for one in deployment["resources"]] == ["works"]
    assert deployment["pending_operations"] == []
    said = capsys.readouterr().err
    assert f"a second client with software_id acmidm/tni/{KEY}" in said
    assert "works" in said
