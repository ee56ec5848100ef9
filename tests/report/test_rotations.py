"""What a review says of keys that were stolen, and of a second key that breaks who signs without
``kid``."""

from __future__ import annotations

from datetime import timedelta

import pytest

from acmidm.report.kinds import Change, Kind, Severity
from acmidm.report.review import review_of
from acmidm.report.rotations import warnings, with_keys
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.keys import Key
from tests.support.changed import changed
from tests.support.declared import declaration
from tests.support.samples import COMPARISON, NOW, client, plan_of, reviewed

A, B, C = (Key(f"thumbprint-of-{name}") for name in "abc")


def changes(before: Client, after: Client) -> dict[Kind, Change]:
    review = reviewed((before, after))
    return {change.kind: change for one in review.connections for change in one.changes}


@pytest.mark.parametrize(
    ("left", "says"),
    [
        ({"b": B, "c": Key("x", NOW - timedelta(days=1))}, "left: b"),
        ({}, "the application can get no token until another key is there"),
        (
            {"c": Key("x", NOW - timedelta(days=1))},
            "the application can get no token until another key is there",
        ),
    ],
)
def test_a_compromised_key_is_a_danger_that_says_what_it_breaks(
    left: dict[str, Key], says: str
) -> None:
    found = changes(
        client(keys={"a": A, **left}),
        client(keys=left, compromised=frozenset({"thumbprint-of-a", "of-another"})),
    )
    assert Kind.KEY_REMOVED not in found
    change = found[Kind.KEY_COMPROMISED]
    assert change.severity is Severity.DANGER
    assert change.text == f"loses compromised key a with thumbprint thumbprint-of-a: {says}"


def test_a_key_that_never_was_there_is_no_change() -> None:
    assert (
        changes(
            client(keys={"a": A}), client(keys={"a": A}, compromised=frozenset({"thumbprint-of-b"}))
        )
        == {}
    )


def test_a_second_key_warns_where_the_application_signs_without_kid() -> None:
    one, two, three = (
        client(keys={"a": A}),
        client(keys={"a": A, "b": B}),
        client(keys={"a": A, "b": B, "c": C}),
    )
    for before, after, warned in (
        (one, two, True),
        (one, three, True),
        (two, three, False),
        (two, one, False),
        (one, one, False),
    ):
        assert (
            Kind.SECOND_KEY_WITHOUT_KID in changes(before, changed(after, signs_without_kid=True))
        ) is warned
        assert Kind.SECOND_KEY_WITHOUT_KID not in changes(before, after)
    change = changes(one, changed(two, signs_without_kid=True))[Kind.SECOND_KEY_WITHOUT_KID]
    assert change.severity is Severity.WARNING
    assert change.text.endswith("first have the application send kid a, then add the key")


def test_a_deploy_warns_of_both_and_of_nothing_else() -> None:
    stolen = (
        client(keys={"a": A, "b": B}),
        client(keys={"b": B}, compromised=frozenset({"thumbprint-of-a"})),
    )
    second = (
        client("ander", keys={"a": A}),
        client("ander", keys={"a": A, "b": B}, signs_without_kid=True),
    )
    added = (client("derde", keys={"a": A}), client("derde", keys={"a": A, "b": B}))
    said = warnings(reviewed(stolen, second, added))
    assert [sentence.partition(" on ")[0] for sentence in said] == [
        "OVO002067/loket",
        "OVO002067/ander",
    ]


def test_each_client_has_the_form_that_is_there() -> None:
    """No engine knows a form: not of a client that goes, of one that is new, or of one that a
    report alone has."""
    goes, new, left, undeclared = (
        client(name, path=None) for name in ("goes", "new", "left", "undeclared")
    )
    plan = plan_of(
        (goes, None),
        (None, new),
        (undeclared, None),
        extra_changes=((left, Change(kind=Kind.GATE_PASSED)),),
    )
    forms = [
        declaration(name, scopes={}, jwks=None, path=f"gent/{name}")
        for name in ("goes", "new", "left")
    ]
    report = review_of([with_keys(plan, forms, (), None)], COMPARISON)
    named = {"goes": "gent/goes", "new": "gent/new", "left": "gent/left", "undeclared": None}
    assert {one.key.partition("/")[2]: one.form for one in report.connections} == named
