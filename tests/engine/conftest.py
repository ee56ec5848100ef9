"""One portal for the whole session, with all that the catalogue offers; each test has a project and applications of its
own."""

from __future__ import annotations

from tests.engine.test_secrets import random_plugin
from tests.support.fixtures import portal, project, registry

__all__ = ["portal", "project", "random_plugin", "registry"]
