"""``kill -9`` of the engine, its provider or all of it at a request of ``up``, then of ``destroy``,
and Ctrl-C: the next ``acmidm deploy`` ends right.

The proxy kills once the authority has committed the request, and the answer is lost: the worst
moment. What is there then is seen at the authority, and not by our adapter.
"""

from __future__ import annotations

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

PORTAL = [
    *(("engine", request, (EACH, END)[request % 2]) for request in range(1, 13)),
    *(("provider", request, END) for request in range(2, 13, 2)),
    ("everything", 3, EACH),
    ("everything", 8, END),
    ("Ctrl-C", 5, END),
]
# Keycloak has no ETags, and makes a client in two writes, so that a cut leaves another half: a
# client with ``service_account``. Two clients are made, or removed, in nine requests.
KEYCLOAK = [
    *(("engine", request, (EACH, END)[request % 4 == 2]) for request in range(2, 10, 2)),
    *(("provider", request, END) for request in range(1, 10, 2)),
]


def cuts(name: str, table: list[Victims], *for_each_change: str) -> list[Any]:
    ids = {"{}-{}, state {}".format(*cut): cut for cut in table}
    return [
        pytest.param(
            name,
            cut,
            id=f"{name}-{id_}",
            marks=() if id_ in for_each_change else pytest.mark.exhaustive,
        )
        for id_, cut in ids.items()
    ]


CUTS = {
    "test_the_next_run_ends_right": [
        *cuts("beheerportaal", PORTAL, "engine-5, state at the end"),
        *cuts("keycloak", KEYCLOAK),
    ],
}
"""Per test its authorities, and where each is cut off."""


def test_the_next_run_ends_right(
    subject: Subject, wire: Wire, tmp_path: Path, buried: list[Run], cut: Victims
) -> None:
    """With one client per form, and nothing else; it needs nobody.

    An engine's provider ends with it, and nobody else ends that: a delete that is being retried
    would undo what the next run makes.
    """
    victim, request_number, when = cut
    project = wire.project(tmp_path / "project")
    write_state(project, when)
    scopes = ((SEND, PLAIN), (DOSSIERS,)) if subject.products else ((PLAIN, OTHER), (PLAIN,))
    forms = [
        write_form(project.forms, "gent/een", scopes=scopes[0], keys=("key-1", "key-2")),
        write_form(project.forms, "gent/twee", scopes=scopes[1]),
    ]
    for words in (UP, DESTROY):
        run = cut_off(project, wire.proxy, victim, request_number, *words)
        buried.append(run)
        if victim == "engine":
            assert len(run.providers) == 1
            wait_until_gone(run.providers[0], COMMAND_SECONDS)
        # What it does with a person at the screen who types nothing.
        require_recovered(wire, project, forms)


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
