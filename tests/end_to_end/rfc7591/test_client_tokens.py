"""A stack on an authority that opens each client to the token of its own registration, found by the
issuer's name alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.rfc7591.conftest import change_by_hand, changed_by_hand
from tests.support.engine import Project, details
from tests.support.forms import PLAIN, SEND, write_form
from tests.support.oidc_provider import Platform, running_platform

REGISTRATION = "registration"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running_platform(tmp_path_factory.mktemp("tokens"), client_tokens="lasting") as running:
        yield running


@pytest.fixture
def project(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that names no registration endpoint."""
    platform.clear()
    made = platform.project(tmp_path_factory.mktemp("project"), registrationAccessTokens=True)
    made.configure({"managementUrl": ""})
    return made


def test_from_the_first_run_to_the_last(project: Project, platform: Platform) -> None:
    """The state has the token as a secret, and whoever can decrypt the state opens the client:
    runs, drift, destroy."""
    provider = platform.provider
    form = write_form(project.forms, scopes=(SEND,))
    project.apply()
    client_id = project.client_id(form)
    token = provider.token_of(client_id)
    project.secrets.append(token)
    assert token not in project.exported()
    kept = [kind for kind, one in project.resources().items() if REGISTRATION in one["outputs"]]
    assert sorted(kept) == [
        f"{kind} {form.key}" for kind in ("ClientJwks", "ClientScopes", "OAuthClient")
    ]
    project.in_sync()

    change_by_hand(provider, client_id)
    assert details(project.steps("--refresh")) == changed_by_hand(form)
    drift = project.acmidm("drift")
    assert drift.code == 1
    assert f"was granted scope {PLAIN} by hand" in drift.stdout
    healed = project.acmidm("drift", "--heal")
    assert healed.code == 0, healed.output
    assert provider.clients[client_id]["scope"] == SEND

    form.add_key("key-2")
    form.request()["jwks"].pop(0)
    form.document["contacts"] = ["nieuw@stad-gent.example"]
    form.save()
    deployed = project.recover()
    assert deployed.code == 0, deployed.output
    project.in_sync()
    assert [key["kid"] for key in provider.clients[client_id]["jwks"]["keys"]] == ["key-2"]
    assert provider.token_of(client_id) == token

    project.succeed("refresh", "--yes")
    kept = [kind for kind, one in project.resources().items() if REGISTRATION in one["outputs"]]
    assert len(kept) == 3
    project.succeed("destroy", "--yes")
    assert client_id not in provider.clients


def test_a_client_whose_token_nobody_has_is_left_alone(
    project: Project, platform: Platform
) -> None:
    """As after a state was lost: a sentence for this client, and everybody else's is carried
    out."""
    lost = write_form(project.forms, scopes=(SEND,))
    project.apply()
    client_id = project.client_id(lost)

    def forget(state: dict[str, Any]) -> None:
        for resource in state["resources"]:
            resource.get("outputs", {}).pop(REGISTRATION, None)

    project.change_state(forget)
    other = write_form(project.forms, "gent/ander")
    lost.document["contacts"] = ["nieuw@stad-gent.example"]
    lost.save()
    outcome = project.up("--continue-on-error")
    assert outcome.code != 0
    assert f"client {client_id} is opened by the token of its own registration" in outcome.output
    assert project.client_id(other) in platform.provider.clients
    assert platform.provider.clients[client_id]["contacts"] != ["nieuw@stad-gent.example"]
