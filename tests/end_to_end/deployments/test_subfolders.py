"""Where somebody stands in a project changes nothing of what a run does; and settings or forms that
are missing undeclare nothing.

All on one stack without protection, which each test leaves as it was. That a client leaves by a
deployment from a folder below the project is in ``test_leaving.py``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.engine import Project
from tests.support.forms import FormFile, write_form
from tests.support.portal import RunningPortal
from tests.support.registry import Registry


@dataclass
class LaidOut:
    project: Project
    forms: list[FormFile]
    registry: Registry

    def clients(self) -> dict[str, list[dict[str, Any]]]:
        return self.registry.everything(*(form.application for form in self.forms))


@pytest.fixture(scope="module")
def stack(
    portal: RunningPortal, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> LaidOut:
    """A stack whose forms are not where they are by default."""
    project = Project(tmp_path_factory.mktemp("stack"))
    project.connect(portal, formsFolder="forms")
    forms = [write_form(project.folder / "forms", name) for name in ("gent/here", "aalst/there")]
    return LaidOut(project, forms, registry)


@pytest.fixture(scope="module")
def deployed(stack: LaidOut) -> LaidOut:
    """The same, brought up from below."""
    replace(stack.project, below="forms/gent").apply()
    return stack


@pytest.fixture
def project(stack: LaidOut, tmp_path: Path) -> Iterator[Project]:
    """That project, which is as it was afterwards."""
    project = stack.project
    kept = tmp_path / "kept"
    names = ("forms", "onboardings", "Pulumi.yaml", "Pulumi.tni.yaml")
    shutil.copytree(project.folder, kept, symlinks=True)
    yield project
    for name in names:
        if (project.folder / name).is_dir():
            shutil.rmtree(project.folder / name)
            shutil.copytree(kept / name, project.folder / name)
        else:
            shutil.copy(kept / name, project.folder / name)


@pytest.fixture
def clients(deployed: LaidOut) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """What the authority has, which no test changes."""
    before = deployed.clients()
    assert [len(found) for found in before.values()] == [1, 1]
    yield before
    assert deployed.clients() == before


@pytest.mark.exhaustive
def test_the_program_runs_in_its_folder(
    project: Project, clients: dict[str, list[dict[str, Any]]]
) -> None:
    """Also from below it; and a file that somebody names is where they are."""
    below = replace(project, below="forms/gent")
    status = below.acmidm("status", "--stack", "tni", "--output", "json")
    listed = {one["client_id"] for one in json.loads(status.stdout)["connections"]}
    assert listed == {found[0]["client_id"] for found in clients.values()}
    reviewed = below.acmidm("review", "--stack", "tni", "--save", "approved.json")
    assert reviewed.code == 0, reviewed.output
    assert (project.folder / "forms/gent/approved.json").is_file()
    deployed = below.acmidm("deploy", "--stack", "tni", "--approved", "approved.json")
    assert deployed.code == 0, deployed.output


@pytest.mark.exhaustive
@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize(
    ("missing", "below"),
    [("formsFolder", "forms"), ("all of them, and what they are", "onboardings")],
)
def test_missing_settings_undeclare_nothing(project: Project, missing: str, below: str) -> None:
    """By the engine alone and by a deployment."""
    file = project.folder / "Pulumi.tni.yaml"
    document = yaml.safe_load(file.read_text())
    if missing.endswith("what they are"):  # else the engine knows what is wanted
        document["config"] = {}
        (project.folder / "Pulumi.yaml").write_text(
            "{name: acmidm, runtime: {name: python, options: {virtualenv: .venv}}}"
        )
    else:
        del document["config"][f"acmidm:{missing}"]
    file.write_text(yaml.safe_dump(document))
    run = replace(project, below=below)
    for refused in (run.up(), run.recover()):
        assert refused.code != 0, refused.output
        assert "environment" in refused.output or "acmidm:formsFolder" in refused.output
    if missing == "formsFolder":  # the folder that it has by default is not where the forms are
        looked = run.acmidm("drift", "--stack", "tni")
        assert looked.code == 2, looked.output


def test_a_folder_of_forms_that_somebody_named_and_is_not_there_is_refused(
    project: Project,
) -> None:
    """Else drift would compare with no forms at all, as of a project whose program declares the
    connections."""
    project.configure({"formsFolder": "onbordings"})
    looked = project.acmidm("drift", "--stack", "tni")
    assert (looked.code, "correct acmidm:formsFolder" in looked.output) == (2, True), looked.output


@pytest.mark.exhaustive
@pytest.mark.usefixtures("clients")
def test_a_submodule_that_is_not_checked_out_undeclares_nothing(project: Project) -> None:
    """An organisation whose folder is a submodule of Git: a clone without it has an empty folder.
    Its client went, with exit code 0."""
    for file in project.folder.glob("forms/aalst/*"):
        file.unlink()
    empty = (
        "forms/aalst:1:1: this folder is empty; if it is a Git submodule: git submodule update"
        " --init"
    )
    healed = project.acmidm("drift", "--stack", "tni", "--heal")
    for refused in (project.up(), project.recover(), healed):
        assert (refused.code, empty in refused.output) == (1, True), refused.output
    assert "not all could be compared" in healed.output


@pytest.mark.exhaustive
@pytest.mark.usefixtures("clients")
def test_a_folder_without_any_form_is_refused(project: Project) -> None:
    """By what needs no engine."""
    for folder in project.folder.glob("forms/*"):
        shutil.rmtree(folder)
    said = "there is no form (*.yaml) in forms; correct acmidm:formsFolder"
    for words in (("drift",), ("status", "--board"), ("remind", "--dry-run")):
        refused = project.acmidm(*words, "--stack", "tni")
        assert (refused.code, said in refused.output) == (2, True), refused.output
