"""``kill -9`` of the engine or its provider at a request of ``up``, then of ``destroy``, and Ctrl-C
in ``destroy``: the next ``acmidm deploy`` ends right.

The proxy kills once the authority has committed the request, and the answer is lost: the worst
moment. What is there then is seen at the authority, and not by our adapter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from acmidm_onboarding.values.declaration import client_name
from tests.conformance.consoles import Seen
from tests.conformance.subjects import OTHER, Subject, Wire
from tests.support.between import ProxiedProject, require_settled
from tests.support.cutting import (
    CHECKPOINTS,
    DESTROY,
    UP,
    Run,
    TooFewRequests,
    Victims,
    buried,
    cut_off,
    write_state,
)
from tests.support.engine import COMMAND_SECONDS
from tests.support.forms import DOSSIERS, PLAIN, SEND, FormFile, write_form
from tests.support.processes import wait_until_gone

__all__ = ["buried"]

pytestmark = pytest.mark.tool

EACH, END = CHECKPOINTS
"""When the state is written. It matters where the engine dies: one that lives, or ends in good
order, writes down at the end what it knows."""

# Two clients are made, and removed, side by side, in twelve requests: some of what is in them, all
# but the last. What is in a client is cut off at each of its documents by
# tests/end_to_end/faults/test_killed.py, with each victim and at both times of writing; so is each
# deployment there by Ctrl-C.
PORTAL = [("engine", 11, EACH), ("provider", 6, END)]
OTHERS = [(("provider", "engine")[request % 2], request, EACH) for request in range(1, 13)]
"""Of an authority of somebody else's, of which nobody knows how many requests a command makes."""
TABLES: Mapping[str, list[Victims]] = {
    "beheerportaal": PORTAL,
    "keycloak": [("engine", 5, EACH)],
    "by_hand": [],  # nothing is sent
}
"""Where ``up`` is cut off on each authority, and then ``destroy``."""
# Keycloak has no ETags, and makes a client in two writes, so that a cut leaves another half: a
# client with ``service_account``. Two clients are made, or removed, in nine requests.
UP_ALONE: Mapping[str, Victims] = {
    "beheerportaal": ("engine", 5, END),
    "keycloak": ("engine", 2, END),
}
DESTROY_ALONE: Mapping[str, Victims] = {"beheerportaal": ("Ctrl-C", 5, END)}
AT_EACH_CHANGE = "beheerportaal"


def cuts_of(name: str) -> Iterator[Any]:
    """Yield where a run on an authority is cut off, as cases of a test."""
    for cut in TABLES.get(name, OTHERS):
        marks = pytest.mark.exhaustive if name in TABLES else ()
        yield pytest.param(name, cut, (UP, DESTROY), id=_id(name, cut), marks=marks)
    if name in UP_ALONE:
        cut = UP_ALONE[name]
        marks = () if name == AT_EACH_CHANGE else pytest.mark.exhaustive
        yield pytest.param(name, cut, (UP,), id=f"{_id(name, cut)}, up alone", marks=marks)
    if name in DESTROY_ALONE:
        cut = DESTROY_ALONE[name]
        named = f"{_id(name, cut)}, destroy alone"
        yield pytest.param(name, cut, (DESTROY,), id=named, marks=pytest.mark.exhaustive)


def _id(name: str, cut: Victims) -> str:
    return "{}-{}-{}, state {}".format(name, *cut)


def test_the_next_run_ends_right(
    name: str,
    subject: Subject,
    wire: Wire,
    tmp_path: Path,
    buried: list[Run],
    cut: Victims,
    commands: Sequence[Sequence[str]],
) -> None:
    """With one client per form, and nothing else; it needs nobody.

    An engine's provider ends with it, and nobody else ends that: a delete that is being retried
    would undo what the next run makes.
    """
    victim, _, when = cut
    project = wire.project(tmp_path / "project")
    write_state(project, when)
    scopes = ((SEND, PLAIN), (DOSSIERS,)) if subject.products else ((PLAIN, OTHER), (PLAIN,))
    forms = [
        write_form(project.forms, "gent/een", scopes=scopes[0], keys=("key-1", "key-2")),
        write_form(project.forms, "gent/twee", scopes=scopes[1]),
    ]
    try:
        if UP not in commands:
            require_recovered(wire, project, forms)
        for words in commands:
            run = cut_where_possible(name, project, wire, cut, *words)
            if run is None:
                break
            buried.append(run)
            if victim == "engine":
                assert len(run.providers) == 1
                wait_until_gone(run.providers[0], COMMAND_SECONDS)
            elif victim == "Ctrl-C":
                assert project.resources(), "it removes nothing more"
            # What it does with a person at the screen who types nothing.
            require_recovered(wire, project, forms)
        if not buried:
            pytest.skip("no command makes that many requests there")
    finally:
        there = [wire.console.clients(form.application) for form in forms]
        subject.made += [one.client_id for clients in there for one in clients]


def cut_where_possible(
    name: str, project: ProxiedProject, wire: Wire, cut: Victims, *words: str
) -> Run | None:
    """Return a run that was cut off; None where one at somebody else's authority ended before."""
    victim, request_number, _ = cut
    try:
        return cut_off(project, wire.proxy, victim, request_number, *words)
    except TooFewRequests:
        if name in TABLES:
            raise
        return None


def require_recovered(wire: Wire, project: ProxiedProject, forms: list[FormFile]) -> None:
    """Bring all up: per form exactly one client, with what the form asks for and nothing else; the
    state knows these alone."""
    outcome = project.recover()
    assert outcome.code == 0, outcome.output
    assert "pending operations" not in outcome.output
    there = {form.key: wire.console.clients(form.application) for form in forms}
    assert there == {
        form.key: [
            Seen(
                there[form.key][0].client_id,
                client_name(form.organisation["name"], form.application),
                "private_key_jwt",
                frozenset(form.request()["scopes"]),
                frozenset(form.keys),
                tuple(form.document["contacts"]),
                form.request()["products"],
            )
        ]
        for form in forms
    }
    require_settled(project, {clients[0].client_id for clients in there.values()})
