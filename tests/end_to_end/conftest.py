"""What a test needs that some machines lack."""

from __future__ import annotations

import pytest

from tests.support.tools import require
from toolchain.common import PULUMI_HOME


@pytest.fixture(scope="session")
def random_plugin() -> None:
    """The engine's random plugin, which makes client secrets."""
    found = list((PULUMI_HOME / "plugins").glob("resource-random-v*/pulumi-resource-random"))
    require("the engine's random plugin", "make random-plugin", is_here=bool(found))
