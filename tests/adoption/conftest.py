"""A portal with clients that people made by hand, and a project that takes them over."""

from __future__ import annotations

from tests.support.fixtures import portal, project, registry

__all__ = ["portal", "project", "registry"]
