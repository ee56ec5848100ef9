"""One portal for the whole session, with all that the catalogue offers; each test has a project and
applications of its own."""

from __future__ import annotations

from tests.support.command_line import acmidm
from tests.support.fixtures import portal, project, registry

__all__ = ["acmidm", "portal", "project", "registry"]
