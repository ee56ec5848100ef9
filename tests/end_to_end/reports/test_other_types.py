"""A resource type of which no report knows anything: a file of a project, and its line in the
program."""

from __future__ import annotations

from typing import Any

from tests.end_to_end.reports.conftest import write
from tests.support.command_line import CommandLine, changes_in
from tests.support.engine import Project
from tests.support.registry import Registry

_TYPE = """
import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, ResourceProvider, UpdateResult

class Nothing(ResourceProvider):
    def create(self, props):
        return CreateResult("remark", props)

    def read(self, id_, props):
        return ReadResult(id_, props)

    def update(self, _id, _olds, news):
        return UpdateResult(news)

class Remark(Resource, module="acmidm", name="Remark"):
    pass
"""
_DECLARED = """
from remark import Nothing, Remark
for onboarding in onboardings.values():
    props = {{"client_id": onboarding.parts[0].id, "text": "{text}"}}
    Remark(Nothing(), onboarding._name, props, pulumi.ResourceOptions(parent=onboarding))
"""


def declare(project: Project, program: str, text: str) -> None:
    (project.folder / "remark.py").write_text(_TYPE)
    (project.folder / "__main__.py").write_text(program + _DECLARED.format(text=text))


def test_a_type_in_no_report(project: Project, acmidm: CommandLine, registry: Registry) -> None:
    """A review shows what changes in it; there is no drift in it, whoever removes its client; it
    goes with its client."""
    program = (project.folder / "__main__.py").read_text()
    form, other = write(project, "loket"), write(project, "balie")
    project.apply()
    declare(project, program, "one")
    assert changes_in(acmidm.json("review", "--stack", "tni")) == {
        (name, "other_changed", "Remark") for name in ("loket", "balie")
    }
    project.apply()
    assert changes_in(acmidm.json("review", "--stack", "tni")) == set()
    assert acmidm.run("drift", "--stack", "tni").code == 0

    declare(project, program, "two")
    report = acmidm.json("review", "--stack", "tni")
    assert {change["text"] for one in report["connections"] for change in one["changes"]} == {
        "changes its Remark: text one → two"
    }
    project.apply()
    registry.remove(registry.client(form.application)["client_id"])
    drift = acmidm.json("drift", "--stack", "tni", code=1)
    assert changes_in(drift, "by_hand") == {("loket", "client_removed", None)}
    assert acmidm.run("drift", "--stack", "tni", "--heal").code == 0
    assert (
        remarks(project)[form.key]["inputs"]["client_id"]
        == registry.client(form.application)["client_id"]
    )

    other.path.unlink()
    assert changes_in(acmidm.json("review", "--stack", "tni")) == {
        ("balie", "client_removed", None)
    }
    project.apply()
    assert remarks(project).keys() == {form.key}
    project.in_sync()


def remarks(project: Project) -> dict[str, dict[str, Any]]:
    resources = project.resources().items()
    return {
        place.removeprefix("Remark "): one
        for place, one in resources
        if place.startswith("Remark ")
    }
