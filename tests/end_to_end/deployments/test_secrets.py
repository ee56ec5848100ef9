"""A client secret reaches the organisation, the authority and the encrypted state: nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.end_to_end.deployments.test_first_preview import NO_ACCESS
from tests.support.client_secrets import has_access, secret_of
from tests.support.engine import Project
from tests.support.forms import write_form
from tests.support.portal import RunningPortal
from tests.support.registry import Registry


def test_without_the_plugin_one_sentence_says_how_to_get_it(tmp_path: Path) -> None:
    """Where `pulumi` is run by hand; the engine's own error names no remedy, and make up and make
    deploy install it."""
    project = Project(tmp_path, environment={"PULUMI_HOME": str(tmp_path / "home")})
    project.prepare(NO_ACCESS)
    form = write_form(project.forms, keys=(), token_endpoint_auth_method="client_secret_basic")
    refused = project.preview()
    assert refused.code != 0
    assert refused.errors == [
        f"{form.key} has a client secret, and the plugin that makes it is not installed; run make"
        " random-plugin, then this again"
    ]


@pytest.mark.usefixtures("random_plugin")
def test_secret_works_and_never_shows(
    project: Project, portal: RunningPortal, registry: Registry
) -> None:
    """Through create, preview, review, refresh, update and repair, the secret stays encrypted and
    masked, and goes on working.

    So does the operator's key, given as a secret of the stack instead of a file.
    """
    form = write_form(project.forms, keys=(), token_endpoint_auth_method="client_secret_basic")
    project.configure({"operatorPrivateKeyFile": ""})
    key = json.dumps(portal.operator_key.as_dict(private=True))
    project.succeed("config", "set", "--secret", "acmidm:operatorPrivateKey", key)
    made = project.apply().output
    secret = secret_of(project, form)
    client_id = registry.client(form.application)["client_id"]
    assert has_access(portal, client_id, secret)
    shown = project.outputs()
    assert shown["client_secrets"] == "[secret]"
    assert shown["connections"][form.key]["acmidm"]["client_id"] == client_id

    form.document["contacts"] = ["nieuw@stad-gent.example"]
    form.save()
    project.succeed("preview", "--refresh", "--json")
    saved = project.folder / "approved.json"
    assert project.acmidm("review", "--stack", "tni", "--save", str(saved)).code == 0
    assert "[secret]" in saved.read_text()
    project.apply("--diff")
    project.succeed("refresh", "--yes")
    project.in_sync()
    assert has_access(portal, client_id, secret)

    registry.change(client_id, token_endpoint_auth_method="private_key_jwt")
    assert not has_access(portal, client_id, secret)
    project.apply("--refresh", "--diff")
    assert has_access(portal, client_id, secret)
    project.exported()
    assert secret not in made
    # What the engine keeps, all of it: state, backups, history; and what a review saved.
    kept = [
        file.read_text()
        for file in (*(project.folder / "state").rglob("*"), saved, portal.log)
        if file.is_file()
    ]
    assert not any(private in text for private in project.secrets for text in kept)
