from __future__ import annotations

from datetime import UTC, datetime, timedelta
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


@pytest.fixture
def place(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A form whose keys end in 100 days, in profile fapi2, where keys are quickly made; and a home that is in no
    repository."""
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    ends = int((datetime.now(UTC) + timedelta(days=100)).timestamp())
    for environment in ("tni", "prod"):
        workspace.write(
            f"Pulumi.{environment}.yaml", f"config: {{acmidm:environment: {environment}, acmidm:profile: fapi2}}\n"
        )
        workspace.write_key(
            {**public_key(environment, kty="EC", crv="P-256"), "alg": "ES256", "exp": ends}, f"gent/{environment}"
        )
    return workspace
