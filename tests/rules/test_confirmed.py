"""What a run declares of an authority that only people can change: what they confirmed, and nothing
else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from acmidm_onboarding.rules.confirmed import as_confirmed
from acmidm_onboarding.rules.desired import Desired, desired
from acmidm_onboarding.rules.orders import Rules, orders
from acmidm_onboarding.values.client import NOT_DECLARED, Client, ClientKey, Grant, grants
from acmidm_onboarding.values.confirmation import Confirmation
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Platform
from tests.support.changed import changed
from tests.support.confirmed import BY, CLIENT_ID, NOW, as_wanted, jwk, record, saying, wanted

FORM = wanted("dv_magda", products={"dosis": {"bron_uri": "urn://a"}})
CONFIRMED = as_wanted(FORM)
DAY = NOW.date()
RECORD = record(
    FORM, scopes=grants({"dv_magda": False}), keys=FORM.keys.declared, products=FORM.products
)

ALL = frozenset({FORM.platform.value, *FORM.products})
"""What a state records as leaving, where all of a client does."""
ITSELF, NOTHING = frozenset({FORM.platform.value}), frozenset[str]()
"""What is protected of it."""


def declared(
    *forms: Declaration,
    confirmed: Mapping[ClientKey, Confirmation] | None = None,
    records: Mapping[str, Client] | None = None,
    protect: bool | None = False,
    by_hand: tuple[Platform, ...] = (Platform.ACMIDM,),
    jwks: Mapping[str, PublicJwk] | None = None,
    day: date = DAY,
) -> Desired:
    records = records or {}
    now = NOW + (day - DAY)
    found = desired(forms, now, records=lambda: records)
    keys = (lambda _: FORM.jwks) if jwks is None else (lambda _: jwks)
    return as_confirmed(found, forms, confirmed or {}, records, keys, by_hand, day, protect=protect)


def only(found: Desired) -> Declaration:
    (one,) = found.declared
    return one


def test_what_nobody_confirmed_is_not_declared() -> None:
    found = declared(FORM)
    assert (found.declared, found.wanted) == ((), (FORM,))


def test_what_is_confirmed_is_declared_as_it_is() -> None:
    """Scopes, keys, products and metadata are the confirmation's; form, stack and reason of a scope
    the form's."""
    form = changed(
        wanted("dv_kbo", "dv_magda", keys=["new"]), formerly=("OVO002067/oud",), protected=ITSELF
    )
    confirmed = saying(CONFIRMED, scopes={"dv_magda": {"default": True}, "evil": {}})
    one = only(declared(form, confirmed={FORM.client_key: confirmed}))
    assert one.is_confirmed
    assert {scope: (grant.reason, grant.default) for scope, grant in one.scopes.items()} == {
        "dv_magda": ("why", True),
        "evil": (NOT_DECLARED, False),
    }
    assert (set(one.jwks or {}), set(one.keys.declared or {})) == ({"old"}, {"old"})
    assert one.configurations == {"dosis": {"bron_uri": "urn://a"}}
    assert (one.form.path, one.form.formerly, one.metadata.software_id) == (
        form.form.path,
        form.form.formerly,
        form.software_id,
    )


MANDATE = {"supplier": "leverancier", "until": (DAY - timedelta(days=1)).isoformat()}
WITHDRAWING: dict[str, Declaration] = {
    "its mandate has ended": changed(FORM, mandate=MANDATE),
    "its form has it no more": wanted(products=FORM.configurations),
    "its form retires it": changed(FORM, retire={FORM.platform.value: DAY.isoformat()}),
}


@pytest.mark.parametrize("form", WITHDRAWING.values(), ids=WITHDRAWING)
@pytest.mark.parametrize("reason", ["why", None, NOT_DECLARED])
def test_a_scope_whose_withdrawal_is_open_is_as_it_was(
    form: Declaration, reason: str | None
) -> None:
    """Nothing of it differs from the state: neither its reason, nor that it is withdrawn."""
    has = replace(RECORD, scopes={"dv_magda": Grant(reason)})
    found = declared(
        form, confirmed={FORM.client_key: CONFIRMED}, records={FORM.resource_name: has}
    )
    assert only(found).scopes == has.scopes
    assert only(found).leaving.withdrawn == has.leaving.withdrawn
    assert not next(iter(found.wanted)).scopes, "it is ordered away"


def test_a_scope_of_ours_that_no_run_has_recorded_yet() -> None:
    """It has the reason of its form, and once it is confirmed as gone, it is withdrawn."""
    form = WITHDRAWING["its mandate has ended"]
    lost: dict[str, Client] = {}
    for records in (lost, {FORM.resource_name: replace(RECORD, scopes={})}):
        one = only(declared(form, confirmed={FORM.client_key: CONFIRMED}, records=records))
        assert one.scopes["dv_magda"].reason == "why"
    gone = saying(CONFIRMED, scopes={})
    has = replace(RECORD, scopes={"dv_magda": Grant("why")})
    found = declared(form, confirmed={FORM.client_key: gone}, records={FORM.resource_name: has})
    assert not only(found).scopes
    assert only(found).leaving.withdrawn == frozenset({"dv_magda"})


