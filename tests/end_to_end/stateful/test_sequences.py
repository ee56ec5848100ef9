"""Any sequence of what can happen to connections, at two speeds; and given ones at both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.stateful.machine import begun, run
from tests.end_to_end.stateful.model import CLIENT, Outage, Owned
from tests.end_to_end.stateful.seen import seen
from tests.end_to_end.stateful.speeds import Engine, InProcess, Speed
from tests.end_to_end.stateful.stand_in import Cut
from tests.end_to_end.stateful.world import World
from tests.support.portal import RunningPortal

WRONG_ADDRESS = Outage("wrong address", frozenset({"management", "products"}))
NO_PRODUCTS = Outage("down", frozenset({"products"}))
LOST = Cut("lost answer", 1)  # the first write, for the engine does others side by side

ONE: list[tuple[Any, ...]] = [
    ("new_form", "gent", "loket"),
    ("toggle_product", 0, "dosis"),
    ("up",),
]

SEQUENCES: dict[str, list[tuple[Any, ...]]] = {
    "by hand, heal, formerly": [
        ("new_form", "gent", "loket"),
        ("toggle_product", 0, "dosis"),
        ("up",),
        ("grant_by_hand", 0),
        ("toggle_scope", 0),
        ("contact_by_hand", 0),
        ("heal",),
        ("up", True),
        ("product_by_hand", 0, "dosis", "10246"),
        ("another_code", "gent", True),
        ("up",),
        ("up",),
    ],
    "protection, outages, removal": [
        ("toggle_protection",),
        ("new_form", "gent", "loket"),
        ("toggle_product", 0, "notificaties"),
        ("up_cut_off", LOST, False),
        ("new_form", "aalst", "balie"),
        ("up", True),
        ("another_code", "gent", False),
        ("up", False, NO_PRODUCTS),
        ("toggle_protection",),
        ("up", False, WRONG_ADDRESS),
        ("heal", WRONG_ADDRESS),
        ("up",),
        ("remove_form", 0),
        ("up", False, NO_PRODUCTS),
        ("drift",),
        ("up",),
    ],
    "adopt, rename, a client that somebody removed": [
        ("make_by_hand", "loket"),
        ("adopt", "gent", "loket", 0),
        ("toggle_product", 0, "dosis"),
        ("up",),
        ("another_application", 0, "balie", True),
        ("rename_file", 0),
        ("up",),
        ("stop_adopting",),
        ("forget_formerly",),
        ("new_form", "aalst", "loket"),
        ("up",),
        ("remove_client_by_hand", 0),
        ("heal",),
        ("key_by_hand", 0),
        ("drift",),
        ("up", True),
    ],
    "replaced, tainted, renamed, deleted in the state": [
        *ONE,
        ("up_replacing", 0, "client"),
        ("up_replacing", 0, "dosis", True),
        ("taint", 0, "client"),
        ("change_contact", 0),
        ("preview", False),
        ("up_cut_off", LOST, False),
        ("refresh",),
        ("up",),
        ("rename_in_state", 0),
        ("preview", False),
        ("up",),
        ("delete_in_state", 0, "dosis"),
        ("up",),
        ("delete_in_state", 0, "client"),
        ("another_code", "gent", True),
        ("up",),
        ("delete_in_state", 0, "client"),
        ("remove_form", 0),
        ("up",),
        ("drift",),
    ],
    "below another component": [
        *ONE,
        ("toggle_below",),
        ("preview", False),
        ("up", False, NO_PRODUCTS),
        ("up",),
        ("grant_by_hand", 0),
        ("toggle_below",),
        ("heal",),
        ("up", True),
        ("drift",),
    ],
    "options of the program": [
        *ONE,
        ("toggle_replace_on_changes",),
        ("change_contact", 0),
        ("preview", False),
        ("up",),
        ("toggle_delete_before_replace",),
        ("change_product", 0),
        ("preview", False),
        ("up",),
        ("taint", 0, "client"),
        ("preview", False),
        ("up",),
        ("drift",),
    ],
}
"""What the stand-in does as the engine: each of its commands, options and ways to fail."""

OF_THE_WORLD: dict[str, list[tuple[Any, ...]]] = {
    "protected": [
        *ONE,
        ("toggle_protection",),
        ("up",),
        ("up_replacing", 0, "client"),
        ("taint", 0, "dosis"),
        ("preview", False),
        ("up",),
        ("toggle_protection",),
        ("up",),
    ],
    "nobody's": [
        *ONE,
        ("empty_owner", 0, "client"),
        ("empty_owner", 0, "dosis"),
        ("drift",),
        ("heal",),
        ("empty_owner", 0, "client"),
        ("preview", True),
        ("up", True),
        ("empty_owner", 0, "client"),
        ("remove_form", 0),
        ("up",),
        ("drift",),
    ],
    "another client is taken over": [
        *ONE,
        ("make_by_hand", "balie"),
        ("remove_form", 0),
        ("adopt", "gent", "loket", 0),
        ("drift",),
        ("up",),
        ("grant_by_hand", 1),
        ("heal",),
        ("stop_adopting",),
        ("heal",),
        ("adopt", "gent", "balie", 0),
        ("up",),
        ("drift",),
    ],
    "its own client is taken over": [
        *ONE,
        ("remove_form", 0),
        ("adopt", "gent", "loket", 0),
        ("drift",),
        ("up",),
        ("grant_by_hand", 0),
        ("heal",),
    ],
    "an earlier state": [
        *ONE,
        ("save_state",),
        ("toggle_product", 0, "notificaties"),
        ("taint", 0, "client"),
        ("up",),
        ("restore_state",),
        ("preview", True),
        ("up", True),
        ("restore_state",),
        ("heal",),
        ("up",),
        ("remove_form", 0),
        ("up",),
        ("drift",),
    ],
    "a lost state": [
        *ONE,
        ("toggle_product", 0, "notificaties"),
        ("up",),
        ("lose_state",),
        ("grant_by_hand", 0),
        ("drift",),
        ("up",),
        ("drift",),
        ("lose_state",),
        ("another_application", 0, "balie", True),
        ("up",),
        ("lose_state",),
        ("remove_form", 0),
        ("up",),
        ("drift",),
    ],
    "another stack's": [
        *ONE,
        ("owner_elsewhere", 0, "client"),
        ("drift",),
        ("heal",),
        ("owner_elsewhere", 0, "dosis"),
        ("change_product", 0),
        ("up",),
        ("owner_elsewhere", 0, "client"),
        ("lose_state",),
        ("up",),
        ("drift",),
        ("remove_form", 0),
        ("up",),
        ("drift",),
    ],
}


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)  # s; a busy machine takes long over it
def test_any_sequence(portal: RunningPortal, tmp_path: Path) -> None:
    """Always the same sequences; RANDOM in the environment makes them others, EXAMPLES and STEPS
    more, and SHRINK shorter."""
    run(portal, tmp_path, InProcess, examples=6, steps=40)


@pytest.mark.exhaustive
@pytest.mark.parametrize("steps", OF_THE_WORLD.values(), ids=OF_THE_WORLD)
def test_the_world_expects_how_it_ends(
    portal: RunningPortal, tmp_path: Path, steps: list[tuple[Any, ...]]
) -> None:
    end_after(steps, portal, tmp_path, InProcess)


@pytest.mark.exhaustive
@pytest.mark.parametrize("steps", SEQUENCES.values(), ids=SEQUENCES)
def test_both_speeds_end_the_same(
    portal: RunningPortal, tmp_path: Path, steps: list[tuple[Any, ...]]
) -> None:
    in_process, with_engine = (
        end_after(steps, portal, tmp_path, speed) for speed in (InProcess, Engine)
    )
    assert in_process == with_engine


def end_after(
    steps: list[tuple[Any, ...]], portal: RunningPortal, folder: Path, speed: type[Speed]
) -> tuple[Any, Any]:
    """Do these steps at a speed, where the world looks after each whether all is as it expects."""
    with begun(portal, folder / speed.__name__, speed) as begin:
        world = begin()
        for name, *values in steps:
            assert getattr(world, name)(*values), f"{name} does nothing here"
        return end_of(world)


def end_of(world: World) -> tuple[Any, Any]:
    """What is recorded and what is real, with clients by their owners instead of their IDs, and
    marks by whether they are real.

    Both are made at random.
    """
    there = seen(world.speed.export(), world.registry)
    names = {
        client_id: value.owner
        for (client_id, part), value in there.real.items()
        if part == CLIENT and isinstance(value, Owned)
    }
    bear = {
        place: known.mark == there.marks.get((known.client_id, place[1]))
        for place, known in there.recorded.items()
    }
    recorded = {
        place: known._replace(
            client_id=str(names.get(known.client_id)),
            mark=str(bear[place]),
            other=known.other and (known.other[0], None),
        )
        for place, known in there.recorded.items()
    }
    return recorded, {
        (names.get(client_id), part): value for (client_id, part), value in there.real.items()
    }
