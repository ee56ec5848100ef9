"""Who is told what: whatever a mail server does, nobody who has a mail gets it again, and nobody
who may get it is forgotten."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from acmidm_onboarding.resources.mail_record import CLIENT_ID, Delivery, Outcome

CONTACTS = ("a", "b", "c")
FIRST = Delivery(unsent=(CLIENT_ID,), scopes=("x",))
outcomes = st.lists(
    st.fixed_dictionaries(dict.fromkeys(CONTACTS, st.sampled_from(["ok", "450", "550", "down"])))
    | st.none(),
    max_size=6,
)


def tried(record: Delivery, outcome: dict[str, str] | None) -> tuple[Delivery, list[str]]:
    """The record after a try, and who has the mail now."""
    to = record.unreached(CONTACTS)
    said = {one: "down" if outcome is None else outcome[one] for one in to}
    made = {
        one: (
            Outcome("<id>")
            if why == "ok"
            else Outcome(None if why == "down" else "<id>", why, is_temporary=why != "550")
        )
        for one, why in said.items()
    }
    return (record.tried(made, "2026-01-01T00:00:00Z") if to else record), [
        one for one in to if said[one] == "ok"
    ]


@settings(deadline=None)
@given(outcomes)
def test_each_contact_has_a_mail_once_or_was_refused_for_good_or_is_left(
    tries: list[dict[str, str] | None],
) -> None:
    record, have = FIRST, list[str]()
    for outcome in tries:
        record, got = tried(record, outcome)
        have += got
        record = Delivery.of(record.outputs)
    assert len(have) == len(set(have))
    lost = {one for one in CONTACTS if one in record.refused and one not in record.retry}
    assert set(CONTACTS) == set(have) | lost | set(record.unreached(CONTACTS))
    assert bool(have) == (record.sent_at is not None) == (record.message_id is not None)
    assert (record.not_sent is None) or not have


def test_what_was_not_sent_is_owed_still_once_scopes_come_and_go() -> None:
    """The client-ID tells all scopes; a scope that went again is unsent no more."""
    assert tried(FIRST, None)[0].with_scopes({"x", "y"}).unsent == (CLIENT_ID,)
    told, _ = tried(FIRST, dict.fromkeys(CONTACTS, "ok"))
    unsent, _ = tried(told.with_scopes({"x", "y", "z"}), None)
    assert unsent.unsent == ("y", "z")
    assert unsent.with_scopes({"x", "z"}).unsent == ("z",)
    withdrawn = unsent.with_scopes({"x"})
    assert (withdrawn.unsent, withdrawn.not_sent, withdrawn.unreached(CONTACTS)) == ((), None, [])
    assert withdrawn.sent_at == told.sent_at


def test_who_missed_a_mail_that_others_have_gets_the_next_one_alone() -> None:
    partly, have = tried(FIRST, {"a": "450", "b": "ok", "c": "550"})
    assert (have, partly.unreached(CONTACTS)) == (["b"], ["a"])
    following = partly.with_scopes({"x", "y"})
    assert (following.unsent, following.unreached(CONTACTS)) == (("y",), list(CONTACTS))


def test_a_client_that_was_there_before_owes_nothing_but_what_comes() -> None:
    existed = Delivery(not_sent="existed", scopes=("x",))
    assert existed.unreached(CONTACTS) == []
    assert existed.with_scopes(set()).not_sent == "existed"
    assert existed.with_scopes({"x", "y"}).unreached(CONTACTS) == list(CONTACTS)