@pytest.mark.parametrize("keys", [None, ["new"]], ids=["in the portal", "in the form"])
def test_keys_are_declared_where_the_form_has_them(keys: list[str] | None) -> None:
    """Those that are left to the portal are in no state, whatever is confirmed; those that nobody
    has seen are none."""
    one = only(declared(wanted(keys=keys), confirmed={FORM.client_key: CONFIRMED}))
    assert (one.jwks is None, one.keys.declared is None) == (keys is None, keys is None)
    unseen = only(
        declared(wanted(keys=keys), confirmed={FORM.client_key: replace(CONFIRMED, jwks=None)})
    )
    assert unseen.jwks == (None if keys is None else {})


def test_a_confirmation_that_is_missing_leaves_what_is_recorded() -> None:
    """With its scopes, keys and products, and not with what the form says meanwhile."""
    one = only(declared(wanted("dv_kbo"), records={FORM.resource_name: RECORD}))
    assert (set(one.scopes), set(one.jwks or {}), one.products) == (
        {"dv_magda"},
        {"old"},
        FORM.products,
    )
    assert one.metadata.contacts == FORM.metadata.contacts
    assert (
        declared(FORM, records={FORM.resource_name: replace(RECORD, client_id=None)}).declared == ()
    )


def test_a_client_whose_scopes_nobody_knows_keeps_them() -> None:
    one = only(declared(FORM, records={FORM.resource_name: replace(RECORD, scopes=None)}))
    assert one.leaves_scopes


@pytest.mark.parametrize("has_record", [True, False])
def test_a_client_that_somebody_saw_gone_is_declared_no_more(has_record: bool) -> None:
    """Whether a form has it or not, and whatever is recorded."""
    confirmed = {FORM.client_key: saying(CONFIRMED, removed=BY)}
    records = {FORM.resource_name: RECORD} if has_record else {}
    assert declared(FORM, confirmed=confirmed, records=records).declared == ()
    assert declared(confirmed=confirmed, records=records).declared == ()


@pytest.mark.parametrize("has_form", [True, False])
def test_one_that_is_gone_is_protected_no_more_and_then_forgotten(has_form: bool) -> None:
    """The engine parts with nothing that is protected in its state: that is lifted in a run of its
    own."""
    forms, confirmed = [FORM] if has_form else [], {FORM.client_key: saying(CONFIRMED, removed=BY)}
    first = declared(
        *forms,
        confirmed=confirmed,
        records={FORM.resource_name: changed(RECORD, protected=ITSELF)},
        protect=True,
    )
    assert only(first).in_stack(protect=True).is_protected is False
    assert (set(only(first).scopes), only(first).products) == ({"dv_magda"}, FORM.products)
    second = declared(
        *forms,
        confirmed=confirmed,
        records={FORM.resource_name: changed(RECORD, protected=NOTHING)},
        protect=True,
    )
    assert second.declared == ()


def test_a_client_id_that_is_corrected_is_declared_once_nothing_protects_the_wrong_one() -> None:
    """The engine makes the client anew for another client-ID, and replaces nothing that is
    protected in its state."""
    corrected = {FORM.client_key: saying(CONFIRMED, client_id="right")}
    for is_protected, client_id in ((True, CLIENT_ID), (False, "right")):
        records = {
            FORM.resource_name: changed(RECORD, protected=ITSELF if is_protected else NOTHING)
        }
        one = only(declared(FORM, confirmed=corrected, records=records, protect=True))
        assert (one.client_id, one.in_stack(protect=True).is_protected) == (
            client_id,
            not is_protected,
        )


FORMLESS: dict[str, tuple[bool | None, bool, bool, bool]] = {
    "it stays until somebody saw it gone": (False, True, True, True),
    "its confirmation is missing too": (False, False, True, True),
    "no run has recorded it yet": (False, True, False, True),
    "a stack that protects it refuses to part with it": (True, True, True, False),
    "which it can only once a run has recorded it": (True, True, False, True),
    "what other forms there are is not known": (None, True, True, False),
}


@pytest.mark.parametrize("case", FORMLESS.values(), ids=FORMLESS)
def test_a_form_that_is_gone(case: tuple[bool | None, bool, bool, bool]) -> None:
    protect, is_confirmed, is_recorded, stays = case
    found = declared(
        confirmed={FORM.client_key: CONFIRMED} if is_confirmed else {},
        records={FORM.resource_name: changed(RECORD, protected=ITSELF if protect else NOTHING)}
        if is_recorded
        else {},
        protect=protect,
    )
    assert [one.client_key for one in found.declared] == ([FORM.client_key] if stays else [])
    assert found.wanted == ()
    for one in found.declared:
        assert (set(one.scopes), set(one.jwks or {}), one.products) == (
            {"dv_magda"},
            {"old"},
            FORM.products,
        )
        assert (one.metadata.organisation, one.form.path) == (FORM.metadata.organisation, None)


