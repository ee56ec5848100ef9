"""The portal and project of the tests of reports, and the forms that they write."""

from __future__ import annotations

import uuid
from typing import Any

from tests.desk.conftest import post_office, settings
from tests.support.command_line import acmidm
from tests.support.engine import Project
from tests.support.fixtures import portal, project, registry
from tests.support.forms import FormFile, write_form
from tests.support.two_stacks import both

__all__ = ["acmidm", "both", "portal", "post_office", "project", "registry", "settings"]


def write(project: Project, name: str, **how: Any) -> FormFile:
    """A form of Gent, and of an application that begins with its name and that no other test
    has."""
    return write_form(
        project.forms, f"gent/{name}", **{"application": f"{name}-{uuid.uuid4().hex[:12]}", **how}
    )
