from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.model.workspace import CATALOGUE, FORM, ORGANISATION, Workspace, public_key


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """One valid form in a folder of its own, which is the working directory: messages name files from it."""
    monkeypatch.chdir(tmp_path)
    workspace = Workspace(tmp_path)
    for name, text in CATALOGUE.items():
        workspace.write(f"catalogue/{name}", text)
    workspace.write_organisation(ORGANISATION)
    workspace.write_form(FORM)
    workspace.write_key(public_key("tni"))
    workspace.write_key(public_key("prod"), "gent/prod")
    return workspace
