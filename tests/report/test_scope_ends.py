"""What reviews say of the last day of a scope: that it is there, moves, or has passed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from acmidm_onboarding.texts import Language, speak
from tests.support.forms import PLAIN
from tests.support.repository import Repository, repository
from tests.support.samples import COMPARISON, client

__all__ = ["repository"]

SCOPE = "vo_info"
PAST, SOON, LATER = "2020-12-31", "2998-06-30", "2998-12-31"


def change(before: str | None, after: str | None) -> tuple[str, str, str]:
    """The change of a scope with one end, to another: its kind, how dangerous it is, its
    sentence."""
    sides = ({} if until is None else {SCOPE: until} for until in (before, after))
    old, new = (client(until=until) for until in sides)
    changes = COMPARISON.between(old, new)
    assert changes is not None
    [only] = changes.changes
    return only.kind.value, only.severity.value, only.text


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (SOON, LATER, ("scope_renewed", "warning", f"renewed until {LATER}, from {SOON}")),
        (SOON, None, ("scope_renewed", "warning", f"without an end, and had it until {SOON}")),
        (LATER, SOON, ("scope_shortened", "notice", f"shortened to {SOON}, from {LATER}")),
        (None, SOON, ("scope_shortened", "notice", f"until {SOON}, and had it without an end")),
    ],
)
def test_an_end_that_moves(
    before: str | None, after: str | None, expected: tuple[str, str, str]
) -> None:
    """A longer right is a warning, also where the end is taken away."""
    kind, severity, said = expected
    assert change(before, after) == (kind, severity, f"has scope {SCOPE} {said}")


def test_in_dutch() -> None:
    speak(Language.NL)
    try:
        said = change(SOON, LATER)[2]
    finally:
        speak(Language.EN)
    assert said == f"heeft scope {SCOPE} langer: tot en met {LATER}, voordien tot en met {SOON}"


def test_nobody_at_a_portal_moves_an_end() -> None:
    by_hand = COMPARISON.__class__(COMPARISON.now, by_hand=True)
    assert by_hand.between(client(until={SCOPE: SOON}), client()) is None


def changes(repository: Repository) -> list[tuple[str, str]]:
    report: dict[str, Any] = repository.report()
    return [
        (change["kind"], change["text"])
        for connection in report["connections"]
        for change in connection["changes"]
    ]


def test_a_change_of_forms(repository: Repository) -> None:
    """A scope is granted until a day, renewed, and lost where the day has passed; one that is
    wanted until a day that has passed is named, and not granted."""
    [(_, request)] = repository.form.document["environments"].items()
    request["scopes"][PLAIN] = {"until": SOON}
    repository.form.save()
    assert changes(repository) == [
        ("scope_shortened", f"has scope {PLAIN} until {SOON}, and had it without an end")
    ]
    repository.merge()
    request["scopes"][PLAIN] = {"until": PAST}
    repository.form.save()
    assert [kind for kind, _ in changes(repository)] == ["scope_ended", "scope_withdrawn"]
    repository.merge()
    assert changes(repository) == []
    request["scopes"][PLAIN] = {"until": LATER}
    repository.form.save()
    [(kind, text)] = changes(repository)
    assert kind == "scope_granted"
    assert f"gains scope {PLAIN} until {LATER}" in text
    assert json.dumps(LATER) in json.dumps(repository.report())
