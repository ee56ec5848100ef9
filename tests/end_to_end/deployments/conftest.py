"""One portal for the whole session, with all that the catalogue offers; each test has a project and applications of its
own."""

from __future__ import annotations

from tests.end_to_end.deployments.test_secrets import random_plugin
from tests.end_to_end.reports.conftest import acmidm
from tests.support.fixtures import portal, project, registry

__all__ = ["acmidm", "portal", "project", "random_plugin", "registry"]
