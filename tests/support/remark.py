"""A resource type of which no report knows anything: a file of a project, and its lines in the
program."""

from __future__ import annotations

from typing import Any

from tests.support.engine import Project

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
_BEGIN, _END = "\n# Remarks:\n", "\nfail_where_refused("
_DECLARED = """\
from remark import Nothing, Remark
for key, text in {texts!r}.items():
    if key in onboardings:
        onboarding = onboardings[key]
        props = {{"client_id": onboarding.parts[0].id, "text": text}}
        Remark(Nothing(), key, props, pulumi.ResourceOptions(parent=onboarding))
"""


def declare_remarks(project: Project, texts: dict[str, str]) -> None:
    """Have the program declare a remark on each of these connections that there is, by its key."""
    (project.folder / "remark.py").write_text(_TYPE)
    program = project.folder / "__main__.py"
    before, _, end = program.read_text().partition(_END)
    own = before.partition(_BEGIN)[0]
    program.write_text(own + _BEGIN + _DECLARED.format(texts=texts) + _END + end)


def remarks(resources: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The remarks in a state, by the key of their connection."""
    return {
        place.removeprefix("Remark "): one
        for place, one in resources.items()
        if place.startswith("Remark ")
    }
