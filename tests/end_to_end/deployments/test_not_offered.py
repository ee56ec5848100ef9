"""A product that the catalogue has and the authority does not offer: it fails in one connection,
and holds nobody else up. Such a scope: see test_one_trouble.py and test_failed_connections.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.engine import Project
from tests.support.forms import DOSSIERS, PLAIN, SEND, write_form
from tests.support.offered import offered
from tests.support.portal import RunningPortal, client_document, running_portal
from tests.support.registry import Registry

pytestmark = pytest.mark.exhaustive


@pytest.fixture(params=["tni"])
def lacking(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RunningPortal]:
    settings = offered()
    del settings["products"]["dosis"]
    folder = tmp_path / "portal"
    with running_portal(folder, environment=request.param, **settings) as portal:
        yield portal


@pytest.fixture
def registry(lacking: RunningPortal) -> Iterator[Registry]:
    with lacking.operator() as http:
        yield Registry(http)


def test_others_are_reviewed_approved_and_compared(
    lacking: RunningPortal, registry: Registry, tmp_path: Path
) -> None:
    """Of the one that cannot be read nothing is approved, and its product alone is not compared:
    that is said, with code 3."""
    project = Project(tmp_path / "project")
    project.connect(lacking)
    other = write_form(project.forms, scopes=(SEND,))
    evil = write_form(project.forms, "evil/loket", scopes=(DOSSIERS,))
    assert project.up().code != 0
    found = drift(project, code=3)
    assert (found["by_hand"], found["not_applied"]) == ([], [])
    assert [note.partition(": GET ")[0] for note in found["notes"]] == [
        "The dosis configurations on acmidm could not be looked at"
    ]

    other.request()["scopes"][PLAIN] = {}
    other.save()
    evil.document["contacts"] = ["evil@loket.example"]
    evil.save()
    file = project.folder / "approved.json"
    client_id = registry.client(evil.application)["client_id"]
    unreadable = f"client acmidm {client_id} could not be read at its authority"
    reviewed = project.acmidm("review", "--stack", "tni", "--save", str(file))
    assert reviewed.code == 0, reviewed.output
    assert f"warning: nothing is approved of one: {unreadable}: GET " in reviewed.stderr
    done = project.recover("--approved", str(file))
    assert done.code == 1, done.output
    assert f"differs: {unreadable}: GET " in done.stderr
    assert "1 client is left out" in done.stderr
    client = registry.client(other.application)
    assert PLAIN in client["scopes"]
    assert registry.client(evil.application)["contacts"] != evil.document["contacts"]

    registry.set_scopes(client["client_id"], [SEND])
    healed = drift(project, "--heal", code=1)
    assert (healed["healed"], [one["key"] for one in healed["not_applied"]]) == (True, [evil.key])
    assert PLAIN in registry.client(other.application)["scopes"]


def drift(project: Project, *words: str, code: int) -> dict[str, Any]:
    looked = project.acmidm("drift", "--stack", project.stack, "--output", "json", *words)
    assert looked.code == code, looked.output
    return dict(json.loads(looked.stdout))


@pytest.mark.parametrize("lacking", ["prod"], indirect=True)
def test_others_are_found_again_where_the_state_is_lost(
    lacking: RunningPortal, registry: Registry, tmp_path: Path
) -> None:
    """The gate holds nobody back whom the authority has, but for the one that cannot be read."""
    project = Project(tmp_path / "project", stack="prod")
    project.connect(lacking, promotionGate="enforce")
    evil = write_form(project.forms, "a-evil/loket", scopes=(DOSSIERS,), environment="prod")
    other = write_form(project.forms, scopes=(SEND,), environment="prod")
    for form in (evil, other):
        owner = {"software_id": f"acmidm/prod/{form.key}", "managed_by": "acmidm/prod"}
        document = client_document(application=form.application, **owner)
        registry.http.post("/management/v1/clients", json=document).raise_for_status()
    done = project.recover()
    assert done.code == 1, done.output
    assert set(project.outputs()["connections"]) == {other.key}
