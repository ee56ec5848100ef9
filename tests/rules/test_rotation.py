"""When a key may leave: the one rule, without anything around it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acmidm_onboarding.rules.rotation import (
    EVER,
    Obstacle,
    RegisteredKey,
    lasting,
    obstacle,
    sentence,
)

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def key(name: str, days: float = 100, expires: datetime | None = None) -> RegisteredKey:
    """A key that has been there for so many days; its thumbprint is its kid, in capitals."""
    return RegisteredKey(name, name.upper(), NOW - days * DAY, expires)


def found(
    held: list[RegisteredKey],
    declared: str,
    *,
    trusted: str = "",
    compromised: str = "",
    days: float = 14,
) -> Obstacle | None:
    return obstacle(
        held,
        set(declared),
        trusted=set(trusted),
        compromised=set(compromised),
        now=NOW,
        overlap_days=days,
    )


OLD, NEW = key("a"), key("b", 14)
YOUNG = key("b", 13.9)
EXPIRED = key("a", expires=NOW)

CASES: dict[str, tuple[list[RegisteredKey], str, dict[str, Any], Obstacle | None]] = {
    "nothing leaves": ([OLD], "AB", {}, None),
    "beside one that was there and was proven": ([OLD, NEW], "B", {"trusted": "B"}, None),
    "one beside that a third replaces": ([OLD, NEW], "BC", {"trusted": "B"}, None),
    "not proven": (
        [OLD, NEW],
        "B",
        {"trusted": "A"},
        Obstacle(('"a"',), '"b"', None, lacks_proof=True),
    ),
    "not there for long enough": (
        [OLD, YOUNG],
        "B",
        {"trusted": "B"},
        Obstacle(('"a"',), '"b"', YOUNG.since + 14 * DAY),
    ),
    "neither": (
        [OLD, YOUNG],
        "B",
        {},
        Obstacle(('"a"',), '"b"', YOUNG.since + 14 * DAY, lacks_proof=True),
    ),
    "the last one": ([OLD], "", {"trusted": "A"}, Obstacle(('"a"',))),
    "the last usable one": (
        [OLD, key("b", expires=NOW)],
        "B",
        {"trusted": "AB"},
        Obstacle(('"a"',)),
    ),
    "all replaced at once": ([OLD, NEW], "CD", {"trusted": "ABCD"}, Obstacle(('"a"', '"b"'))),
    "an expired one": ([EXPIRED, YOUNG], "B", {}, None),
    "an expired one that is the last": ([EXPIRED], "", {}, None),
    "a compromised one that is the last": ([OLD], "", {"compromised": "A"}, None),
    "one beside a compromised one that stays away": (
        [OLD, NEW],
        "",
        {"compromised": "A"},
        Obstacle(('"b"',)),
    ),
    "one beside which only a compromised one stays": (
        [OLD, NEW],
        "B",
        {"compromised": "B", "trusted": "B"},
        Obstacle(('"a"',)),
    ),
    "the one that lacks least is named": (
        [OLD, YOUNG, key("c", 5)],
        "BC",
        {"trusted": "C"},
        Obstacle(('"a"',), '"c"', NOW + 9 * DAY),
    ),
    "no guard": ([OLD], "", {"days": 0}, None),
    "minutes are waited for": (
        [OLD, key("b", 0.005)],
        "B",
        {"trusted": "B", "days": 0.01},
        Obstacle(('"a"',), '"b"', NOW + 0.005 * DAY),
    ),
    "minutes have passed": ([OLD, key("b", 0.01)], "B", {"trusted": "B", "days": 0.01}, None),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_when_a_key_may_leave(
    case: tuple[list[RegisteredKey], str, dict[str, Any], Obstacle | None],
) -> None:
    held, declared, facts, expected = case
    assert found(held, declared, **facts) == expected


HELD = st.lists(
    st.builds(
        key,
        st.sampled_from("abcde"),
        st.integers(0, 30),
        st.sampled_from([None, NOW - DAY, NOW + DAY]),
    ),
    unique_by=lambda one: one.kid,
)
SETS = st.sets(st.sampled_from("ABCDE")).map("".join)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HELD, SETS, SETS, SETS)
def test_whatever_is_allowed_leaves_a_key_that_works(
    held: list[RegisteredKey], declared: str, trusted: str, compromised: str
) -> None:
    """Who had a usable key that nobody else has, has one that works afterwards, which is not
    new."""
    if found(held, declared, trusted=trusted, compromised=compromised) is not None:
        return
    usable = [one for one in held if one.is_usable(NOW) and one.thumbprint not in compromised]
    if usable:
        assert any(one.thumbprint in declared for one in usable)


def test_the_sentence_says_which_when_what_is_missing_and_how() -> None:
    """The run keeps the key meanwhile. To put it back into the form is no way for one that names a
    supplier now, whose keys are another's."""

    def said(of: Obstacle) -> str:
        return sentence(
            of, overlap_days=14, probe="acmidm probe x --record", unseen="nobody saw it"
        )

    until = datetime(2026, 12, 10, 9, 30, tzinfo=UTC)
    assert (
        said(Obstacle(('"a"',), '"b"', until, lacks_proof=True))
        == 'key "a" may leave from 2026-12-10 09:30 UTC, when key "b" has been there for 14 days,'
        " and only once that one is proven (nobody saw it); wait until then and have whoever has"
        " the private key of the one that stays prove it with acmidm probe x --record"
    )
    assert (
        said(Obstacle(('"a"', '"c"'), '"b"', until))
        == 'keys "a", "c" may leave from 2026-12-10 09:30 UTC, when key "b" has been there for 14'
        " days; wait until then"
    )
    assert (
        said(Obstacle(('"a"',), '"b"', lacks_proof=True))
        == 'key "a" may leave once key "b" is proven (nobody saw it); have whoever has the private'
        " key of the one that stays prove it with acmidm probe x --record"
    )
    assert (
        said(Obstacle(('"a"',)))
        == 'key "a" cannot leave, for no usable key stays that the client has already; wait until a'
        " new key has been there for 14 days, and have whoever has its private key prove it with"
        " acmidm probe x --record"
    )


def test_ever_is_long_ago() -> None:
    assert found([OLD, RegisteredKey("b", "B", EVER)], "B", trusted="B", days=365) is None


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (14, "14 days"),
        (1, "1 day"),
        (1.5, "1.5 days"),
        (0.01, "14 minutes"),
        (0.9, "1296 minutes"),
        (0.0001, "1 minute"),
    ],
)
def test_how_long_an_overlap_lasts(days: float, words: str) -> None:
    assert lasting(days) == words


def test_a_moment_that_is_named_has_come_when_its_minute_begins() -> None:
    until = datetime(2026, 12, 10, 9, 30, 1, tzinfo=UTC)
    assert "from 2026-12-10 09:31 UTC" in sentence(
        Obstacle(('"a"',), '"b"', until), overlap_days=0.01, probe="", unseen=""
    )
