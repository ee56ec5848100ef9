"""What becomes of a connection whose mandate has ended, by the day and by what the state has of
it."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from acmidm_onboarding.rules.desired import desired
from acmidm_onboarding.rules.gate import by_reason
from acmidm_onboarding.rules.mandates import has_ended
from acmidm_onboarding.values.client import NOT_CONFIGURED, NOT_DECLARED, Client, Grant
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.keys import PublicKeys, public_keys
from acmidm_onboarding.values.metadata import ProductDocument
from acmidm_onboarding.values.problems import Failure
from tests.support.changed import changed
from tests.support.confirmed import jwk
from tests.support.declared_connection import CONNECTION

END = datetime(2027, 12, 31, 23, 59, tzinfo=UTC)
SCOPES = dict(CONNECTION.scopes)
FORM = changed(CONNECTION, mandate={"supplier": "leverancier", "until": "2027-12-31"})
WHOLE: Client = dataclasses.replace(FORM.in_stack(protect=True), client_id="8abae908")
WITHOUT_SCOPES = changed(WHOLE, scopes={}, withdrawn=frozenset(SCOPES))
WITHOUT_KEYS = changed(WITHOUT_SCOPES, keys={})


def declared(
    record: Client | None,
    form: Declaration = FORM,
    at: datetime = END + timedelta(minutes=1),
    *,
    there: Client | None = None,
) -> Any:
    """What a run declares at a moment, and what it says of it; the authority has ``there``."""
    found = desired(
        [form],
        at,
        records=lambda: {} if record is None else {FORM.resource_name: record},
        at_authorities={} if there is None else {FORM.resource_name: there},
    )
    return next(iter(found.declared), None), by_reason(found.held_back)


def test_it_counts_until_the_end_of_its_last_day() -> None:
    for at in (END, datetime(2020, 1, 1, tzinfo=UTC)):
        assert declared(WHOLE, at=at) == (FORM, [])
    assert not has_ended(CONNECTION, date(2999, 1, 1)), "the keys are its own"


@pytest.mark.parametrize(
    ("record", "keys", "revoked"),
    [
        (WHOLE, set(FORM.keys.declared or ()), set()),
        (dataclasses.replace(WHOLE, scopes=None), set(FORM.keys.declared or ()), set()),
        (WITHOUT_SCOPES, set(), FORM.keys.thumbprints),
        (WITHOUT_KEYS, set(), FORM.keys.thumbprints),
    ],
)
def test_scopes_go_and_then_keys(record: Client, keys: set[str], revoked: set[str]) -> None:
    """A run that was cut off does its step again; where nobody knows the scopes, they go first."""
    now, said = declared(record)
    assert (now.scopes, set(now.jwks), set(now.keys.declared or ())) == ({}, keys, keys)
    assert now.keys.revoked == dict.fromkeys(revoked, "leverancier")
    assert now.leaving.withdrawn == (
        frozenset(SCOPES) if record.scopes is not None else frozenset()
    )
    assert len(said) == 1
    assert "the mandate of leverancier ended on 2027-12-31" in said[0]


FOUND = Client(
    FORM.key,
    FORM.platform,
    FORM.environment,
    client_id="8abae908",
    scopes=SCOPES,
    keys=PublicKeys(FORM.keys.declared),
    products=dict.fromkeys(("dosis", "of no form"), NOT_CONFIGURED),
)
"""What a command found at the authority of a client that the state has lost."""


@pytest.mark.parametrize("record", [None, dataclasses.replace(WHOLE, client_id=None)])
def test_what_the_state_has_lost_is_taken_from_the_client_all_the_same(
    record: Client | None,
) -> None:
    """One run takes it over without its scopes, the next one takes its keys."""
    now, said = declared(record, there=FOUND)
    assert (now.scopes, set(now.jwks), now.metadata) == (
        {},
        set(FORM.keys.declared or ()),
        FORM.metadata,
    )
    assert now.products == {"dosis": FORM.products["dosis"]}
    assert "the mandate of leverancier ended on 2027-12-31" in said[0]
    without_scopes = dataclasses.replace(FOUND, scopes={})
    now, _ = declared(record, there=without_scopes)
    assert (now.scopes, now.jwks, now.keys.revoked.keys()) == ({}, {}, FORM.keys.thumbprints)


def test_the_state_says_more_than_the_authority() -> None:
    assert declared(WHOLE, there=FOUND) == declared(WHOLE)


A = {"supplier": "a", "until": "2027-12-31"}
THEIRS = jwk("theirs")
OWN = changed(CONNECTION, mandate={}, mandates={"a": "2027-12-31"}, listed={THEIRS.thumbprint: "a"})
RECORD = changed(
    CONNECTION.in_stack(protect=True),
    client_id="8abae908",
    mandate=A,
    keys=public_keys({"theirs": THEIRS}),
    lent={THEIRS.thumbprint: "a"},
)
PROVEN = changed(
    RECORD,
    mandate={"supplier": "b"},
    keys={**(RECORD.keys.declared or {}), **(CONNECTION.keys.declared or {})},
)


@pytest.mark.parametrize(
    ("record", "mode"),
    [
        (RECORD, "another supplier's"),
        (PROVEN, "another supplier's"),
        (RECORD, "its own"),
        (RECORD, "the portal's"),
    ],
)
@pytest.mark.parametrize("until", ["2027-12-31", "", "2028-12-31"])
def test_a_former_suppliers_key_goes_with_its_mandate(
    record: Client, mode: str, until: str
) -> None:
    """Whatever keys a form has instead, and past their overlap, also where that began before; a
    mandate that goes on leaves the key its overlap."""
    form = changed(OWN, mandates={"a": until} if until else {})
    if mode == "another supplier's":
        form = changed(form, mandate={"supplier": "b", "until": "2999-12-31"})
    elif mode == "the portal's":
        form = changed(form, jwks=None, keys=None)
    now, said = declared(record, form)
    gone = {} if until == "2028-12-31" else {THEIRS.thumbprint: "a"}
    assert (now, said) == (changed(form, revoked=gone), [])


def test_a_former_supplier_that_nothing_names_any_more_has_no_mandate() -> None:
    """Neither a list of its keys nor a mandate: the state alone remembers it."""
    form = changed(OWN, mandates={}, listed={jwk("another").thumbprint: "c"})
    assert declared(RECORD, form)[0].keys.revoked == {THEIRS.thumbprint: "a"}
    still = changed(form, mandates={"a": "2028-12-31"})
    assert declared(RECORD, still)[0].keys.revoked == {}


def test_a_portal_that_people_change_remembers_it_too() -> None:
    """What is confirmed there has the key: the state says whose it is, though no form does."""
    form = changed(OWN, mandates={}, listed={})
    assert declared(RECORD, form)[0].keys.revoked == {}, "its provider takes it"
    assert declared(RECORD, form, there=RECORD)[0].keys.revoked == {THEIRS.thumbprint: "a"}
    running = changed(form, mandates={"a": "2028-12-31"})
    assert declared(RECORD, running, there=RECORD)[0].keys.revoked == {}
    stolen = changed(running, stolen={"a": frozenset({THEIRS.thumbprint})})
    assert declared(RECORD, stolen, there=RECORD)[0].keys.compromised == {THEIRS.thumbprint}
    strangers = changed(running, stolen={"b": frozenset({THEIRS.thumbprint})})
    assert declared(RECORD, strangers, there=RECORD)[0].keys.compromised == frozenset()


def test_no_supplier_calls_a_towns_outgoing_key_its_own() -> None:
    """Public keys are public: whoever lists one has not had it lent by this organisation."""
    hostile = changed(OWN, listed={THEIRS.thumbprint: "c"})
    town = changed(RECORD, mandate={}, lent={})
    assert declared(town, hostile)[0].keys.revoked == {}


def test_a_former_suppliers_key_goes_where_one_that_it_sends_for_ends_too() -> None:
    senders = [{"code": "a", "name": "Stad A"}]
    products = {"notificaties": ProductDocument({"afzenders": senders})}
    form = dataclasses.replace(OWN, products=products, afzenders={"a": "2027-12-31"})
    now, said = declared(RECORD, form)
    assert (now.keys.revoked, now.configurations) == (
        {THEIRS.thumbprint: "a"},
        {"notificaties": {}},
    )
    assert len(said) == 1


def test_a_state_that_cannot_be_read_leaves_a_key_its_overlap() -> None:
    """It holds up nobody whose supplier is as it was."""

    def unreadable() -> Any:
        raise Failure("no state")

    assert desired([OWN], END, records=unreadable).declared == (OWN,)


def test_a_supplier_that_replaces_its_key_keeps_the_overlap() -> None:
    form = changed(OWN, mandate={**A, "until": "2028-12-31"}, mandates={}, listed={})
    for named in (form, changed(form, mandates={"a": "2028-12-31"})):
        assert declared(RECORD, named)[0].keys.revoked == {}


def test_nothing_of_the_form_is_carried_out() -> None:
    """Neither a new client, nor what a client that is there has not."""
    assert declared(None)[0] is None
    scopes = {**SCOPES, "dv_new": Grant("new")}
    form = changed(FORM, scopes=scopes, products={}, fields={"contacts": ["x@y.example"]})
    now, _ = declared(WHOLE, form)
    assert (now.scopes, now.products, now.fields) == ({}, WHOLE.products, FORM.fields)
    assert now.leaving.withdrawn == frozenset(SCOPES)


def test_a_later_mandate_gives_it_back() -> None:
    """Also past the gate: what was withdrawn counts as recorded."""
    renewed = changed(FORM, mandate={**FORM.form.mandate, "until": "2028-12-31"})
    for record in (WITHOUT_SCOPES, WITHOUT_KEYS):
        assert declared(record, renewed) == (renewed, [])


def test_it_gives_back_nothing_that_was_granted_by_hand() -> None:
    """A form that names such a scope while its mandate has ended would get it past the gate."""
    by_hand = {**SCOPES, "by_hand": Grant(NOT_DECLARED)}
    naming = dataclasses.replace(FORM, scopes={**SCOPES, "by_hand": Grant("new")})
    now, _ = declared(dataclasses.replace(WHOLE, scopes=by_hand), naming)
    assert now.leaving.withdrawn == frozenset(SCOPES)


def test_what_leaves_goes_on_to_leave() -> None:
    leaving = changed(FORM, retire={FORM.platform.value: "2027-12-31"})
    now, said = declared(WHOLE, leaving)
    assert (now.scopes, now.is_leaving(), said) == ({}, True, [])


def test_a_product_that_leaves_lets_nothing_else_through() -> None:
    """It goes, by its own steps, from a client that stays as it is recorded."""
    scopes = {**SCOPES, "dv_new": Grant("new")}
    leaving = changed(
        FORM, scopes=scopes, retire={"dosis": "2027-12-30"}, product_scopes={"dosis": frozenset()}
    )
    now, said = declared(WHOLE, leaving)
    assert (now.scopes, now.products, now.is_leaving("dosis"), len(said)) == (
        {},
        WHOLE.products,
        True,
        1,
    )
    now, said = declared(
        changed(WITHOUT_SCOPES, protected=frozenset({"acmidm"}), parts=frozenset({"dosis"})),
        leaving,
    )
    assert (now.jwks, now.products.keys(), len(said)) == ({}, WHOLE.products.keys() - {"dosis"}, 1)


def test_an_organisation_that_it_sends_for_goes_alone() -> None:
    """By its own mandate; all else of the form is carried out."""
    senders = [{"code": code, "name": f"Stad {code}"} for code in ("a", "b")]
    dosis = ProductDocument({"x": "y"})
    products = {
        "notificaties": ProductDocument({"x": "y", "afzenders": senders}),
        "dosis": dosis,
    }
    sending = dataclasses.replace(
        CONNECTION, products=products, afzenders={"a": "2027-12-31", "b": "2028-12-31"}
    )
    assert declared(WHOLE, sending, END) == (sending, [])
    now, said = declared(WHOLE, sending)
    assert now == dataclasses.replace(
        sending,
        products={
            "notificaties": ProductDocument({"x": "y", "afzenders": senders[1:]}),
            "dosis": dosis,
        },
    )
    assert len(said) == 1
    assert "it does not send for Stad a, without a mandate for that now" in said[0]
    now, _ = declared(
        WHOLE, dataclasses.replace(sending, afzenders=dict.fromkeys("ab", "2027-12-31"))
    )
    assert now.products == {"notificaties": dosis, "dosis": dosis}