def test_a_client_that_a_mistake_may_be_about_is_left_to_the_program() -> None:
    """Which declares it as it is recorded; one that is confirmed and not recorded is not made."""
    records = {FORM.resource_name: RECORD}
    for recorded in (records, {}):
        found = as_confirmed(
            desired([], NOW),
            [],
            {FORM.client_key: CONFIRMED},
            recorded,
            lambda _: FORM.jwks,
            (Platform.ACMIDM,),
            DAY,
            protect=False,
            stays=lambda key: key == FORM.key,
        )
        assert found.declared == ()


def test_a_stack_that_protects_keeps_what_it_does_not_protect_any_more() -> None:
    """One that left as far as its last step, and whose form went before anybody saw it gone: no run
    may forget it."""
    found = declared(
        confirmed={FORM.client_key: CONFIRMED},
        records={FORM.resource_name: changed(RECORD, protected=NOTHING)},
        protect=True,
    )
    assert [one.client_key for one in found.declared] == [FORM.client_key]


def test_a_rename_keeps_its_confirmation() -> None:
    """Under the earlier key, which is no client without a form."""
    renamed = changed(wanted("dv_magda"), key="OVO002067/nieuw", formerly=(FORM.key,))
    one = only(declared(renamed, confirmed={FORM.client_key: CONFIRMED}))
    assert (one.key, set(one.scopes)) == ("OVO002067/nieuw", {"dv_magda"})


def test_a_platform_with_an_api_is_as_its_forms_say() -> None:
    """In the order of the forms, beside one that people change by hand."""
    there = replace(wanted("dv_ander"), platform=Platform.GEOSECURE)
    found = declared(there, FORM, confirmed={FORM.client_key: CONFIRMED})
    assert [(one.platform, set(one.scopes), one.is_confirmed) for one in found.declared] == [
        (Platform.GEOSECURE, {"dv_ander"}, False),
        (Platform.ACMIDM, {"dv_magda"}, True),
    ]
    assert found.wanted == (FORM,)


RETIRED = changed(FORM, retire={"acmidm": (DAY - timedelta(days=1)).isoformat()})


def steps(
    has: Client, confirmed: Confirmation, form: Declaration = RETIRED
) -> tuple[Any, list[str]]:
    """The scopes that are declared, whether protection is lifted, and the parts that are
    ordered."""
    found = declared(
        form,
        confirmed={FORM.client_key: confirmed},
        records={FORM.resource_name: has},
        protect=True,
    )
    (asked,) = found.wanted or (None,)
    ordered = [one.part for one in orders(FORM.client_key, asked, confirmed, has, Rules(NOW))]
    one = found.declared[0] if found.declared else None
    return (one and (set(one.scopes), one.is_leaving())), ordered


def test_a_client_leaves_in_two_steps() -> None:
    """Its scopes are ordered away first, then it is; and it is forgotten once somebody saw it
    gone."""
    protected = changed(RECORD, protected=ITSELF)
    assert steps(protected, CONFIRMED) == (({"dv_magda"}, True), ["scopes"])
    withdrawn = saying(CONFIRMED, scopes={})
    assert steps(protected, withdrawn) == ((set(), True), [])
    ready = changed(RECORD, protected=NOTHING, scopes={}, parts=ALL)
    assert steps(ready, withdrawn) == ((set(), True), ["remove"])
    assert steps(ready, saying(withdrawn, removed=BY)) == (None, [])


def test_a_client_that_is_kept_is_let_go_once_people_know() -> None:
    """Nothing is ordered of its scopes, and it stays in the state until somebody confirmed that it
    is nobody's."""
    kept = changed(RETIRED, keep=True)
    protected = changed(RECORD, protected=ITSELF)
    assert steps(protected, CONFIRMED, kept) == (({"dv_magda"}, True), [])
    ready = changed(RECORD, protected=NOTHING, is_let_go=True, parts=ALL)
    assert steps(ready, CONFIRMED, kept) == (({"dv_magda"}, True), ["remove"])
    assert steps(ready, saying(CONFIRMED, removed=BY), kept) == (None, [])


def test_what_is_confirmed_is_what_the_forms_ask_in_the_end() -> None:
    """Declared and wanted agree once all is carried out, but for marks."""
    one = only(declared(FORM, confirmed={FORM.client_key: CONFIRMED}))
    assert (one.fields, one.keys.declared, one.products, set(one.scopes)) == (
        FORM.fields,
        FORM.keys.declared,
        FORM.products,
        set(FORM.scopes),
    )
    assert one.client_id == CONFIRMED.content.client_id == CLIENT_ID
    assert jwk("old").thumbprint in one.keys.thumbprints


def test_a_state_that_somebody_edited_is_a_sentence() -> None:
    """It is read where a confirmation is missing; without the metadata nobody knows what the client
    is."""
    broken = replace(RECORD, fields={})
    with pytest.raises(
        Failure, match="has not all of its metadata, and its confirmation is missing"
    ):
        declared(FORM, records={broken.resource_name: broken})
