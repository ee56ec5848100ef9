"""What changes between two states of a client: each change with its kind, how dangerous it is, and
its sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acmidm.report.kinds import Change, Kind, sentence_of
from acmidm.terminal import speaking
from acmidm_onboarding.texts import Language
from acmidm_onboarding.values.client import Client
from tests.report.views import AT, FIRST, OWNER, SECOND, at
from tests.support.samples import COMPARISON, client

SOON, LATER = "2998-06-30", "2998-12-31"
METHOD = "token_endpoint_auth_method"


def until(day: str | None) -> Client:
    """A client with a scope until a day, or without an end."""
    return client(until={"vo_info": day} if day else {})


def changes(before: Client | None, after: Client) -> list[tuple[str, str, str]]:
    found = COMPARISON.between(before, after)
    assert found is not None
    return [(one.kind.value, one.severity.value, one.text) for one in found.changes]


BETWEEN: dict[str, tuple[Client, Client, list[tuple[str, str, str]]]] = {
    "an address instead of keys": (
        client(),
        at(FIRST),
        [("keys_at_address", "danger", AT.format(FIRST))],
    ),
    "another address": (
        at(FIRST),
        at(SECOND),
        [
            (
                *("keys_at_address", "danger"),
                f"{AT.format(SECOND)}: jwks_uri {FIRST} → {SECOND}",
            )
        ],
    ),
    "an address instead of the portal": (
        at(None),
        at(FIRST),
        [("keys_at_address", "danger", AT.format(FIRST))],
    ),
    "keys again": (
        at(FIRST),
        client(),
        [
            ("key_added", "warning", "gains key a with thumbprint thumbprint-of-a"),
            ("key_added", "warning", "gains key b with thumbprint thumbprint-of-b"),
            ("keys_off_address", "warning", f"no longer takes its keys from {FIRST}"),
        ],
    ),
    "the portal again": (
        at(FIRST),
        at(None),
        [
            (
                *("keys_handed_over", "danger"),
                "leaves its keys to its organisation, in the portal; no change there is seen any"
                " more, and these stay valid",
            )
        ],
    ),
    "an address that stays": (
        at(FIRST),
        at(FIRST, scopes={}),
        [("scope_withdrawn", "warning", "loses scope vo_info")],
    ),
    "a longer right": (
        until(SOON),
        until(LATER),
        [
            (
                *("scope_renewed", "warning"),
                f"has scope vo_info renewed until {LATER}, from {SOON}",
            )
        ],
    ),
    "a right without an end": (
        until(SOON),
        until(None),
        [
            (
                *("scope_renewed", "warning"),
                f"has scope vo_info without an end, and had it until {SOON}",
            )
        ],
    ),
    "a shorter right": (
        until(LATER),
        until(SOON),
        [
            (
                *("scope_shortened", "notice"),
                f"has scope vo_info shortened to {SOON}, from {LATER}",
            )
        ],
    ),
    "a right that gets an end": (
        until(None),
        until(SOON),
        [
            (
                *("scope_shortened", "notice"),
                f"has scope vo_info until {SOON}, and had it without an end",
            )
        ],
    ),
}


@pytest.mark.parametrize(("before", "after", "expected"), BETWEEN.values(), ids=BETWEEN)
def test_what_changes(before: Client, after: Client, expected: list[tuple[str, str, str]]) -> None:
    assert changes(before, after) == expected


def test_from_a_secret_to_an_address_is_a_danger_and_waits_for_nothing() -> None:
    """Nobody looks at what is there, so that the secret ends at once."""
    secret = client(keys=None, fields={METHOD: "client_secret_basic"}, owner=OWNER)
    found = {kind: severity for kind, severity, _ in changes(secret, at(FIRST))}
    assert found["keys_at_address"] == "danger"
    assert "secret_until_key" not in found


def test_a_new_client_with_keys_at_an_address() -> None:
    """It waits for no key in the portal."""
    found = {kind: text for kind, _, text in changes(None, at(FIRST))}
    assert "keys_at_address" in found
    assert "key_awaited" not in found
    assert f"private_key_jwt with keys at {FIRST}" in found["client_created"]


def test_an_end_in_dutch_counts_its_last_day() -> None:
    with speaking(Language.NL):
        [(_, _, said)] = changes(until(SOON), until(LATER))
    assert said == f"heeft scope vo_info langer: tot en met {LATER}, voordien tot en met {SOON}"


def test_nobody_at_a_portal_moves_an_end() -> None:
    assert replace(COMPARISON, by_hand=True).between(until(SOON), until(None)) is None


@pytest.mark.parametrize("sentence", ["is {enabeld}", "is enabled[ by {whom}]"])
def test_a_sentence_that_asks_for_a_fact_that_there_is_not_is_a_mistake(
    monkeypatch: pytest.MonkeyPatch, sentence: str
) -> None:
    """Of what has a fact at times, that would never be said, and nobody would see it."""
    entry = replace(Kind.CLIENT_ENABLED.entry, sentence=sentence)
    monkeypatch.setattr(Kind.CLIENT_ENABLED, "entry", entry)
    with pytest.raises(KeyError):
        Change(kind=Kind.CLIENT_ENABLED).as_line()
    with pytest.raises(KeyError):
        sentence_of("by {whom}", author="jan")
