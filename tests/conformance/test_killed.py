"""``kill -9`` of the engine, its provider or all of it at a request of ``up``, then of ``destroy``,
and Ctrl-C: the next ``acmidm deploy`` ends right.

The proxy kills once the authority has committed the request, and the answer is lost: the worst
moment. What is there then is seen at the authority, and not by our adapter.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from acmidm_onboarding.authorities.errors import PerhapsGone
from acmidm_onboarding.values.declaration import client_name
from tests.conformance.consoles import Seen
from tests.conformance.subjects import OTHER, Subject, Wire
from tests.support.between import ProxiedProject, require_settled
from tests.support.cutting import (
    DEPLOY,
    DESTROY,
    UP,
    Run,
    Victims,
    buried,
    cut_off,
    victims,
    write_state,
)
from tests.support.forms import DOSSIERS, PLAIN, SEND, FormFile, write_form
from tests.support.processes import wait_until_gone

__all__ = ["buried"]

DOZEN = range(1, 13)
PORTAL = victims(
    *product(("engine", "provider"), DOZEN), *product(("everything", "Ctrl-C"), (3, 8))
)
# Keycloak has no ETags, and makes a client in two writes, so that a cut leaves another half: a
# client with ``service_account``. Two clients are made, or removed, in nine requests.
KEYCLOAK = victims(*((("engine", "provider")[request % 2], request) for request in range(1, 10)))
# By RFC 7591 making one client is a registration and nothing else; removing it two reads, then the
# removal.
REGISTRATION = {"up": 1, "destroy": 3}


def cuts(name: str, table: dict[str, Any], *for_each_change: str) -> list[Any]:
    return [
        pytest.param(
            name,
            cut,
            id=f"{name}-{id_}",
            marks=() if id_ in for_each_change else pytest.mark.exhaustive,
        )
        for id_, cut in table.items()
    ]


CUTS = {
    "test_the_next_run_ends_right": [
        *cuts("beheerportaal", PORTAL, "engine-5, state at the end"),
        *cuts("keycloak", KEYCLOAK),
    ],
    "test_what_nobody_can_know_is_reported_and_not_repeated": [
        *cuts("keycloak_registration", REGISTRATION),
        *cuts("rfc7591", REGISTRATION, "up"),
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
            wait_until_gone(run.providers[0], 10)
        # What it does with a person at the screen who types nothing.
        require_recovered(subject, wire, project, forms)


def test_what_nobody_can_know_is_reported_and_not_repeated(
    subject: Subject, wire: Wire, tmp_path: Path, buried: list[Run], cut: int
) -> None:
    """Where clients are not found by their keys: a create of which nobody heard, by each run, until
    a person has looked. Likewise a removal, where the authority does not say that a client is gone.
    All else ends right by itself.

    ``acmidm deploy`` writes the state after each step here, and keeps what the killed run had
    begun.
    """
    project = wire.project(tmp_path / "project")
    form = write_form(project.forms, scopes=(PLAIN,))
    if cut == 1:
        buried.append(cut_off(project, wire.proxy, "everything", cut, *DEPLOY))
    else:
        assert project.recover().code == 0
    [made] = wire.console.clients(form.application)
    if cut == 1:
        for _ in range(2):
            outcome = project.recover()
            assert outcome.code != 0
            assert f"with software_id acmidm/tni/{form.key}" in outcome.output
        assert wire.console.clients(form.application) == [made]
        forget(project, form)
        form.request()["adopt"] = {"acmidm": made.client_id}
        form.organisation["adopts"] = [made.client_id]  # not every authority knows whose it is
        form.save()
    require_recovered(subject, wire, project, [form])
    assert wire.console.clients(form.application)[0].client_id == made.client_id
    if cut == 1:
        return
    buried.append(cut_off(project, wire.proxy, "everything", cut, *DESTROY))
    assert wire.console.clients(form.application) == []
    if not says_gone(subject, made.client_id):
        outcome = project.recover()
        assert outcome.code != 0
        assert (
            f"client {made.client_id} was removed by hand, which this authority tells nobody"
            in outcome.output
        )
        assert wire.console.clients(form.application) == []
        forget(project, form)
    require_recovered(subject, wire, project, [form])


def says_gone(subject: Subject, client_id: str) -> bool:
    try:
        return subject.authority.read(client_id) is None
    except PerhapsGone:
        return False


def forget(project: ProxiedProject, form: FormFile) -> None:
    """What the report says that a person does."""
    urns = [
        found["urn"] for place, found in project.resources().items() if place.endswith(form.key)
    ]
    for urn in reversed(urns):
        project.succeed("state", "delete", "--yes", "--target-dependents", urn)


def require_recovered(
    subject: Subject, wire: Wire, project: ProxiedProject, forms: list[FormFile]
) -> None:
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
                ()
                if "contacts" in getattr(subject.authority, "unkept", ())
                else tuple(form.document["contacts"]),
                form.request()["products"],
            )
        ]
        for form in forms
    }
    require_settled(project, {clients[0].client_id for clients in there.values()})
