"""A client secret needs a plugin of the engine. How secrets are renewed, and that they never show,
is in test_rotation.py."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support.engine import Project
from tests.support.forms import write_form
from tests.support.previews import NO_ACCESS


@pytest.mark.exhaustive
def test_without_the_plugin_one_sentence_says_how_to_get_it(tmp_path: Path) -> None:
    """The engine's own error names no remedy of a clone."""
    project = Project(tmp_path, environment={"PULUMI_HOME": str(tmp_path / "home")})
    project.prepare(NO_ACCESS)
    form = write_form(project.forms, keys=(), token_endpoint_auth_method="client_secret_basic")
    refused = project.preview()
    assert refused.code != 0
    assert refused.errors == [
        f"{form.key} has a client secret, and the plugin that makes it is not installed; run pulumi"
        f" plugin install resource random v{version('pulumi-random')} (in a clone of acmidm: make"
        " random-plugin), then this again"
    ]
