"""What the catalogue has and the authority does not offer, a product or a scope: it fails in one
connection, and holds nobody else up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.engine import Project
from tests.support.forms import DOSSIERS, PLAIN, SEND, write_form
from tests.support.offered import offered
from tests.support.portal import running_portal
from tests.support.registry import Registry

REFUSED = "dv_metadata_read"


def without(
    folder: Path, what: str, name: str, environment: str = "tni"
) -> Iterator[tuple[Project, Registry]]:
    settings = offered()
    del settings[what][name]
    with running_portal(folder / "portal", environment=environment, **settings) as portal:
        project = Project(folder / "project", stack=environment)
        project.connect(portal)
        with portal.operator() as http:
            yield project, Registry(http)


@pytest.fixture
def tni(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Project, Registry]]:
    yield from without(tmp_path, *request.param)


@pytest.mark.parametrize("tni", [("products", "dosis")], indirect=True)
def test_others_are_reviewed_approved_and_compared(tni: tuple[Project, Registry]) -> None:
    """Of the one that cannot be read nothing is approved, and its product alone is not compared:
    that is said, with code 3."""
    project, registry = tni
    other, evil = (
        write_form(project.forms, scopes=(SEND,)),
        write_form(project.forms, "evil/loket", scopes=(DOSSIERS,)),
    )
    assert project.recover().code != 0
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
    assert PLAIN in registry.client(other.application)["scopes"]
    assert registry.client(evil.application)["contacts"] != evil.document["contacts"]

    registry.set_scopes(registry.client(other.application)["client_id"], [SEND])
    healed = drift(project, "--heal", code=1)
    assert (healed["healed"], [one["key"] for one in healed["not_applied"]]) == (True, [evil.key])
    assert PLAIN in registry.client(other.application)["scopes"]
    assert project.recover().code != 0
    found = drift(project, code=3)
    assert (found["by_hand"], found["not_applied"]) == ([], [])
    assert [note.partition(": GET ")[0] for note in found["notes"]] == [
        "The dosis configurations on acmidm could not be looked at"
    ]


@pytest.mark.parametrize("tni", [("scopes", REFUSED)], indirect=True)
def test_a_new_client_that_is_refused_ends_no_second_run(tni: tuple[Project, Registry]) -> None:
    """By then it has a client-ID, which no preview knew when it was approved."""
    project, registry = tni
    leaves = write_form(project.forms)
    project.apply()
    leaves.document["retire"] = "2020-03-31"
    leaves.save()
    evil = write_form(project.forms, "evil/loket", scopes=(REFUSED,))
    file = project.folder / "approved.json"
    assert project.acmidm("review", "--stack", "tni", "--save", str(file)).code == 0
    done = project.recover("--approved", str(file))
    assert done.code != 0, done.output
    assert f"a second run goes on with {leaves.key}" in done.stderr
    assert "differs: " not in done.stderr
    assert registry.clients(leaves.application) == []
    assert registry.client(evil.application)["scopes"] == ["vo_info"]


def drift(project: Project, *words: str, code: int) -> dict[str, Any]:
    looked = project.acmidm("drift", "--stack", project.stack, "--output", "json", *words)
    assert looked.code == code, looked.output
    return dict(json.loads(looked.stdout))


def test_others_are_found_again_where_the_state_is_lost(tmp_path: Path) -> None:
    """The gate holds nobody back whom the authority has, but for the one that cannot be read."""
    for project, _ in without(tmp_path, "products", "dosis", "prod"):
        project.configure({"promotionGate": "off"})
        write_form(project.forms, "a-evil/loket", scopes=(DOSSIERS,), environment="prod")
        other = write_form(project.forms, scopes=(SEND,), environment="prod")
        assert project.recover().code != 0
        project.succeed("stack", "rm", "prod", "--yes", "--force", "--preserve-config")
        project.succeed("stack", "init", "prod")
        project.configure({"promotionGate": "enforce"})

        again = project.recover()
        assert again.code == 1, again.output
        assert set(project.outputs()["connections"]) == {other.key}
