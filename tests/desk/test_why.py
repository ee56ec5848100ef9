"""What the desk is told first about a connection, and what it says to whoever calls."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from acmidm.desk.progress import Step, WaitsFor
from acmidm.desk.refusals import RefusedRequest
from acmidm.desk.why import answer
from acmidm_onboarding.texts import Language, speak
from acmidm_onboarding.values.terms import Environment, Platform
from tests.desk.samples import connection, progress
from tests.support.samples import NOW


@pytest.fixture(autouse=True)
def in_dutch() -> Iterator[None]:
    speak(Language.NL)
    yield
    speak(Language.EN)


def refused(at: datetime) -> RefusedRequest:
    who = {
        "key": "OVO002067/loket",
        "organisation": "Stad Gent",
        "application": "loket",
        "platform": Platform.ACMIDM,
    }
    why = {
        "cause": "aud:missing",
        "what": "aud ontbreekt",
        "remedy": "stuur aud",
        "rule": "aud",
        "said": "no aud",
    }
    where = {"stack": "tni", "environment": Environment.TNI}
    return RefusedRequest.model_validate(
        {**who, **why, **where, "at": at, "proven": True, "sent": {}}
    )


HOUR = timedelta(hours=1)
CASES: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "refused since its last token": (
        {"refusals": [refused(NOW)], "last_token_at": NOW - HOUR, "by_hand": ["verliest scope x"]},
        ["is geweigerd: aud ontbreekt", "met de hand gewijzigd: verliest scope x"],
        "is geweigerd: aud ontbreekt. Wat u kunt doen: stuur aud.",
    ),
    "refused before": (
        {"refusals": [refused(NOW - HOUR)], "last_token_at": NOW},
        ["alles in orde"],
        "acmidm probe",
    ),
    "changed by hand": (
        {"by_hand": ["verliest scope x"]},
        ["met de hand gewijzigd"],
        "zetten het recht",
    ),
    "its own turn": (
        {"waits_for": WaitsFor.ORGANISATION},
        ["Valideer uw integratie"],
        "Valideer uw integratie",
    ),
    "our turn": (
        {"waits_for": WaitsFor.US},
        ["Valideer uw integratie"],
        "die is aan: Digitaal Vlaanderen",
    ),
    "nothing": ({}, ["alles in orde"], "acmidm probe"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_likely_cause_comes_first(name: str) -> None:
    given, causes, told = CASES[name]
    row = progress(
        connection(), Step.PROMOTION, given.get("waits_for"), values={"probe": "acmidm probe"}
    )
    row = row.model_copy(update={"last_token_at": given.get("last_token_at")})
    found = answer(row, given.get("refusals", ()), given.get("by_hand", ()), ())
    for cause, expected in zip(found.causes, causes, strict=True):
        assert expected in cause
    assert told in found.tell
