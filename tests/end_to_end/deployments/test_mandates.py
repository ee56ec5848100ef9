"""A supplier with one key for two towns: what an ended mandate takes from the one and leaves the other, run by run."""

from __future__ import annotations

import json

from tests.support.engine import Project
from tests.support.forms import PLAIN, SEND, FormFile, write_form
from tests.support.portal import RunningPortal, sign_assertion
from tests.support.registry import Registry, kids

ENDED = "2020-12-31"


def until(town: FormFile, day: str) -> None:
    town.use_supplier("theirs", until=day)


def reviewed(project: Project) -> dict[str, list[str]]:
    """The kinds of change in the engine's review, per form."""
    report = json.loads(project.acmidm("review", "--stack", "tni", "--output", "json").stdout)
    return {one["form"]: [change["kind"] for change in one["changes"]] for one in report["connections"]}


def test_scopes_go_and_then_the_key_of_that_connection_alone(
    project: Project, portal: RunningPortal, registry: Registry
) -> None:
    """Nothing else of its form is carried out meanwhile; a later mandate gives all of it back."""
    town, other = (
        write_form(project.forms, f"{folder}/loket", scopes=(SEND, PLAIN), keys=()) for folder in ("aalst", "gent")
    )
    for form in (town, other):
        form.use_supplier("theirs")
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
    assert reviewed(project) == {
        "aalst/loket": ["mandate_ended", "mandate_changed", "scope_withdrawn", "scope_withdrawn"]
    }
    project.apply()
    there = registry.client(town.application)
    assert set(there["scopes"]) - {"vo_info"} == set()
    assert (kids(there), there["contacts"]) == ({"theirs"}, before["contacts"])
    assert (token(town), token(other)) == (400, 200)
    assert reviewed(project)["aalst/loket"] == [*("mandate_ended", "client_without_key", "key_removed")]
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
