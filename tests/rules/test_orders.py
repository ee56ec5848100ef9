"""What people have to do at an authority without an API, by what is wanted and what is
confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acmidm_onboarding.rules.confirming import refused
from acmidm_onboarding.rules.orders import (
    Act,
    Doer,
    Order,
    Rules,
    orders,
    possible_orders,
    removals,
    scope_part,
    targets,
)
from acmidm_onboarding.values.confirmation import Confirmation
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.evidence import Evidence, EvidenceFile
from acmidm_onboarding.values.terms import MOST_KEYS, Environment, Platform
from tests.support.changed import changed
from tests.support.confirmed import (
    BY,
    CLIENT_ID,
    NOW,
    as_wanted,
    confirmed_by,
    jwk,
    record,
    saying,
    wanted,
)
from tests.support.evidence import proof

DOSIS: dict[str, Any] = {"dosis": {"bron_uri": "urn://gent/loket"}}


def by_owner(_platform: Platform, scope: str) -> str | None:
    """The owner of eLys approves its couplings."""
    return "elys" if scope.startswith("elys_") else None


RULES = Rules(NOW, approved_by_owner=by_owner, assigned={Platform.ACMIDM: ["vo_info"]})
FORM = wanted("dv_magda", products=DOSIS)
CONFIRMED = as_wanted(FORM, RULES)


def of(
    form: Declaration | None, confirmed: Confirmation | None, rules: Rules = RULES, **how: Any
) -> list[Order]:
    place = FORM.client_key if form is None else form.client_key
    return list(orders(place, form, confirmed, how.get("record"), rules))


def said(
    form: Declaration | None, confirmed: Confirmation | None, **how: Any
) -> list[tuple[str, Act, Doer]]:
    return [(one.part, one.act, one.doer) for one in of(form, confirmed, **how)]


GRANT = ("scopes", Act.GRANT, Doer.OPERATOR)
APPROVE = ("scopes/elys", Act.APPROVE, Doer.API_OWNER)
CREATE = ("create", Act.CREATE, Doer.OPERATOR)
UPLOAD = ("keys", Act.UPLOAD, Doer.ORGANISATION)
CONFIGURE = ("product/dosis", Act.CONFIGURE, Doer.PRODUCT_TEAM)
CHANGE = ("client", Act.CHANGE, Doer.OPERATOR)
JUST_MADE = confirmed_by(of(FORM, None)[0])
GONE = saying(CONFIRMED, removed=BY)

CASES: dict[str, tuple[Declaration | None, Confirmation | None, list[tuple[str, Act, Doer]]]] = {
    "nothing is confirmed": (FORM, None, [CREATE]),
    "it was made": (FORM, JUST_MADE, [UPLOAD, CONFIGURE]),
    "all is as it is wanted": (FORM, CONFIRMED, []),
    "a scope more": (wanted("dv_magda", "dv_kbo", products=DOSIS), CONFIRMED, [GRANT]),
    "a scope less": (wanted(products=DOSIS), CONFIRMED, [GRANT]),
    "a scope by hand": (FORM, saying(CONFIRMED, scopes={"dv_magda": {}, "dv_kbo": {}}), [GRANT]),
    "a scope that its provider assigns": (
        FORM,
        saying(CONFIRMED, scopes={"dv_magda": {}, "vo_info": {}}),
        [],
    ),
    "a scope in every token, by hand": (
        FORM,
        saying(CONFIRMED, scopes={"dv_magda": {"default": True}}),
        [GRANT],
    ),
    "a scope whose API's owner approves": (
        wanted("dv_magda", "elys_arts", products=DOSIS),
        CONFIRMED,
        [APPROVE],
    ),
    "such a scope by hand": (
        FORM,
        saying(CONFIRMED, scopes={"dv_magda": {}, "elys_arts": {}}),
        [APPROVE],
    ),
    "a key more": (wanted("dv_magda", keys=["old", "new"], products=DOSIS), CONFIRMED, [UPLOAD]),
    "a product more": (
        wanted("dv_magda", products={**DOSIS, "proef": {}}),
        CONFIRMED,
        [("product/proef", Act.CONFIGURE, Doer.PRODUCT_TEAM)],
    ),
    "a product less": (wanted("dv_magda"), CONFIRMED, [CONFIGURE]),
    "a product otherwise": (
        wanted("dv_magda", products={"dosis": {"bron_uri": "urn://x"}}),
        CONFIRMED,
        [CONFIGURE],
    ),
    "another contact, by hand": (
        FORM,
        saying(
            CONFIRMED,
            metadata={
                **CONFIRMED.content.model_dump()["metadata"],
                "contacts": ["evil@evil.example"],
            },
        ),
        [CHANGE],
    ),
    "keys of the portal": (
        wanted("dv_magda", keys=None),
        JUST_MADE,
        [("keys", Act.LOOK, Doer.OPERATOR)],
    ),
    "keys of the portal that are seen": (
        wanted("dv_magda", keys=None),
        replace(JUST_MADE, jwks={"old": jwk("old")}),
        [],
    ),
    "a former supplier's key among them": (
        changed(wanted("dv_magda", keys=None), revoked={jwk("old").thumbprint: "leverancier"}),
        replace(JUST_MADE, jwks={"old": jwk("old"), "own": jwk("own")}),
        [("keys", Act.REMOVE_SUPPLIERS_KEY, Doer.OPERATOR)],
    ),
    "no form has it": (None, CONFIRMED, [("remove", Act.REMOVE, Doer.OPERATOR)]),
    "no form has it, and it is gone": (None, GONE, []),
    "it is gone, and a form has it": (FORM, GONE, [CREATE]),
    "one that was made by hand before": (
        changed(FORM, adopts=CLIENT_ID),
        None,
        [("create", Act.COMPARE, Doer.OPERATOR)],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_has_to_be_done(
    case: tuple[Declaration | None, Confirmation | None, list[tuple[str, Act, Doer]]],
) -> None:
    form, confirmed, expected = case
    assert said(form, confirmed) == expected


def test_a_client_that_its_form_keeps_is_let_go() -> None:
    """Its order says something else than a removal, so that neither is confirmed by the other."""
    (removal,) = orders(FORM.client_key, None, CONFIRMED, None, Rules(NOW))
    (letting_go,) = orders(FORM.client_key, None, CONFIRMED, None, Rules(NOW), keeps=True)
    assert (letting_go.part, letting_go.act) == ("remove", Act.LET_GO)
    assert letting_go.full_digest != removal.full_digest


def test_a_recorded_client_is_never_made_twice() -> None:
    """Its confirmation is missing, or somebody saw it gone and no run has forgotten it yet; what a
    create left in part is no client."""
    assert of(FORM, None, record=record(FORM)) == []
    assert of(FORM, GONE, record=record(FORM)) == []
    assert said(FORM, None, record=record(FORM, client_id=None)) == [CREATE]


def test_a_digest_is_of_what_an_order_says() -> None:
    """Not of the reason of a scope, nor of what is confirmed; but of the client, the part, and each
    value."""
    more = wanted("dv_magda", "dv_kbo", products=DOSIS)
    (order,) = of(more, CONFIRMED)
    assert order.name == f"OVO002067/loket scopes @{order.full_digest[:8]}"
    (same,) = of(more, saying(CONFIRMED, scopes={}))
    assert (same.full_digest, same.now) == (order.full_digest, {})
    others = [
        of(wanted("dv_magda", "dv_ander", products=DOSIS), CONFIRMED),
        of(replace(more, platform=Platform.GEOSECURE), CONFIRMED),
        of(replace(more, environment=Environment.PROD), CONFIRMED),
        of(replace(more, key="OVO002067/ander"), CONFIRMED),
    ]
    assert len({order.full_digest, *(one.full_digest for found in others for one in found)}) == 5


def test_a_refusal_counts_until_the_form_changes() -> None:
    """The order stays, with who refused it; what the form says afterwards is another order."""
    more = wanted("dv_magda", "dv_kbo", products=DOSIS)
    (order,) = of(more, CONFIRMED)
    confirmed = replace(CONFIRMED, content=refused(order, CONFIRMED.content, "no mandate", BY))
    (still,) = of(more, confirmed)
    assert still.refused is not None
    assert (still.refused.why, still.refused.by) == ("no mandate", BY.by)
    (other,) = of(wanted("dv_magda", "dv_ander", products=DOSIS), confirmed)
    assert other.refused is None
    (first,) = of(FORM, None)
    nothing_yet = replace(
        CONFIRMED, content=refused(first, None, "no such organisation", BY), jwks=None, since={}
    )
    (still,) = of(FORM, nothing_yet)
    assert still.refused is not None


def test_a_form_that_adopts_names_the_client() -> None:
    (order,) = of(changed(FORM, adopts=CLIENT_ID), None)
    assert order.says["client_id"] == order.client_id == CLIENT_ID


def test_scopes_are_ordered_from_whoever_grants_them() -> None:
    """Each order has its own scopes alone, and carrying one out leaves those of the other."""
    form = wanted("dv_magda", "elys_arts")
    confirmed = as_wanted(form, RULES)
    assert confirmed.scopes == {"dv_magda": False, "elys_arts": False}
    both = of(wanted("dv_kbo", "elys_lbbs"), confirmed)
    assert {one.part: set(one.says) for one in both} == {
        "scopes": {"dv_kbo"},
        "scopes/elys": {"elys_lbbs"},
    }
    assert confirmed_by(both[1], confirmed).scopes == {"dv_magda": False, "elys_lbbs": False}
    assert scope_part(Platform.ACMIDM, "elys_arts", RULES) == "scopes/elys"


def evidence(kid: str, days: float = 1) -> Evidence:
    """That a key signs, recorded so many days ago."""
    at = NOW - timedelta(days=days)
    return proof(client_id=CLIENT_ID, thumbprint=jwk(kid).thumbprint, iat=int(at.timestamp()))


KEYS_RULES = replace(RULES, overlap_days=14)
LONG_AGO = NOW - timedelta(days=30)
KEY_CASES: dict[str, tuple[dict[str, float], list[str], dict[str, Any], set[str] | None]] = {
    "a key beside the old one": ({"old": 30}, ["old", "new"], {}, {"old", "new"}),
    "one in the place of the old one, which stays until it is proven": (
        {"old": 30},
        ["new"],
        {},
        {"old", "new"},
    ),
    "nothing to do until the new one is proven": ({"old": 30, "new": 20}, ["new"], {}, None),
    "nor until it has been there for long enough": (
        {"old": 30, "new": 13},
        ["new"],
        {"evidence_file": EvidenceFile(evidence("new"))},
        None,
    ),
    "nor by evidence that is old": (
        {"old": 30, "new": 20},
        ["new"],
        {"evidence_file": EvidenceFile(evidence("new", 91))},
        None,
    ),
    "nor by evidence of the old one": (
        {"old": 30, "new": 20},
        ["new"],
        {"evidence_file": EvidenceFile(evidence("old"))},
        None,
    ),
    "the old one goes once the new one is proven": (
        {"old": 30, "new": 20},
        ["new"],
        {"evidence_file": EvidenceFile(evidence("new"))},
        {"new"},
    ),
    "a compromised one goes at once": (
        {"old": 30},
        ["new"],
        {"compromised": frozenset({jwk("old").thumbprint})},
        {"new"},
    ),
    "that of a supplier without a mandate goes at once": (
        {"old": 30},
        [],
        {"revoked": {jwk("old").thumbprint: "leverancier"}},
        set(),
    ),
    "and so it does where another one has to stay": (
        {"old": 30, "other": 30},
        ["new"],
        {"compromised": frozenset({jwk("old").thumbprint})},
        {"other", "new"},
    ),
    "one that nobody declared, beside one that is proven": (
        {"old": 30, "evil": 1},
        ["old"],
        {"evidence_file": EvidenceFile(evidence("old"))},
        {"old"},
    ),
}


@pytest.mark.parametrize("case", KEY_CASES.values(), ids=KEY_CASES)
def test_which_keys_a_client_has_to_have(
    case: tuple[dict[str, float], list[str], dict[str, Any], set[str] | None],
) -> None:
    """``there`` has per key since how many days it is there; None: there is no order."""
    there, declared, facts, expected = case
    jwks = {kid: jwk(kid) for kid in there}
    since = {jwk(kid).thumbprint: NOW - timedelta(days=days) for kid, days in there.items()}
    confirmed = replace(as_wanted(wanted()), jwks=jwks, since=since)
    found = [
        one
        for one in of(wanted(keys=declared, **facts), confirmed, KEYS_RULES)
        if one.part == "keys"
    ]
    assert [set(one.says) for one in found] == ([] if expected is None else [expected])


STOLEN = {"compromised": frozenset({jwk("old").thumbprint})}
ENDED = {"revoked": {jwk("old").thumbprint: "leverancier"}}
ACTS_ON_KEYS: dict[str, tuple[list[str], dict[str, Any], Act, Doer]] = {
    "a new key": (["old", "new"], {}, Act.UPLOAD, Doer.ORGANISATION),
    "one in the place of the old one": (["new"], {}, Act.UPLOAD, Doer.ORGANISATION),
    "the old one goes": ([], {}, Act.REMOVE_KEY, Doer.ORGANISATION),
    "it was stolen": ([], STOLEN, Act.REMOVE_STOLEN_KEY, Doer.ORGANISATION),
    "it was stolen, and there is another one": (
        ["new"],
        STOLEN,
        Act.REMOVE_STOLEN_KEY,
        Doer.ORGANISATION,
    ),
    "its supplier may not act any more": ([], ENDED, Act.REMOVE_SUPPLIERS_KEY, Doer.OPERATOR),
    "another supplier acts now": (["new"], ENDED, Act.REMOVE_SUPPLIERS_KEY, Doer.OPERATOR),
    "it was stolen from an ended supplier": (
        [],
        {**STOLEN, **ENDED},
        Act.REMOVE_STOLEN_KEY,
        Doer.ORGANISATION,
    ),
    "one that is not there was stolen": (
        ["old", "new"],
        {"compromised": frozenset({jwk("other").thumbprint})},
        Act.UPLOAD,
        Doer.ORGANISATION,
    ),
}


@pytest.mark.parametrize("case", ACTS_ON_KEYS.values(), ids=ACTS_ON_KEYS)
def test_a_removal_of_keys_is_named_by_its_reason(
    case: tuple[list[str], dict[str, Any], Act, Doer],
) -> None:
    """What a stolen key says comes before all else; that of an ended supplier is removed by
    whoever manages the client, and not by the supplier in the organisation's name."""
    keys, facts, act, doer = case
    form = wanted("dv_magda", keys=keys, products=DOSIS, **facts)
    assert said(form, CONFIRMED) == [("keys", act, doer)]


