"""What a person approved is what runs: a review that was saved, then a deployment that departs from it in nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engine.test_secrets import random_plugin
from tests.support.engine import Outcome, Project
from tests.support.forms import DOSSIERS, PLAIN, SEND, FormFile, write_form
from tests.support.registry import Registry

__all__ = ["random_plugin"]

NOT_APPROVED = "nothing of tni is brought up, for it is not what was approved: have it reviewed again"


@pytest.fixture
def form(project: Project) -> FormFile:
    """A connection that gains a scope, once its review is approved; and one beside it that stays."""
    found = write_form(project.forms, scopes=(SEND,))
    write_form(project.forms, "gent/blijft", keys=())
    project.apply()
    found.request()["scopes"][PLAIN] = {}
    found.save()
    return found


def approve(project: Project) -> Path:
    file = project.folder / "approved.json"
    reviewed = project.acmidm("review", "--stack", "tni", "--save", str(file))
    assert reviewed.code == 0, reviewed.output
    return file


def deploy(project: Project, file: Path) -> Outcome:
    return project.recover("--approved", str(file))


def differs(outcome: Outcome) -> list[str]:
    """What is listed as other than approved, where nothing was brought up."""
    assert (outcome.code, outcome.stderr.splitlines()[-1]) == (1, NOT_APPROVED), outcome.output
    return [line.removeprefix("differs: ") for line in outcome.stderr.splitlines() if line.startswith("differs: ")]


def test_what_changes_in_between_stops_it(project: Project, registry: Registry, form: FormFile) -> None:
    """At the authority, where no preview looks; in a form; in the state: each is named, nothing is written. Put back, it runs."""
    file, client = approve(project), registry.client(form.application)
    client_id = client["client_id"]
    registry.set_scopes(client_id, [SEND, DOSSIERS])
    assert differs(deploy(project, file)) == [
        f"client acmidm {client_id} was changed at its authority since the review: has other scopes.{DOSSIERS} none → on request"
    ]
    registry.set_scopes(client_id, [SEND])
    registry.change(client_id, contacts=["hand@stad.example"])
    assert "has other client.contacts" in differs(deploy(project, file))[0]
    registry.change(client_id, contacts=client["contacts"])

    form.request()["scopes"][PLAIN] = {"reason": "another one"}
    form.save()
    trail = registry.audit()
    assert differs(deploy(project, file)) == [
        f"update ClientScopes {form.key}: becomes.inputs.scopes.{PLAIN} requested → another one",
    ]
    other = write_form(project.forms, "gent/nieuw")
    assert f"create OAuthClient {other.key}: was not reviewed" in differs(deploy(project, file))
    assert registry.audit() == trail
    other.path.unlink()
    form.request()["scopes"][PLAIN] = {}
    form.save()

    (beside,) = (one["acmidm"]["client_id"] for key, one in project.outputs()["connections"].items() if key != form.key)
    registry.change(beside, contacts=["hand@stad.example"])  # of a client that does not change nothing was approved
    done = deploy(project, file)
    assert done.code == 0, done.output
    assert {SEND, PLAIN} <= set(registry.client(form.application)["scopes"])
    assert differs(deploy(project, file)) == [f"update ClientScopes {form.key}: was reviewed, and would not be done"], "the state changed"


def test_both_runs_of_a_client_that_leaves_are_approved_with_the_first(project: Project, registry: Registry, form: FormFile) -> None:
    """And a key that an organisation uploads meanwhile is no change of ours."""
    form.document["retire"] = "2020-03-31"
    form.save()
    file = approve(project)
    done = deploy(project, file)
    assert done.code == 0, done.output
    assert registry.clients(form.application) == []


@pytest.mark.exhaustive
@pytest.mark.usefixtures("random_plugin")
def test_no_secret_is_saved(project: Project) -> None:
    """Neither a client's nor the operator's: a client with a secret is made, then goes back to a key."""
    form = write_form(project.forms, keys=(), token_endpoint_auth_method="client_secret_basic")
    made = approve(project).read_text()
    project.apply()
    secret = json.loads(project.shown_with_secrets())["client_secrets"][form.key]["acmidm"]
    form.document["contacts"] = ["loket@stad-gent.example"]
    form.save()
    changed = approve(project).read_text()
    for text in (made, changed):
        assert "[secret]" in text
        assert not any(one in text for one in (secret, *project.secrets))


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
def test_what_is_no_review_of_the_stack_is_refused(project: Project, tmp_path: Path, text: str | None, what: str) -> None:
    """Before anything is looked at."""
    file = tmp_path / "approved.json"
    if text is not None:
        file.write_text(text)
    refused = deploy(project, file)
    assert refused.code != 0
    assert refused.stderr.strip() == f"{file} {what}; save one with acmidm review --stack tni --save FILE, and have that approved"
