"""Another version of this package than the one that wrote the state, or than the command: what
would misread something changes nothing, and a later version goes on.

With each change ``tests/program/test_versions.py`` tries what a program and a command refuse.
"""

from __future__ import annotations

from typing import Any

import pytest

from acmidm_onboarding.installed import FOLDER, VERSION
from acmidm_onboarding.recorded import VERSION as OUTPUT
from tests.support.engine import Project
from tests.support.forms import DOSSIERS, FormFile, write_form
from tests.support.other_version import EARLIER, LATER, run_by
from tests.support.registry import Registry

OLDER = (
    f"version {LATER} of acmidm-onboarding brought tni up, and this is {VERSION}, which may misread"
    f" it: install {LATER} or a later version, then run this again"
)


def written_later(project: Project, registry: Registry) -> FormFile:
    """A form whose connection a later version brought up; since then it wants something else, and
    somebody changed the client by hand."""
    form = write_form(project.forms)
    with run_by(project, LATER):
        project.apply()
    form.request()["scopes"][DOSSIERS] = {}
    form.save()
    registry.set_scopes(registry.client(form.application)["client_id"], [])
    return form


@pytest.mark.exhaustive
def test_an_older_version_changes_nothing_of_what_a_later_one_wrote(
    project: Project, registry: Registry
) -> None:
    """Neither the engine's own command nor ours; each says so in one sentence. A run that was
    refused leaves the version in the state."""
    form = written_later(project, registry)
    at_authority, recorded = registry.everything(form.application), project.resources()
    done = project.up()
    assert (done.code == 0, done.errors) == (False, [OLDER]), done.output
    for words in (("deploy",), ("review",), ("drift", "--heal"), ("status",)):
        done = project.acmidm(*words, "--stack", "tni")
        assert (done.code, done.output.splitlines()) == (2, [OLDER])
    assert registry.everything(form.application) == at_authority
    assert project.resources() == recorded
    assert versions(project) == {LATER}


@pytest.mark.exhaustive
def test_a_later_version_goes_on_and_has_nothing_to_do(project: Project) -> None:
    """Also from a state that says nothing of a version. The engine's own command then records the
    version, and shows no change."""
    write_form(project.forms)
    with run_by(project, EARLIER):
        project.apply()
    assert versions(project) == {EARLIER}
    done = project.recover()
    assert (done.code, "nothing is run" in done.stdout) == (0, True), done.output
    assert versions(project) == {EARLIER}
    project.change_state(without_version)
    done = project.apply("--expect-no-changes")
    assert EARLIER not in done.output
    assert versions(project) == {VERSION}


@pytest.mark.exhaustive
def test_a_command_runs_no_program_of_another_version(project: Project, registry: Registry) -> None:
    """Nothing changes, and the sentence names both."""
    form = write_form(project.forms)
    project.apply()
    registry.set_scopes(registry.client(form.application)["client_id"], [])
    before = registry.everything(form.application)
    commands = [
        (LATER, "deploy"),
        (EARLIER, "review"),
        (LATER, "drift", "--heal"),
    ]
    for version, *words in commands:
        sentence = (
            f"the command acmidm is version {VERSION} ({FOLDER}), and the program imports version"
            f" {version} ({FOLDER}): install the same version for both, then run this again"
        )
        with run_by(project, version):
            done = project.acmidm(*words, "--stack", "tni")
        assert (done.code == 0, sentence in done.output) == (False, True), done.output
    assert registry.everything(form.application) == before


def versions(project: Project) -> set[str]:
    """Those that the state's components name."""
    return {one["outputs"][OUTPUT] for one in components(project.stored())}


def without_version(deployment: dict[str, Any]) -> None:
    """Have the state be that of a version that did not say yet which it was."""
    for component in components(deployment):
        del component["outputs"][OUTPUT]


def components(deployment: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in deployment["resources"] if one["type"] == "acmidm:index:Onboarding"]
