"""Forms of Gent whose applications begin with a name, and what reports say of each."""

from __future__ import annotations

import uuid
from typing import Any

from tests.support.engine import Project
from tests.support.forms import FormFile, write_form
from tests.support.together import change_list

Changes = set[tuple[str, str | None]]
"""The kind of each change, and its subject."""


def write(project: Project, name: str, **how: Any) -> FormFile:
    """A form of Gent, and of an application that begins with its name and that no other test
    has."""
    return write_form(
        project.forms, f"gent/{name}", **{"application": f"{name}-{uuid.uuid4().hex[:12]}", **how}
    )


def changes_of(report: dict[str, Any], form: FormFile, part: str = "connections") -> Changes:
    """The changes of a form's client in a part of a report's JSON."""
    return {(change["kind"], change.get("subject")) for change in change_list(report, form, part)}
