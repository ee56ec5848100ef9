"""What a confirmation says once an order is carried out or refused: what that order said, and
nothing else."""

from __future__ import annotations

from datetime import timedelta

from acmidm_onboarding.rules.confirming import carried_out, refused
from acmidm_onboarding.rules.orders import Act, Order, Rules, orders, removals
from acmidm_onboarding.values.confirmation import Attestation
from tests.support.confirmed import BY, CLIENT_ID, NOW, as_wanted, confirmed_by, saying, wanted

FORM = wanted("dv_magda", products={"dosis": {"bron_uri": "urn://a"}})
CONFIRMED = as_wanted(FORM)
LATER = Attestation(by="later@vlaanderen.example", at=NOW + timedelta(hours=1))


def ordered(*scopes: str, **how: object) -> Order:
    form = wanted(*scopes, products=FORM.configurations, **how)  # type: ignore[arg-type]
    (order,) = orders(form.client_key, form, CONFIRMED, None, Rules(NOW))
    return order


def test_a_create_brings_the_client_and_nothing_that_nobody_has_done() -> None:
    """Its keys are not known yet, nor is any product; who refused something else stays refused."""
    (order,) = orders(FORM.client_key, FORM, None, None, Rules(NOW))
    assert order.act is Act.CREATE
    found = carried_out(order, refused(ordered("dv_kbo"), None, "no", BY), BY, client_id=CLIENT_ID)
    assert (found.client_id, found.keys, found.products, set(found.scopes)) == (
        CLIENT_ID,
        None,
        {},
        {"dv_magda"},
    )
    assert set(found.confirmed) == {"client", "scopes"}
    assert set(found.refused) == {"scopes"}


def test_a_client_that_is_made_again_has_nothing_of_the_one_that_went() -> None:
    (order,) = orders(FORM.client_key, FORM, None, None, Rules(NOW))
    gone = saying(CONFIRMED, removed=BY)
    found = carried_out(order, gone.content, LATER, client_id="another")
    assert (found.client_id, found.removed, found.keys, found.products) == (
        "another",
        None,
        None,
        {},
    )
    assert {one.by for one in found.confirmed.values()} == {LATER.by}


def test_a_part_changes_alone_and_says_who() -> None:
    """The other parts stay as somebody else confirmed them."""
    found = carried_out(ordered("dv_kbo"), CONFIRMED.content, LATER)
    assert set(found.scopes) == {"dv_kbo"}
    assert {part for part, one in found.confirmed.items() if one == LATER} == {"scopes"}
    before, after = CONFIRMED.content.model_dump(), found.model_dump()
    assert {name for name in after if after[name] != before[name]} == {"scopes", "confirmed"}


def test_carrying_out_ends_a_refusal() -> None:
    order = ordered("dv_kbo")
    found = carried_out(order, refused(order, CONFIRMED.content, "no", BY), LATER)
    assert found.refused == {}


def test_a_product_that_is_taken_away() -> None:
    form = wanted("dv_magda")
    (order,) = orders(form.client_key, form, CONFIRMED, None, Rules(NOW))
    assert carried_out(order, CONFIRMED.content, LATER).products == {}


def test_a_removal_keeps_what_there_was() -> None:
    """So that whoever reads the file knows which client went."""
    (order,) = removals({FORM.client_key: CONFIRMED})
    assert order.act is not Act.CREATE
    found = carried_out(order, CONFIRMED.content, LATER)
    assert found.removed == LATER
    assert found.model_copy(update={"removed": None}) == CONFIRMED.content
    assert not confirmed_by(order, CONFIRMED).is_there


def test_a_refusal_changes_nothing_else() -> None:
    order = ordered("dv_kbo")
    found = refused(order, CONFIRMED.content, "no mandate", LATER)
    assert found.refused["scopes"].digest == order.full_digest
    assert found.model_copy(update={"refused": {}}) == CONFIRMED.content
