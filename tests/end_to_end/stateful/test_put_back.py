"""Faults that were found before are put back in turn, and the world of the sequences finds each, in
this process, by a short one. Without the fault nothing is found in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

from acmidm.report.three_views import ClientDrift
from acmidm_onboarding import onboarding, recorded
from acmidm_onboarding.authorities import products
from acmidm_onboarding.authorities.http import collection
from acmidm_onboarding.resources import ownership
from acmidm_onboarding.stack import state
from acmidm_onboarding.values.metadata import Owner
from tests.end_to_end.stateful.machine import begun
from tests.end_to_end.stateful.model import Outage
from tests.end_to_end.stateful.speeds import InProcess
from tests.end_to_end.stateful.stand_in import STACK, Cut
from tests.support.portal import RunningPortal

Patch = pytest.MonkeyPatch


def any_404_is_gone(patch: Patch) -> None:
    """2: a wrong address answers 404 to everything, and that counted as removed."""
    patch.setattr(collection.AddressCheck, "require", lambda _: None)


def heal_applies_what_waits(patch: Patch) -> None:
    """4: ``drift --heal`` granted a scope that only waited in a form."""
    patch.setattr(ClientDrift, "not_healed", frozenset())


def one_failed_create_is_everybodys(patch: Patch) -> None:
    """6: the output of a connection that failed is the engine's marker of what is not known, and
    the commands read the outputs."""

    def outputs(connections: Mapping[str, Mapping[str, Any]]) -> Any:
        if all("client_id" in platform for platform in connections.values()):
            return known(connections)  # those of a component
        return {
            key: {name: pulumi.Output.all(**one) for name, one in platforms.items()}
            for key, platforms in connections.items()
        }

    def looked_at(document: Mapping[str, Any], *more: Any) -> recorded.Recorded:
        for one in document["deployment"].get("resources") or []:
            for platforms in (
                one["outputs"].get("connections", {}).values() if one["type"] == STACK else ()
            ):
                assert all(client["client_id"] for client in platforms.values())
        return recorded_in(document, *more)

    recorded_in = recorded.recorded_in
    known = onboarding.without_unknown
    patch.setattr(onboarding, "without_unknown", outputs)
    patch.setattr(state, "recorded_in", looked_at)


def what_is_by_hand_is_overwritten(patch: Patch) -> None:
    """8: a product's configuration that somebody made by hand was overwritten, unseen."""
    patch.setattr(products, "_require_free", lambda *_: None)


def a_delete_compares_key_and_stack_alone(patch: Patch) -> None:
    """A1: what was replaced removed the client that its successor had taken over."""
    patch.setattr(Owner, "is_resource_of", Owner.is_connection_of)


def a_read_copies_the_owner(patch: Patch) -> None:
    """A2: a client whose key and stack somebody emptied was another one, and was replaced."""

    def compared(_: Mapping[str, Any], found: Owner) -> dict[str, Any]:
        return {
            name: value
            for name in ("software_id", "managed_by")
            if (value := getattr(found, name)) is not None
        }

    patch.setattr(ownership, "compared", compared)


ONE: list[tuple[Any, ...]] = [
    ("new_form", "gent", "loket"),
    ("toggle_product", 0, "dosis"),
    ("up",),
]
FOUND: dict[Callable[[Patch], None], tuple[str, list[tuple[Any, ...]]]] = {
    any_404_is_gone: (
        "expected",
        [*ONE, ("up", True, Outage("wrong address", frozenset({"management", "products"})))],
    ),
    heal_applies_what_waits: (
        "it repairs",
        [*ONE, ("grant_by_hand", 0), ("toggle_scope", 0), ("heal",)],
    ),
    one_failed_create_is_everybodys: (
        "string indices",
        [
            *ONE,
            ("new_form", "aalst", "balie"),
            ("up", False, Outage("down", frozenset({"management"}))),
            ("drift",),
        ],
    ),
    what_is_by_hand_is_overwritten: (
        "expected",
        [
            ("new_form", "gent", "loket"),
            ("up",),
            ("product_by_hand", 0, "dosis", "10246"),
            ("toggle_product", 0, "dosis"),
            ("up",),
        ],
    ),
    a_delete_compares_key_and_stack_alone: (
        "loses its client|found None",
        [*ONE, ("taint", 0, "client"), ("up_cut_off", Cut("lost answer", 1), False), ("up",)],
    ),
    a_read_copies_the_owner: (
        "loses its client",
        [*ONE, ("empty_owner", 0, "client"), ("up", True)],
    ),
}
"""Per fault what the world says of it, and after which steps."""


@pytest.mark.exhaustive
@pytest.mark.parametrize("put_back", FOUND, ids=lambda fault: fault.__name__)
def test_what_is_put_back_is_found(
    portal: RunningPortal, tmp_path: Path, monkeypatch: Patch, put_back: Callable[[Patch], None]
) -> None:
    sign, steps = FOUND[put_back]
    done(portal, tmp_path / "well", steps)
    put_back(monkeypatch)
    with pytest.raises((AssertionError, TypeError), match=sign):
        done(portal, tmp_path / "put-back", steps)


def done(portal: RunningPortal, folder: Path, steps: list[tuple[Any, ...]]) -> None:
    with begun(portal, folder, InProcess) as begin:
        world = begin()
        for name, *values in steps:
            assert getattr(world, name)(*values), f"{name} does nothing here"
