"""A portal that knows the catalogue, a project on it, and the command line in that project."""

from __future__ import annotations

from tests.engine.test_secrets import random_plugin
from tests.report.conftest import acmidm
from tests.support.fixtures import portal, project, registry

__all__ = ["acmidm", "portal", "project", "random_plugin", "registry"]