def test_a_new_key_of_an_old_name_pushes_no_key_out() -> None:
    """A form that has another key under the same kid would leave its client with a key that nobody
    has tried."""
    confirmed = replace(as_wanted(wanted()), since={jwk("old").thumbprint: LONG_AGO})
    other = replace(wanted(), jwks={"old": jwk("other", kid="old")})
    (order,) = [one for one in targets(other, confirmed, KEYS_RULES) if one.part == "keys"]
    assert order.says == order.now, "the new key waits until it has a name of its own"
    renamed = replace(wanted(), jwks={"new": jwk("old", kid="new")})
    (order,) = [one for one in targets(renamed, confirmed, KEYS_RULES) if one.part == "keys"]
    assert order.says == order.now, "nor does a key lose its name, by which its application signs"
    (order,) = [one for one in targets(renamed, confirmed, RULES) if one.part == "keys"]
    assert set(order.says) == {"new"}, "but where there is no overlap"


def test_there_are_never_more_keys_than_a_client_may_have() -> None:
    confirmed = replace(as_wanted(wanted()), since={jwk("old").thumbprint: LONG_AGO})
    many = [f"key-{number}" for number in range(MOST_KEYS)]
    (order,) = [
        one for one in targets(wanted(keys=many), confirmed, KEYS_RULES) if one.part == "keys"
    ]
    assert (len(order.says), "old" in order.says) == (MOST_KEYS, True)


