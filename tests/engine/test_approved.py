"""What a person approved is what runs: a review that was saved, then a deployment that departs from it in nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from acmidm.cli import app
from tests.support.engine import Outcome, Project
from tests.support.forms import DOSSIERS, PLAIN, SEND, write_form
from tests.support.registry import Registry

NOT_APPROVED = "nothing of tni is brought up, for it is not what was approved: have it reviewed again"


def differs(outcome: Outcome) -> list[str]:
    """What is listed as other than approved, where nothing was brought up."""
    assert (outcome.code, outcome.stderr.splitlines()[-1]) == (1, NOT_APPROVED), outcome.output
    return [line.removeprefix("differs: ") for line in outcome.stderr.splitlines() if line.startswith("differs: ")]


def test_what_changes_in_between_stops_it(project: Project, registry: Registry) -> None:
    """At the authority, where no preview looks; in a form; in the state: each is named, nothing is written. Put back, it runs.

    Of a client that leaves both runs are approved with the first. Of one that does not change nothing is.
    """
    form, leaves = write_form(project.forms, scopes=(SEND,)), write_form(project.forms, "gent/gaat")
    beside = write_form(project.forms, "gent/blijft", keys=())
    project.apply()
    client = registry.client(form.application)
    client_id = client["client_id"]
    form.request()["scopes"][PLAIN] = {}
    form.save()
    leaves.document["retire"] = "2020-03-31"
    leaves.save()
    file = project.folder / "approved.json"
    reviewed = project.acmidm("review", "--stack", "tni", "--save", str(file))
    assert reviewed.code == 0, reviewed.output

    registry.set_scopes(client_id, [SEND, DOSSIERS])
    registry.change(client_id, contacts=["hand@stad.example"])
    form.request()["scopes"][PLAIN] = {"reason": "another one"}
    form.save()
    other = write_form(project.forms, "gent/nieuw")
    trail = registry.audit()
    found = differs(project.recover("--approved", str(file)))
    assert f"create OAuthClient {other.key}: was not reviewed" in found
    assert [sentence for sentence in found if other.key not in sentence] == [
        f"update ClientScopes {form.key}: becomes.inputs.scopes.{PLAIN} requested → another one",
        f"client acmidm {client_id} was changed at its authority since the review: "
        f"has other client.contacts api-beheer@stad-gent.example → hand@stad.example, scopes.{DOSSIERS} none → on request",
    ]
    assert registry.audit() == trail
    other.path.unlink()
    form.request()["scopes"][PLAIN] = {}
    form.save()
    registry.set_scopes(client_id, [SEND])
    registry.change(client_id, contacts=client["contacts"])

    registry.change(registry.client(beside.application)["client_id"], contacts=["hand@stad.example"])
    done = project.recover("--approved", str(file))
    assert done.code == 0, done.output
    assert {SEND, PLAIN} <= set(registry.client(form.application)["scopes"])
    assert registry.clients(leaves.application) == []
    again = differs(project.recover("--approved", str(file)))
    assert f"update ClientScopes {form.key}: was reviewed, and would not be done" in again, "the state changed"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "is no saved review of this version"),
        ('{"version": 2}', "is no saved review of this version"),
        ('{"version": 1, "stack": "prod", "steps": {}, "clients": {}}', "is a review of stack prod"),
        ('{"version": 1, "stack": "tni", "steps": []}', "is no whole review"),
        ('{"version": 1, "stack": "tni", "steps": {"update": []}, "clients": {}}', "is no whole review"),
        ("[" * 100_000, "is no saved review of this version"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_what_is_no_review_of_the_stack_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, what: str) -> None:
    """Before anything is looked at: there is no project here."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "approved.json"
    if text is not None:
        file.write_text(text)
    refused = CliRunner().invoke(app, ["deploy", "--stack", "tni", "--approved", str(file)])
    assert refused.exit_code == 2
    assert refused.stderr.strip() == f"{file} {what}; save one with acmidm review --stack tni --save FILE, and have that approved"
