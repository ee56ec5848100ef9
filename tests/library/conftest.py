"""A portal for projects that use the module, and one such project in files."""

from __future__ import annotations

from tests.support.fixtures import portal, project, registry

__all__ = ["portal", "project", "registry"]
