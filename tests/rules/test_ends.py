"""A scope has a last day: from the day after, no run declares it, whatever the state has."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from acmidm_onboarding.rules.desired import desired, nothing_recorded
from acmidm_onboarding.rules.ends import past_ends
from acmidm_onboarding.values.client import Client, Grant, Records
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.end import End, EndOf, after
from tests.support.changed import changed
from tests.support.declared_connection import CONNECTION

LAST = date(2027, 3, 31)
WHOLE = dataclasses.replace(CONNECTION.in_stack(protect=True), client_id="8abae908")
RECORDED = {CONNECTION.resource_name: WHOLE}


def until(day: date = LAST, **how: Any) -> Declaration:
    """The connection whose first scope has a last day."""
    first, *others = sorted(CONNECTION.scopes)
    scopes = {first: Grant("why", until=day.isoformat())}
    scopes |= {scope: CONNECTION.scopes[scope] for scope in others}
    return changed(CONNECTION, **{"scopes": scopes} | how)


def declared(form: Declaration, day: date, records: Records | None = None) -> Declaration | None:
    """What a run at the end of a day declares of a form."""
    now = datetime.combine(day, datetime.max.time(), UTC)
    wanted = desired([form], now, records=lambda: records or {})
    return wanted.declared[0] if wanted.declared else None


@pytest.mark.parametrize("records", [{}, RECORDED])
def test_a_scope_is_declared_to_the_end_of_its_last_day(records: Records) -> None:
    form, ended = until(), min(CONNECTION.scopes)
    assert declared(form, LAST, records) == form
    now = declared(form, LAST + timedelta(days=1), records)
    assert now is not None
    assert now.scopes.keys() == CONNECTION.scopes.keys() - {ended}
    assert now == dataclasses.replace(form, scopes=now.scopes)


def test_the_state_is_not_read_for_it() -> None:
    def unreadable() -> Records:
        raise AssertionError

    now = datetime(2027, 4, 1, tzinfo=UTC)
    assert desired([until()], now, records=unreadable).declared
    assert desired([until()], now, records=nothing_recorded).declared


def test_a_client_whose_only_scope_ended_stays_with_its_products() -> None:
    """Its organisation gets the scope back by a later day, with the same client-ID."""
    form = until(scopes={"dv_notificaties_import": Grant(until=LAST.isoformat())})
    now = declared(form, LAST + timedelta(days=1), RECORDED)
    assert now is not None
    assert (now.scopes, now.products) == ({}, form.products)


@pytest.mark.parametrize("mandate_ends", [LAST - timedelta(days=5), LAST + timedelta(days=5)])
def test_of_a_scope_by_a_mandate_the_earlier_end_counts(mandate_ends: date) -> None:
    mandate = {"supplier": "leverancier", "until": mandate_ends.isoformat()}
    form, ended = until(mandate=mandate), min(CONNECTION.scopes)
    for day, last in ((LAST, LAST), (mandate_ends, mandate_ends)):
        now = declared(form, day + timedelta(days=1), RECORDED)
        assert now is not None
        assert ended not in now.scopes, last


@pytest.mark.parametrize("last_day", [date.min, LAST, date.max])
def test_the_first_and_the_last_day_of_the_calendar_are_ends_too(last_day: date) -> None:
    assert End(EndOf.SCOPE, "vo_info", after(last_day)).last_day == last_day


NEXT = LAST + timedelta(days=1)
MANDATE = {"supplier": "leverancier", "until": LAST.isoformat()}
PAST: list[tuple[Declaration, Client, list[EndOf]]] = [
    (until(), WHOLE, [EndOf.SCOPE]),
    (until(), dataclasses.replace(WHOLE, scopes={}), []),
    (until(NEXT), WHOLE, []),
    (changed(CONNECTION, mandate=MANDATE), WHOLE, [EndOf.MANDATE]),
    (
        changed(CONNECTION, mandate=MANDATE),
        changed(WHOLE, scopes={}, keys={}),
        [],
    ),
    (
        changed(CONNECTION, retire={"acmidm": NEXT.isoformat()}),
        WHOLE,
        [EndOf.CLIENT],
    ),
    (
        changed(CONNECTION, retire={"notificaties": NEXT.isoformat()}),
        WHOLE,
        [EndOf.PRODUCT],
    ),
    (
        changed(CONNECTION, retire={"notificaties": NEXT.isoformat()}),
        dataclasses.replace(WHOLE, products={}),
        [],
    ),
]


@pytest.mark.parametrize(("form", "real", "expected"), PAST)
def test_what_is_there_past_its_end(form: Declaration, real: Client, expected: list[EndOf]) -> None:
    """Each kind of end, the day after its last one; none on that day itself."""
    ends = list(past_ends(form, real, NEXT))
    assert [end.of for end in ends] == expected
    assert {end.last_day for end in ends} <= {LAST}
    assert list(past_ends(form, real, LAST)) == []
