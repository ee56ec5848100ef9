"""The first look at a new onboarding."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.engine import Project, kind_of
from tests.support.forms import DOSSIERS, SEND, write_form

NOWHERE = "http://127.0.0.1:9"
"""The discard port, where nobody listens: a request there fails at once."""


def contents(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file() and ".venv" not in file.parts}


@pytest.fixture
def unconnected(tmp_path: Path) -> Project:
    """A project whose authority is down and whose operator has no key on this machine."""
    project = Project(tmp_path / "project")
    project.prepare(
        {
            "managementUrl": f"{NOWHERE}/management/v1",
            "issuer": f"{NOWHERE}/op",
            "productsUrl": f"{NOWHERE}/products/v1",
            "operatorClientId": "nobody",
            "operatorPrivateKeyFile": "absent.jwk.json",
        }
    )
    return project


def test_shows_all_resources_without_server_or_key_and_writes_nothing(unconnected: Project) -> None:
    """What a contributor without any access sees in a pull request is complete, each resource with its own type."""
    write_form(unconnected.forms, scopes=(SEND, DOSSIERS))
    before = contents(unconnected.folder)

    steps = unconnected.steps()

    shown = {(kind_of(step["urn"]), step["newState"]["type"], step["op"]) for step in steps}
    kinds = ("OAuthClient", "ClientScopes", "ClientJwks", "ProductConfiguration")
    assert shown == {(kind, f"pulumi-python:dynamic/acmidm:{kind}", "create") for kind in kinds}
    names = {step["urn"].rpartition("::")[2] for step in steps}
    assert names == {"gent/loket", "gent/loket/notificaties", "gent/loket/dosis"}
    assert contents(unconnected.folder) == before


def test_preview_of_a_change_needs_neither_server_nor_key(unconnected: Project, project: Project) -> None:
    """After an ``up`` elsewhere, a preview on a machine without access still compares the forms with the state."""
    form = write_form(project.forms)
    project.apply()
    project.configure({key: value for key, value in _settings(unconnected).items() if key.endswith(("Url", "issuer", "File"))})
    form.document["contacts"].append("tweede@stad-gent.example")
    form.save()
    before = contents(project.folder / "state")

    assert list(project.details()) == ["OAuthClient gent/loket"]
    assert contents(project.folder / "state") == before


def _settings(project: Project) -> dict[str, object]:
    import yaml

    config = yaml.safe_load((project.folder / f"Pulumi.{project.stack}.yaml").read_text())["config"]
    return {key.removeprefix("acmidm:"): value for key, value in config.items()}
