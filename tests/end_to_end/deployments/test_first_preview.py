"""The first look at a new onboarding."""

from __future__ import annotations

from pathlib import Path

from tests.support.engine import Project, kind_of
from tests.support.forms import DOSSIERS, SEND, write_form

NOWHERE = "http://127.0.0.1:9"
"""The discard port, where nobody listens: a request there fails at once."""
NO_ACCESS = {
    "managementUrl": f"{NOWHERE}/management/v1",
    "issuer": f"{NOWHERE}/op",
    "productsUrl": f"{NOWHERE}/products/v1",
    "operatorClientId": "nobody",
    "operatorPrivateKeyFile": "absent.jwk.json",
}


def contents(folder: Path) -> dict[Path, bytes]:
    return {
        file: file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and ".venv" not in file.parts
    }


def test_shows_all_resources_without_server_or_key_and_writes_nothing(tmp_path: Path) -> None:
    """What a contributor without any access sees in a pull request is complete, each resource with
    its own type.

    Without any form it is refused, for what declares nothing removes everything; one of another
    environment is enough. A misspelt setting is refused too: it would be without effect.
    """
    project = Project(tmp_path)
    project.prepare(NO_ACCESS)
    refused = project.preview()
    assert refused.code != 0
    assert refused.errors == [
        "there is no form (*.yaml) in onboardings; correct acmidm:formsFolder, or remove all that"
        " the stack has with pulumi destroy"
    ]
    write_form(project.forms, "later/loket", environment="prod", platforms=["acmidm", "geosecure"])
    assert project.steps() == []

    form = write_form(project.forms, scopes=(SEND, DOSSIERS))
    before = contents(project.folder)

    steps = project.steps()

    shown = {(kind_of(step["urn"]), step["newState"]["type"], step["op"]) for step in steps}
    kinds = ("OAuthClient", "ClientScopes", "ClientJwks", "ProductConfiguration")
    assert shown >= {(kind, f"pulumi-python:dynamic/acmidm:{kind}", "create") for kind in kinds}
    names = {step["urn"].rpartition("::")[2] for step in steps}
    assert names == {form.key, f"{form.key}/notificaties", f"{form.key}/dosis"}
    assert contents(project.folder) == before

    project.configure({"protectClient": "true"})
    refused = project.preview()
    assert refused.code != 0
    assert refused.errors == [
        'setting acmidm:protectClient is not known; did you mean "protectClients"?'
    ]
