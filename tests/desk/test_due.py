"""What is due, night after night: each threshold once, a step once a week, whatever was missed or
lost."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acmidm.desk.reminders.due import Ends, StepWaits, due
from acmidm.desk.status import ListedConnection, ListedMandate, ListedScope, Step, WaitsFor
from tests.desk.samples import connection, key, progress

END = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
WAITING = datetime(2026, 11, 2, 8, tzinfo=UTC)
HOURS = st.integers(1, 24 * 100)


def ends(*expires: datetime) -> ListedConnection:
    return progress(
        connection("loket", *(key(f"k{number}", end) for number, end in enumerate(expires)))
    )


def waits(since: datetime | None, step: Step = Step.KEY) -> ListedConnection:
    return progress(connection(), step, WaitsFor.ORGANISATION, since)


def night_after_night(
    row: ListedConnection, nights: list[datetime], lost: int | None = None
) -> list[str]:
    """The ids that are sent when the command runs at each of these times; before run ``lost`` the
    ledger is lost."""
    sent: dict[str, date] = {}
    said: list[str] = []
    for number, now in enumerate(nights):
        if number == lost:
            sent = {}
        found = due([row], sent, now)
        said += [one.id for one in found]
        sent |= {one.id: now.date() for one in found}
    return said


def every_night(start: datetime, count: int) -> list[datetime]:
    return [start + timedelta(days=number) for number in range(count)]


def test_a_key_is_named_at_60_30_and_7_days() -> None:
    """Every night from 100 days before its end until long after: three reminders, on the first
    night that each threshold is met."""
    nights = every_night(END - timedelta(days=100, hours=-6), 150)
    first = {}
    sent: dict[str, date] = {}
    for now in nights:
        for one in due([ends(END)], sent, now):
            assert isinstance(one, Ends)
            first[one.threshold] = (END - now).days
            sent[one.id] = now.date()
    assert first == {60: 60, 30: 30, 7: 7}
    assert len(sent) == 3


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(HOURS, max_size=40), st.none() | st.integers(0, 40))
def test_no_threshold_is_met_twice_and_a_lost_ledger_repeats_one_at_most(
    hours: list[int], lost: int | None
) -> None:
    """Whenever it runs. Only the present threshold is repeated, never 60 and 30 and 7 together."""
    nights = [END - timedelta(hours=left) for left in sorted(hours, reverse=True)]
    said = night_after_night(ends(END), nights)
    assert len(said) == len(set(said)) <= 3
    after_loss = night_after_night(ends(END), nights, lost)
    assert len(after_loss) <= len(said) + 1
    assert all(after_loss.count(one) <= (2 if lost is not None else 1) for one in after_loss)


@given(HOURS)
def test_one_run_names_a_key_once_at_most(hours: int) -> None:
    """However late a key was met: one that was uploaded with five days left gives one reminder."""
    assert len(due([ends(END)], {}, END - timedelta(hours=hours))) == (1 if hours < 61 * 24 else 0)


def test_a_key_that_has_ended_and_one_without_an_end_are_not_named() -> None:
    row = progress(connection("loket", key("ended", END), key("endless", None)))
    assert due([row], {}, END) == ()
    assert due([progress(connection(keys=None))], {}, END) == ()


def test_another_end_of_the_same_key_is_another_reminder() -> None:
    now = END - timedelta(days=5)
    sent = {one.id: now.date() for one in due([ends(END)], {}, now)}
    assert due([ends(END)], sent, now) == ()
    assert len(due([ends(END + timedelta(days=1))], sent, now)) == 1


@pytest.mark.parametrize("kind", ["mandate", "scope"])
def test_a_last_day_is_named_as_the_end_of_a_key_is(kind: str) -> None:
    """Until the end of its last day, in UTC, and not where the connection leaves by then."""
    midnight = END.replace(hour=0, minute=0)
    last_day = midnight.date() - timedelta(days=1)

    def named(left: timedelta, leaves: str = "") -> list[int]:
        now = midnight - left
        end: dict[str, Any] = {"until": last_day, "days_left": (last_day - now.date()).days}
        how: dict[str, Any] = {"leaves": {"acmidm": leaves} if leaves else {}}
        if kind == "mandate":
            how["mandate"] = ListedMandate(supplier="leverancier", **end)
        else:
            how["scopes_until"] = (ListedScope(scope="vo_info", **end),)
        found = due([progress(connection(**how))], {}, now)
        return [one.threshold for one in found if isinstance(one, Ends)]

    for days, expected in (
        (61, []),
        (60, [60]),
        (31, [60]),
        (30, [30]),
        (7, [7]),
        (1, [7]),
        (0, []),
        (-1, []),
    ):
        assert named(timedelta(days=days)) == expected, days
    assert named(timedelta(minutes=1)) == [7]
    assert named(timedelta(days=7), leaves=midnight.date().isoformat()) == []


def test_a_connection_that_leaves_before_is_not_asked_for_a_key() -> None:
    now = END - timedelta(days=5)
    leaving = {
        day: progress(connection("loket", key("k", END), leaves={"acmidm": day}))
        for day in ("2027-02-28", "2027-03-02")
    }
    assert due([leaving["2027-02-28"]], {}, now) == ()
    assert len(due([leaving["2027-03-02"]], {}, now)) == 1


def test_keys_come_before_steps_and_the_first_end_before_all() -> None:
    now = END - timedelta(days=5)
    found = due([waits(None), ends(END + timedelta(hours=1), END)], {}, now)
    names = [(one.what.reminded_as if isinstance(one, Ends) else "step") for one in found]
    assert names == ["key thumbprint-of-k1", "key thumbprint-of-k0", "step"]


def test_a_step_is_named_once_a_week_from_its_first_week_on() -> None:
    """Not on the day that it began to wait, for the mail with the client-ID said the same; a run
    that is late or early changes no day."""
    nights = [
        night + timedelta(minutes=number % 50)
        for number, night in enumerate(every_night(WAITING, 29))
    ]
    sent: dict[str, date] = {}
    days = []
    for now in nights:
        found = due([waits(WAITING)], sent, now)
        days += [(now.date() - WAITING.date()).days] if found else []
        sent |= {one.id: now.date() for one in found}
    assert days == [7, 14, 21, 28]


@given(
    st.lists(st.integers(0, 24 * 60), max_size=40),
    st.sampled_from([None, WAITING]),
    st.integers(0, 40),
)
def test_no_week_has_two_reminders_and_a_lost_ledger_repeats_one_at_most(
    hours: list[int], since: datetime | None, lost: int
) -> None:
    nights = [WAITING + timedelta(hours=passed) for passed in sorted(hours)]
    weeks = ((nights[-1].date() - nights[0].date()).days if nights else 0) // 7 + 1
    assert len(night_after_night(waits(since), nights)) <= weeks
    assert len(night_after_night(waits(since), nights, lost)) <= weeks + 1


def test_who_goes_from_step_to_step_is_named_once_a_week_too() -> None:
    now = WAITING + timedelta(days=30)
    sent = {one.id: now.date() for one in due([waits(WAITING)], {}, now)}
    assert due([waits(None, Step.PROMOTION)], sent, now + timedelta(days=1)) == ()


@pytest.mark.parametrize(
    ("row", "named"),
    [
        (waits(None), True),  # since when nobody knows
        *(
            (progress(connection(), Step.CLIENT, who, WAITING), who is WaitsFor.ORGANISATION)
            for who in WaitsFor
        ),
        (progress(connection()), False),  # it waits for nobody
        (
            progress(
                connection(),
                Step.PROMOTION,
                WaitsFor.ORGANISATION,
                WAITING,
                "form-unknown",
                unknown=("form",),
            ),
            False,
        ),
    ],
)
def test_only_what_is_known_to_wait_for_the_organisation_is_named(
    row: ListedConnection, named: bool
) -> None:
    """Where forms have mistakes nobody knows what they ask: a guess reminds nobody. A day that has
    not come hides none."""
    now = WAITING + timedelta(days=30)
    assert (
        len(due([row], {}, now))
        == len(due([row], {StepWaits(row).id: date(2031, 1, 1)}, now))
        == named
    )
