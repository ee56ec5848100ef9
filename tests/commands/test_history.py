"""Which words the history takes: those that a state, a form or an audit trail knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from acmidm.cli import app
from acmidm.engine import pulumi as engine
from acmidm_onboarding.authorities.beheerportaal.adapter import Beheerportaal
from tests.support.recorded_resources import resource
from tests.support.settings import COMPLETE
from tests.support.workspace import FORM, Workspace

RECORDED = [
    resource("OAuthClient", "OVO002067/mijn-gent", {"client_name": "x"}, id="id-1"),
    resource("ClientScopes", "OVO002067/mijn-gent", {"scopes": {}}, id="id-1"),
]


@pytest.fixture
def state(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, Any]]:
    """The resources of a stack that has not been brought up yet."""
    workspace.write("Pulumi.yaml", "name: acmidm\nruntime: python\n")
    config = {f"acmidm:{key}": value for key, value in COMPLETE.items()}
    workspace.write("Pulumi.tni.yaml", {"config": config})
    resources: list[Mapping[str, Any]] = []
    exported = {"deployment": {"resources": resources}}
    monkeypatch.setattr(engine, "stack_deployment", lambda _: exported)
    monkeypatch.setattr(Beheerportaal, "recorded_changes", lambda *_: iter(()))
    return resources


def history(*words: str) -> Result:
    return CliRunner().invoke(app, ["history", *words, "--stack", "tni"])


def test_what_a_form_has_is_known_whatever_the_state_has(
    workspace: Workspace, state: list[Mapping[str, Any]]
) -> None:
    """Of a connection that has left, and of a client that lacks a scope until the next run."""
    workspace.write_form(f"{FORM}retire: {{on: 2020-03-31}}\n")
    left = history("gent", "mijn-gent")
    workspace.write_form(FORM)
    state += RECORDED
    pending = history("mijn-gent", "dv_dosis_schrijven")
    for said in (left, pending):
        assert (said.exit_code, "of 0 clients on tni" in said.stdout) == (0, True), said.output


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(
    "form", [f"{FORM}colour: red\n", FORM.replace("tni:", "prod:"), "application: [\n"]
)
def test_a_form_with_a_mistake_or_of_another_environment_is_known(
    workspace: Workspace, form: str
) -> None:
    """By its folder and file, by its organisation's name and code, and by what is written in it."""
    workspace.write_form(form)
    for words in (["mijn-gent"], ["Stad", "Gent"], ["OVO002067/mijn-gent"], ["application"]):
        said = history(*words)
        assert (said.exit_code, "of 0 clients on tni" in said.stdout) == (0, True), said.output


@pytest.mark.usefixtures("state")
def test_who_is_shown_no_audit_trail_is_told(workspace: Workspace) -> None:
    """A client that is in no state any more would else be one that nobody ever knew."""
    workspace.write_form(FORM)
    said = history("id-of-a-client-that-left")
    assert said.exit_code == 2
    assert "in no audit trail that this operator is shown (on Keycloak: view-events)" in said.stderr
