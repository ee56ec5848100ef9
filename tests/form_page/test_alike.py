"""The loader and the editor's schema by the table of cases; the page by the same, in
``test_page``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from acmidm.cli import app
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_onboarding.forms.editor import onboarding_schema, organisation_schema
from tests.form_page.cases import CASES, document_of
from tests.support.offered import catalogue_folder
from tests.support.workspace import Workspace

CATALOGUE = load_catalogue(catalogue_folder())
FORM = Draft202012Validator(onboarding_schema(CATALOGUE))
ORGANISATION = Draft202012Validator(organisation_schema(CATALOGUE))


@pytest.mark.parametrize("name", CASES)
def test_the_loader_takes_what_is_right_and_the_schema_what_the_loader_takes(
    workspace: Workspace, name: str
) -> None:
    """What it writes is what the schema of an editor has no mistake in."""
    workspace.offer(catalogue_folder())
    shutil.rmtree(workspace.forms / "gent")
    workspace.forms.rmdir()
    Path("aansluiting.yaml").write_text(
        yaml.safe_dump(document_of(CASES[name]), allow_unicode=True)
    )
    result = CliRunner().invoke(app, ["new", "--from", "aansluiting.yaml"])
    assert result.exit_code == (2 if CASES[name].is_wrong else 0), result.output
    for file in workspace.forms.rglob("*.yaml"):
        schema = ORGANISATION if file.name == "organisation.yaml" else FORM
        # An editor reads a day as a text.
        read = json.loads(json.dumps(yaml.safe_load(file.read_text()), default=str))
        assert [error.message for error in schema.iter_errors(read)] == []
