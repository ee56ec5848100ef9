"""A stack whose settings name another authority, or another environment, than its state records."""

from __future__ import annotations

import pytest

from tests.support.between import ProxiedProject
from tests.support.forms import write_form
from tests.support.portal import RunningPortal


@pytest.mark.parametrize("setting", ["managementUrl", "environment"])
def test_a_stack_works_only_where_its_state_says(
    project: ProxiedProject, portal: RunningPortal, setting: str
) -> None:
    """Such as the addresses of production in ``Pulumi.tni.yaml``. No command writes anything."""
    write_form(project.forms, "gent/loket")
    project.apply()
    before = project.resources()
    wrong = {"managementUrl": f"{portal.origin}/management/v9", "environment": "prod"}[setting]
    project.configure({setting: wrong})
    reason = {
        "managementUrl": f"Pulumi.tni.yaml says that acmidm is at {wrong}",
        "environment": "Pulumi.tni.yaml says acmidm:environment prod, and this stack is one of tni",
    }[setting]
    runs = (
        project.recover(),
        project.acmidm("review", "--stack", "tni"),
        project.acmidm("drift", "--stack", "tni", "--heal"),
        project.up(),
    )
    for done in runs:
        assert done.code != 0, done.output
        assert reason in done.output, done.output
    assert project.resources() == before

    elsewhere = portal.origin.replace("127.0.0.1", "localhost")
    project.configure({"environment": "tni", "managementUrl": f"{elsewhere}/management/v1"})
    assert project.recover().code == 1
    moved = project.recover("--allow-mass-change")
    assert moved.code == 0, moved.output
    assert project.recover().code == 0
