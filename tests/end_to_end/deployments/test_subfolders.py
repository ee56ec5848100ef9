"""Where somebody stands in a project changes nothing of what a run does; and settings that are
missing are not forms that are missing."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.support.engine import Project
from tests.support.forms import DOSSIERS, SEND, write_form
from tests.support.portal import RunningPortal
from tests.support.registry import Registry

DUE = "2020-03-31"


@pytest.fixture
def protected(portal: RunningPortal, registry: Registry, tmp_path: Path) -> Project:
    registry.clear()
    project = Project(tmp_path / "project")
    project.connect(portal, protectClients=True)
    return project


@pytest.mark.parametrize(
    "where",
    [
        "below",
        *(
            pytest.param(one, marks=pytest.mark.exhaustive)
            for one in ("a setting is encrypted", "a stack by its whole name")
        ),
    ],
)
def test_a_client_that_leaves_leaves_in_one_deployment(
    protected: Project, registry: Registry, where: str
) -> None:
    """Its scopes were withdrawn, and the client was left for ever, with exit code 0."""
    leaves, stays = (
        write_form(protected.forms, f"gent/{name}", scopes=(SEND, DOSSIERS))
        for name in ("leaves", "stays")
    )
    protected.apply()
    before = registry.client(stays.application)
    leaves.document["retire"] = DUE
    leaves.save()
    stack, run = protected.stack, protected
    if where == "below":
        run = replace(protected, below="onboardings/gent")
    elif where == "a setting is encrypted":
        protected.succeed(
            "config", "set", "--secret", "acmidm:issuer", str(_settings(protected)["acmidm:issuer"])
        )
    else:
        stack = f"organization/acmidm/{stack}"
    done = run.acmidm("deploy", "--stack", stack)
    assert (done.code, "a second run goes on with" in done.output) == (0, True), done.output
    assert registry.clients(leaves.application) == []
    assert registry.client(stays.application) == before
    looked = run.acmidm("drift", "--stack", stack, "--output", "json")
    assert (looked.code, json.loads(looked.stdout)["in_sync"]) == (0, True), looked.output
    assert run.acmidm("deploy", "--stack", stack).code == 0


@pytest.mark.parametrize(
    "missing", ["environment", "formsFolder", "all of them", "all of them, and what they are"]
)
@pytest.mark.parametrize("below", [pytest.param(".", marks=pytest.mark.exhaustive), "onboardings"])
def test_missing_settings_undeclare_nothing(
    project: Project, registry: Registry, missing: str, below: str
) -> None:
    """Of a stack without protection, by the engine alone and by a deployment, in the project's
    folder and below it."""
    form = write_form(project.forms, "gent/stays")
    project.apply()
    before, file = registry.client(form.application), project.folder / "Pulumi.tni.yaml"
    settings = _settings(project)
    if missing == "formsFolder":  # the folder that it has by default is not where the forms are
        project.configure({"formsFolder": "forms"})
        project.forms.rename(project.folder / "forms")
        project.forms.mkdir()
        project.apply()
        settings = {
            key: value for key, value in _settings(project).items() if key != "acmidm:formsFolder"
        }
    elif missing == "environment":
        del settings["acmidm:environment"]
    else:
        settings = {}
    if missing.endswith("what they are"):  # else the engine knows what is wanted
        (project.folder / "Pulumi.yaml").write_text(
            "{name: acmidm, runtime: {name: python, options: {virtualenv: .venv}}}"
        )
    document = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({**document, "config": settings}))
    for run in (replace(project, below=below).up, replace(project, below=below).recover):
        refused = run()
        assert refused.code != 0, refused.output
        assert "environment" in refused.output or "acmidm:formsFolder" in refused.output
        assert registry.client(form.application) == before
    if missing == "formsFolder":
        looked = replace(project, below=below).acmidm("drift", "--stack", "tni")
        assert looked.code == 2, looked.output


def test_the_engine_runs_the_program_in_its_folder(project: Project, registry: Registry) -> None:
    form = write_form(project.forms, "gent/stays")
    project.apply()
    before, below = registry.client(form.application), replace(project, below="onboardings/gent")
    assert below.preview("--expect-no-changes").code == 0
    below.apply()
    assert registry.client(form.application) == before
    status = below.acmidm("status", "--stack", "tni", "--output", "json")
    assert [one["client_id"] for one in json.loads(status.stdout)["connections"]] == [
        before["client_id"]
    ]
    reviewed = below.acmidm("review", "--stack", "tni", "--save", "approved.json")
    assert (reviewed.code, (project.forms / "gent/approved.json").is_file()) == (
        0,
        True,
    ), reviewed.output
    assert below.acmidm("deploy", "--stack", "tni", "--approved", "approved.json").code == 0


def test_a_folder_of_forms_that_somebody_named_and_is_not_there_is_refused(
    project: Project,
) -> None:
    """Else drift would compare with no forms at all, as of a project whose program declares the
    connections."""
    write_form(project.forms, "gent/stays")
    project.apply()
    project.configure({"formsFolder": "onbordings"})
    looked = project.acmidm("drift", "--stack", "tni")
    assert (looked.code, "correct acmidm:formsFolder" in looked.output) == (2, True), looked.output


def test_a_submodule_that_is_not_checked_out_undeclares_nothing(
    project: Project, registry: Registry
) -> None:
    """An organisation whose folder is a submodule of Git: a clone without it has an empty folder.
    Its client went, with exit code 0."""
    here, elsewhere = (
        write_form(project.forms, "gent/stays"),
        write_form(project.forms, "aalst/elsewhere"),
    )
    project.apply()
    before = registry.everything(here.application, elsewhere.application)
    for file in elsewhere.folder.glob("aalst/*"):
        file.unlink()
    for refused, code in (
        (project.up(), 1),
        (project.recover(), 1),
        (project.acmidm("drift", "--stack", "tni", "--heal"), 2),
    ):
        assert (
            "onboardings/aalst:1:1: this folder is empty; if it is a Git submodule: git submodule"
            " update --init" in refused.output
        )
        assert (refused.code, registry.everything(here.application, elsewhere.application)) == (
            code,
            before,
        )
    shutil.rmtree(project.forms)
    project.forms.mkdir()
    for words in (("drift",), ("status", "--board"), ("remind", "--dry-run")):
        refused = project.acmidm(*words, "--stack", "tni")
        assert (
            refused.code,
            "there is no form (*.yaml) in onboardings; correct acmidm:formsFolder"
            in refused.output,
        ) == (2, True)


def _settings(project: Project) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load(
        (project.folder / f"Pulumi.{project.stack}.yaml").read_text()
    )["config"]
    return found
