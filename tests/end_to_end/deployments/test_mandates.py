"""A supplier with one key for two towns: what an ended mandate takes from the one and leaves the other, run by run."""

from __future__ import annotations

import json
from typing import Any

from tests.support.engine import Project
from tests.support.forms import PLAIN, SEND, FormFile, write_form
from tests.support.portal import RunningPortal, sign_assertion
from tests.support.registry import Registry, kids
from tests.support.repository import git

ENDED = "2020-12-31"


def two_towns(project: Project, *scopes: str) -> list[FormFile]:
    """Aalst and Gent, whose forms have the key of one supplier."""
    towns = [write_form(project.forms, f"{folder}/loket", scopes=scopes, keys=()) for folder in ("aalst", "gent")]
    for town in towns:
        town.use_supplier("theirs")
    return towns


def until(town: FormFile, day: str) -> None:
    town.use_supplier("theirs", until=day)


def reviewed(project: Project, *words: str, code: int = 0) -> dict[str, Any]:
    """The headline, the problems, and the kinds of change per application."""
    outcome = project.acmidm("review", *words, "--output", "json")
    assert outcome.code == code, outcome.output
    report = json.loads(outcome.stdout)
    kinds = {one["form"]: [change["kind"] for change in one["changes"]] for one in report["connections"]}
    return {"kinds": kinds, "problems": report["problems"]}


def test_scopes_go_and_then_the_key_of_that_connection_alone(
    project: Project, portal: RunningPortal, registry: Registry
) -> None:
    """Nothing else of its form is carried out meanwhile; a later mandate gives all of it back."""
    town, other = two_towns(project, SEND, PLAIN)
    key = town.keys["theirs"]
    project.apply()
    before, of_other = registry.client(town.application), registry.client(other.application)

    def token(form: FormFile) -> int:
        client_id = registry.client(form.application)["client_id"]
        return portal.request_token(sign_assertion(key, client_id, portal.issuer), scope=PLAIN).status_code

    assert (token(town), token(other)) == (200, 200)
    until(town, ENDED)
    town.document["contacts"] = ["ander@aalst.example"]
    town.save()
    said = project.acmidm("validate")
    assert said.code == 0, said.output
    assert f"not carried out: aalst/loket on tni: the mandate of leverancier ended on {ENDED}" in said.stdout
    assert reviewed(project, "--stack", "tni")["kinds"] == {
        "aalst/loket": ["mandate_ended", "mandate_changed", "scope_withdrawn", "scope_withdrawn"]
    }
    project.apply()
    there = registry.client(town.application)
    assert set(there["scopes"]) - {"vo_info"} == set()
    assert (kids(there), there["contacts"]) == ({"theirs"}, before["contacts"])
    assert (token(town), token(other)) == (400, 200)
    assert reviewed(project, "--stack", "tni")["kinds"]["aalst/loket"] == [
        *("mandate_ended", "client_without_key", "key_removed")
    ]
    project.apply()
    assert kids(registry.client(town.application)) == set()
    project.in_sync()
    assert registry.client(other.application) == of_other

    until(town, "2999-06-30")
    project.apply()
    again = registry.client(town.application)
    assert (again["scopes"], kids(again), again["contacts"]) == (before["scopes"], {"theirs"}, ["ander@aalst.example"])
    assert token(town) == 200
    project.in_sync()


def test_a_change_of_its_form_is_refused_in_a_pull_request(project: Project) -> None:
    """A rotation of its supplier is not, nor a change of another form; what ends the mandate shows what goes."""
    town, _ = two_towns(project, PLAIN)
    git(project.folder, "init", "--quiet", "--initial-branch=main")

    def change(**document: Any) -> None:
        town.document.update(document)
        town.save()
        commit()

    def commit() -> None:
        git(project.folder, "add", "--all", "onboardings", "Pulumi*.yaml")
        git(project.folder, "commit", "--quiet", "--allow-empty", "--message=forms")

    commit()
    until(town, ENDED)
    commit()
    of_git = ("--base", "HEAD^", "--environment", "tni")
    ending = reviewed(project, *of_git)
    assert ending["kinds"] == {"aalst/loket": ["mandate_changed", "scope_withdrawn"]}
    change(contacts=["ander@aalst.example"])
    refused = reviewed(project, *of_git, code=1)
    assert refused["kinds"] == {"aalst/loket": ["mandate_ended"]}
    assert [problem.partition("; ")[0] for problem in refused["problems"]] == [
        f"aalst/loket on tni: the mandate of leverancier ended on {ENDED}: nothing of the form is carried out, and the"
        " client's scopes and then its keys are withdrawn"
    ]
    town.use_supplier("theirs", "new", until=ENDED)
    commit()
    assert reviewed(project, *of_git)["kinds"] == {"gent/loket": ["key_added"]}
    until(town, "2999-06-30")
    commit()
    renewed = reviewed(project, *of_git)["kinds"]["aalst/loket"]
    assert {"mandate_changed", "scope_granted"} <= set(renewed)
