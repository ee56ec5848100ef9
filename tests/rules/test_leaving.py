"""Which step a connection that leaves is at, by its day and by what the state has of it."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

import pytest

from acmidm_onboarding.recorded import recorded_in
from acmidm_onboarding.rules.retirement import declared_now, last_step
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.keys import Key
from tests.support.changed import changed
from tests.support.declared_connection import CONNECTION

DAY = date(2027, 3, 31)
NAME = CONNECTION.resource_name
SCOPES, PRODUCTS = frozenset(CONNECTION.scopes), frozenset(CONNECTION.products)
WHOLE = dataclasses.replace(CONNECTION.in_stack(protect=True), client_id="8abae908")
UNPROTECTED = changed(WHOLE, protected=frozenset())
LEAVING = PRODUCTS | {CONNECTION.platform.value}
READY = changed(UNPROTECTED, scopes={}, parts=LEAVING)


def retired(**changes: Any) -> Declaration:
    return changed(CONNECTION, retire={"acmidm": DAY.isoformat()}, **changes)


def step(
    connection: Declaration,
    held: Client | None,
    day: date = DAY,
    *,
    there: Client | None = None,
) -> str:
    """What a run on a day declares of it; the authority has ``there``."""
    at_authorities = {} if there is None else {NAME: there}
    found = declared_now(
        [connection], lambda: {} if held is None else {NAME: held}, day, at_authorities
    )
    if not found:
        return "nothing"
    (now,) = found
    return (
        "as it is"
        if now == connection
        else "without scopes"
        if not now.scopes
        else "with its scopes"
    )


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (None, "nothing"),
        (WHOLE, "without scopes"),
        (UNPROTECTED, "without scopes"),
        (changed(READY, protected=frozenset({"acmidm"})), "without scopes"),
        (changed(READY, parts=PRODUCTS), "without scopes"),
        (changed(READY, parts=LEAVING - {"dosis"}), "without scopes"),
        (changed(READY, protected=PRODUCTS), "without scopes"),
        (READY, "nothing"),
    ],
)
def test_nothing_is_left_out(held: Client | None, expected: str) -> None:
    """The last step comes once scopes and protection are gone and the state says that all of it
    leaves; a run that was cut off in
    the first one does that again."""
    assert step(retired(), held) == expected
    assert bool(last_step([retired()], {} if held is None else {NAME: held}, DAY)) is (
        expected == "nothing" and held is not None
    )


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (None, "nothing"),
        (WHOLE, "with its scopes"),
        (UNPROTECTED, "with its scopes"),
        (READY, "with its scopes"),
    ],
)
def test_what_is_kept_goes_only_once_the_state_says_that_it_is_let_go(
    held: Client | None, expected: str
) -> None:
    kept = retired(keep=True)
    assert step(kept, held) == expected
    assert step(kept, changed(UNPROTECTED, is_let_go=True, parts=LEAVING)) == "nothing"
    assert step(kept, changed(WHOLE, is_let_go=True)) == "with its scopes", (
        "the protection is lifted first"
    )


LOST = dataclasses.replace(WHOLE, client_id=None)
FOUND = changed(UNPROTECTED, parts=frozenset())


@pytest.mark.parametrize("held", [None, LOST])
@pytest.mark.parametrize("there", [FOUND, dataclasses.replace(FOUND, scopes={})])
@pytest.mark.parametrize(
    ("keep", "expected"), [(False, "without scopes"), (True, "with its scopes")]
)
def test_what_the_state_has_lost_is_recorded_first(
    held: Client | None, there: Client, keep: bool, expected: str
) -> None:
    """The engine removes what its state has: also a client that has no scopes any more."""
    assert step(retired(keep=keep), held, there=there) == expected
    assert step(retired(keep=keep), held) == "nothing"


def test_the_state_says_more_than_the_authority() -> None:
    assert step(retired(), READY, there=WHOLE) == "nothing"


def test_a_product_that_the_state_has_lost_is_recorded_first() -> None:
    leaving = changed(
        CONNECTION,
        retire={"dosis": DAY.isoformat()},
        product_scopes={"dosis": frozenset(CONNECTION.scopes)},
    )
    (now,) = declared_now([leaving], dict, DAY, {NAME: FOUND})
    assert ("dosis" in now.products, now.is_leaving("dosis"), now.scopes) == (True, True, {})
    (now,) = declared_now([leaving], lambda: {NAME: READY}, DAY, {NAME: READY})
    assert "dosis" not in now.products


def test_a_client_that_is_kept_no_more_is_removed_and_not_let_go() -> None:
    """The first run takes from the state what says that it is let go, by which its resource would
    only lose our marks."""
    let_go = changed(READY, is_let_go=True, scopes={})
    assert step(retired(), let_go) == "without scopes"
    assert step(retired(), changed(let_go, is_let_go=False)) == "nothing"


def test_a_client_is_not_let_go_with_a_compromised_key() -> None:
    """One that was marked after the first run, or whose removal failed in it; what the state has of
    keys in a portal says nothing."""
    ready = changed(
        UNPROTECTED, is_let_go=True, parts=LEAVING, keys={"a": Key("stolen"), "b": Key("good")}
    )
    kept = retired(keep=True, compromised=frozenset({"stolen"}))
    assert step(kept, ready) == "with its scopes"
    for keys in ({"b": Key("good")}, None):
        assert step(kept, changed(ready, keys=keys)) == "nothing"


def test_before_its_day_no_state_is_read() -> None:
    def read() -> dict[str, Client]:
        pytest.fail("the state was read")

    for connection in (retired(), retired(keep=True), CONNECTION):
        assert declared_now([connection], read, date(2027, 3, 30)) == [connection]


def test_a_product_goes_once_its_scopes_and_its_protection_are_gone() -> None:
    product = next(iter(PRODUCTS))
    connection = changed(
        CONNECTION, retire={product: DAY.isoformat()}, product_scopes={product: SCOPES}
    )

    def now(held: Client | None) -> tuple[bool, bool, bool]:
        (found,) = declared_now([connection], lambda: {} if held is None else {NAME: held}, DAY)
        return product in found.products, found.is_leaving(product), bool(found.scopes)

    assert (
        now(WHOLE)
        == now(UNPROTECTED)
        == now(changed(READY, protected=PRODUCTS))
        == now(changed(READY, parts=frozenset()))
        == (True, True, False)
    )
    assert now(READY) == now(None) == (False, False, False)
    assert now(changed(WHOLE, products={}, protected=frozenset({"acmidm"}))) == (
        False,
        False,
        False,
    )


def test_a_client_is_known_by_its_earlier_name() -> None:
    """A form that renames it and retires it at once loses nothing of it."""
    renamed = retired(formerly=("OVO000001/vroeger",))
    held = {"OVO000001/vroeger": WHOLE}
    assert len(declared_now([renamed], lambda: held, DAY)) == 1
    assert declared_now([renamed], lambda: {"OVO000001/vroeger": READY}, DAY) == []


@pytest.mark.parametrize(
    "part", ["OAuthClient", "ClientScopes", "ClientJwks", "ProductConfiguration"]
)
def test_a_state_of_a_run_that_was_cut_off_midway(part: str) -> None:
    """One part that is protected still, or that does not say that it is let go, keeps the client at
    its first step."""
    kinds = ("OAuthClient", "ClientScopes", "ClientJwks", "ProductConfiguration")

    def held(*, keep: bool = True, **of_part: bool) -> Client:
        resources = [
            {
                "urn": f"urn:pulumi:tni::acmidm::x$pulumi-python:dynamic/acmidm:{kind}::OVO1/a"
                + ("/dosis" if kind == kinds[-1] else ""),
                "type": f"pulumi-python:dynamic/acmidm:{kind}",
                "inputs": {
                    **({"product": "dosis"} if kind == kinds[-1] else {}),
                    **({"keep": True} if keep or kind != part else {}),
                },
                **(of_part if kind == part else {}),
            }
            for kind in kinds
        ]
        return recorded_in({"deployment": {"resources": resources}}).parts["OVO1/a"]

    protected = held(protect=True)
    assert protected.leaving.protected
    assert held().leaving.is_let_go
    assert held().leaving.parts == {"acmidm", "dosis"}
    is_product = part == "ProductConfiguration"
    assert held(keep=False).leaving.parts == ({"acmidm"} if is_product else {"dosis"})
    assert held(keep=False).leaving.is_let_go is (part in ("ClientScopes", "ClientJwks")), (
        "of these nothing is removed at an authority"
    )
