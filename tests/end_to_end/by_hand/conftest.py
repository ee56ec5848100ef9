"""The portal of the tests of a stack that people change by hand."""

from __future__ import annotations

from tests.support.fixtures import portal, registry

__all__ = ["portal", "registry"]
