"""What organisations hear of clients that go, and of those that have no key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pulumi
import pytest

from acmidm_onboarding.resources.hand_over import HandOverProvider, goes, keys_there
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.hand_over_outcome import NO_SMTP
from tests.resources.world import World
from tests.support.changed import changed
from tests.support.confirmed import jwk, wanted

TODAY = datetime.now(UTC).date()
YESTERDAY, TOMORROW = ((TODAY + timedelta(days=days)).isoformat() for days in (-1, 1))
FORM = wanted("dv_magda")
COMPROMISED = frozenset({jwk("old").thumbprint})
CONNECTION: Mapping[str, Any] = {
    "platform": "acmidm",
    "client_id": "c-1",
    "hand_over": True,
    "organisation": "Stad Gent",
    "application": "loket",
    "language": "nl",
    "contacts": {"a@stad-gent.example": True},
    "scopes": {"dv_magda": True},
    "products": {},
    "keys": "form",
}
GOING: dict[str, tuple[Declaration, bool]] = {
    "as its form has it": (FORM, False),
    "by a mandate that counts": (changed(FORM, mandate={"until": TODAY.isoformat()}), False),
    "a product of it is retired": (changed(FORM, parts=frozenset({"dosis"})), False),
    "a scope of it is withdrawn": (changed(FORM, withdrawn=frozenset({"dv_kbo"})), False),
    "it has no scope": (wanted(), False),
    "it is retired": (changed(FORM, parts=frozenset({"acmidm"})), True),
    "its mandate has ended": (changed(FORM, mandate={"until": YESTERDAY}), True),
    "its mandate was taken away": (changed(FORM, mandate={"supplier": "leverancier"}), True),
    "all its scopes are withdrawn": (changed(wanted(), withdrawn=frozenset({"dv_magda"})), True),
}


@pytest.mark.parametrize(("form", "expected"), GOING.values(), ids=GOING)
def test_which_clients_go(form: Declaration, expected: bool) -> None:
    """Also where people at a portal have not taken its scopes away yet."""
    assert goes(form, TODAY) is expected


def test_nobody_hears_of_a_client_that_goes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a lost state; once it stays after all, it is mailed."""
    said = list[str]()
    monkeypatch.setattr(pulumi.log, "info", said.append)
    provider = world.provider(HandOverProvider)
    connections: dict[str, dict[str, Any]] = {
        "acmidm/tni/OVO002067/loket": dict(CONNECTION),
        "acmidm/tni/OVO002067/weg": {
            **CONNECTION,
            "client_id": "c-2",
            "application": "weg",
            "goes": True,
        },
    }
    news = {"stack": "s", "connections": connections}
    outputs = provider.change("mails", {}, news)
    assert {name: record.get("not_sent") for name, record in outputs["records"].items()} == {
        "acmidm c-1": NO_SMTP,
        "acmidm c-2": None,
    }
    assert "loket" in said[0]
    assert not any("weg" in sentence for sentence in said)
    del connections["acmidm/tni/OVO002067/weg"]["goes"]
    outputs = provider.change("mails", outputs, news)
    assert outputs["records"]["acmidm c-2"]["not_sent"] == NO_SMTP


KEYS: dict[str, tuple[Declaration, bool, str]] = {
    "keys of the form": (FORM, False, "form"),
    "the only one is compromised": (wanted(keys=[], compromised=COMPROMISED), False, "nowhere"),
    "nobody has uploaded them yet": (wanted(keys=[], is_confirmed=True), False, "portal"),
    "nor may the only one be": (
        wanted(keys=[], is_confirmed=True, compromised=COMPROMISED),
        False,
        "nowhere",
    ),
    "keys of the portal": (wanted(keys=None), False, "portal"),
    "keys of another project": (wanted(keys=None), True, "form"),
}


@pytest.mark.parametrize(("form", "is_given", "expected"), KEYS.values(), ids=KEYS)
def test_what_a_mail_says_of_keys(form: Declaration, is_given: bool, expected: str) -> None:
    """That they are uploaded already, only where there is one."""
    assert keys_there(form, is_given=is_given) == expected
