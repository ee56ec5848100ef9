"""The portal and project of the tests of reports."""

from __future__ import annotations

from tests.support.fixtures import portal, project, registry

__all__ = ["portal", "project", "registry"]
