"""Any sequence of what can happen to connections, at two speeds; and given ones at both."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.stateful.machine import begun, run
from tests.stateful.model import CLIENT, Outage, Owned
from tests.stateful.seen import seen
from tests.stateful.speeds import Cut, Engine, InProcess
from tests.stateful.world import World
from tests.support.engine import ROOT
from tests.support.portal import RunningPortal

WRONG_ADDRESS = Outage("wrong address", frozenset({"management", "products"}))
NO_PRODUCTS = Outage("down", frozenset({"products"}))
LOST = Cut("lost answer", 1)  # the first write, for the engine does others side by side

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
        ("remove_client_by_hand", 0),
        ("heal",),
        ("key_by_hand", 0),
        ("drift",),
        ("up", True),
    ],
}


def test_some_sequences() -> None:
    """In a process of its own: one with a browser has an event loop, which the program's would meet."""
    words = ["-p", "no:xdist", "-p", "no:cacheprovider", "-m", "exhaustive", "-q", "-s", f"{__file__}::test_any_sequence"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=ROOT,
        env={**os.environ, "EXAMPLES": "3", "STEPS": "25"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)  # s; a busy machine takes long over it
def test_any_sequence(portal: RunningPortal, tmp_path: Path) -> None:
    """Always the same sequences; RANDOM in the environment makes them others, EXAMPLES and STEPS more, and SHRINK shorter."""
    run(portal, tmp_path, InProcess, examples=40, steps=40)


@pytest.mark.exhaustive
def test_any_sequence_with_the_engine(portal: RunningPortal, tmp_path: Path) -> None:
    run(portal, tmp_path, Engine, examples=4, steps=10)


@pytest.mark.exhaustive
@pytest.mark.parametrize("steps", SEQUENCES.values(), ids=SEQUENCES)
def test_both_speeds_end_the_same(portal: RunningPortal, tmp_path: Path, steps: list[tuple[Any, ...]]) -> None:
    ends = []
    for speed in (InProcess, Engine):
        with begun(portal, tmp_path / speed.__name__, speed) as begin:
            world = begin()
            for name, *values in steps:
                assert getattr(world, name)(*values), f"{name} does nothing here"
            ends.append(end_of(world))
    assert ends[0] == ends[1]


def end_of(world: World) -> tuple[Any, Any]:
    """What is recorded and what is real, with clients by their owners instead of their IDs, which are made at random."""
    there = seen(world.speed.export(), world.registry)
    names = {client_id: value.owner for (client_id, part), value in there.real.items() if part == CLIENT and isinstance(value, Owned)}
    recorded = {place: known._replace(client_id=str(names.get(known.client_id))) for place, known in there.recorded.items()}
    return recorded, {(names.get(client_id), part): value for (client_id, part), value in there.real.items()}
