"""What a test needs that some machines lack."""

from __future__ import annotations

import os

import pytest

from toolchain.common import PULUMI_HOME


@pytest.fixture(scope="session")
def random_plugin() -> None:
    """The engine's random plugin, which makes client secrets: needed here, and always there in
    CI."""
    if not list((PULUMI_HOME / "plugins").glob("resource-random-v*/pulumi-resource-random")):
        assert not os.environ.get("CI"), "CI has no random plugin: run make random-plugin"
        pytest.skip("the random plugin is not installed: run make random-plugin")
