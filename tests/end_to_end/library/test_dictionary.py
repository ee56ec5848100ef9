"""A type of authority of somebody else's, installed beside this package, under the real engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.engine import Project
from tests.support.forms import PLAIN, write_form
from tests.support.portal import RunningPortal
from tests.support.third_party import SETTINGS, dictionary_site


@pytest.fixture
def theirs(portal: RunningPortal, tmp_path: Path) -> Project:
    """A project whose clients are in a dictionary, which ends with each run."""
    project = Project(tmp_path / "project", environment={"PYTHONPATH": str(dictionary_site())})
    project.prepare(
        {**SETTINGS, "issuer": portal.issuer, "productsUrl": f"{portal.origin}/products/v1"}
    )
    project.start_python()
    return project


@pytest.mark.exhaustive
def test_a_connection_is_made_at_an_authority_of_others(theirs: Project) -> None:
    """It is named by a setting, and it is asked: of a run that has ended it has nothing."""
    form = write_form(theirs.forms, scopes=(PLAIN,), platforms=["acmidm"])
    theirs.apply()
    client = theirs.resources()[f"OAuthClient {form.key}"]
    assert client["id"] == client["outputs"]["client_id"]
    assert theirs.resources()[f"ClientScopes {form.key}"]["inputs"]["scopes"].keys() == {PLAIN}
    steps = json.loads(theirs.succeed("preview", "--json", "--refresh").stdout)["steps"]
    assert {step["op"] for step in steps if step["urn"] == client["urn"]} == {"refresh", "create"}
