"""What only an authority without an API adds to a plan."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from acmidm.report.plan import Plan
from acmidm.report.planned import _ordered
from acmidm_onboarding.rules.orders import Act, Order
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.texts import Language
from tests.support.samples import client


@pytest.mark.parametrize("act", Act)
def test_each_order_is_named_whatever_there_is_to_do(act: Act) -> None:
    """With the product or the supplier that it is about, also to whoever carries it out."""
    key = client().client_key
    order = Order(key, "OVO002067/loket", "products/dosis", act, {}, revoked={"t": "leverancier"})
    nothing: dict[str, Any] = {"unconfirmed": (), "corrected": ()}
    forms = SimpleNamespace(by_hand=True, by_client_key={})
    stack = SimpleNamespace(**nothing, forms=forms, orders=[order])
    [(_, change)] = _ordered(cast(Stack, stack), cast(Plan, None))
    assert change.note == order.title(Language.EN)
    for language in Language:
        assert "{" not in order.title(language)
    assert ("leverancier" in order.title(Language.NL)) == (act is Act.REMOVE_SUPPLIERS_KEY)