def test_a_removal_is_of_what_is_there() -> None:
    place = FORM.client_key
    assert [one.says for one in removals({place: CONFIRMED})] == [{"client_id": CLIENT_ID}]
    assert list(removals({place: GONE})) == []


def test_what_a_version_of_a_form_may_have_said() -> None:
    """Its create too, though the client is there by now; before that nothing else."""
    assert [one.part for one in possible_orders(FORM, None, RULES)] == ["create"]
    assert {one.part for one in possible_orders(FORM, CONFIRMED, RULES)} == {
        "create",
        "client",
        "scopes",
        "keys",
        "product/dosis",
    }


SCOPES = st.sets(st.sampled_from(["dv_magda", "dv_kbo", "elys_arts", "elys_lbbs"]))
PRODUCTS = st.dictionaries(
    st.sampled_from(["dosis", "proef"]),
    st.dictionaries(st.just("bron_uri"), st.sampled_from("ab"), max_size=1),
)
FORMS = st.builds(
    lambda scopes, keys, products: wanted(*scopes, keys=sorted(keys), products=products),
    SCOPES,
    st.sets(st.sampled_from(["old", "new", "other"]), min_size=1),
    PRODUCTS,
)


def has(confirmed: Confirmation) -> Mapping[str, Any]:
    return {
        "scopes": set(confirmed.scopes),
        "keys": set(confirmed.jwks or {}),
        "products": confirmed.content.products,
        "name": confirmed.registered.client_name,
    }


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(FORMS, min_size=1, max_size=3), st.data())
def test_carrying_out_all_orders_ends_with_what_is_wanted(
    forms: list[Declaration], data: st.DataObject
) -> None:
    """Whatever the forms say one after the other, in any order, each order once or again: none is
    left over."""
    confirmed: Confirmation | None = None
    for form in forms:
        for _ in range(4):
            found = data.draw(st.permutations(of(form, confirmed)))
            for order in [*found, *found[: data.draw(st.integers(0, 2))]]:
                if order.part == "create" and confirmed is not None:
                    continue  # a second time is refused where it is written
                confirmed = confirmed_by(order, confirmed)
        assert confirmed is not None
        assert of(form, confirmed) == []
        assert has(confirmed) == {
            "scopes": set(form.scopes),
            "keys": set(form.jwks or {}),
            "products": form.configurations,
            "name": form.metadata.client_name,
        }
