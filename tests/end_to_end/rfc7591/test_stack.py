"""A stack on an authority that nobody here wrote, by RFC 7591 and 7592 alone: from the first run to
the last."""

from __future__ import annotations

import httpx

from tests.end_to_end.rfc7591.conftest import change_by_hand, changed_by_hand
from tests.support.engine import Project, details
from tests.support.forms import PLAIN, SEND, write_form
from tests.support.oidc_provider import Platform, RunningProvider
from tests.support.trust import TRUSTED

NOTIFICATION = "/api/v2/notificaties"


def test_from_the_first_run_to_the_last(project: Project, platform: Platform) -> None:
    """Made with its keys in one registration; unchanged; used; rotated; extended; withdrawn;
    destroyed."""
    provider = platform.provider
    form = write_form(project.forms, scopes=(SEND, PLAIN))
    project.apply()
    project.in_sync()
    client_id = project.client_id(form)
    client = provider.clients[client_id]
    assert client["scope"].split() == sorted((SEND, PLAIN))
    assert [key["kid"] for key in client["jwks"]["keys"]] == ["key-1"]

    answer = provider.request_token(form.keys["key-1"], client_id, scope=SEND)
    token = answer.raise_for_status().json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    # The product's API checks issuer, audience and scope of the token; what it says of the document
    # is its own.
    assert (
        httpx.post(platform.portal.origin + NOTIFICATION, json={}, verify=TRUSTED).status_code
        == 401
    )
    used = httpx.post(
        platform.portal.origin + NOTIFICATION, json={}, headers=headers, verify=TRUSTED
    )
    assert used.status_code == 400, used.text

    form.add_key("key-2")
    form.save()
    project.apply()
    form.request()["jwks"].pop(0)
    form.request()["scopes"] = {SEND: {}}
    form.document["contacts"] = ["nieuw@stad-gent.example"]
    form.save()
    project.apply()
    project.in_sync()
    client = provider.clients[client_id]
    assert [key["kid"] for key in client["jwks"]["keys"]] == ["key-2"]
    assert (client["scope"], client["contacts"]) == (SEND, ["nieuw@stad-gent.example"])
    assert provider.request_token(form.keys["key-1"], client_id, scope=SEND).status_code == 401
    assert provider.request_token(form.keys["key-2"], client_id, scope=SEND).status_code == 200

    project.succeed("destroy", "--yes")
    assert client_id not in provider.clients


def test_changes_by_hand_show_and_are_healed(project: Project, provider: RunningProvider) -> None:
    """By ``preview --refresh`` property by property, by ``drift`` in words; ``--heal`` puts all of
    it back."""
    form = write_form(project.forms, scopes=(SEND,))
    project.apply()
    client_id = project.client_id(form)
    before = provider.clients[client_id]
    change_by_hand(provider, client_id)
    assert details(project.steps("--refresh")) == changed_by_hand(form)
    outcome = project.acmidm("drift")
    assert outcome.code == 1
    assert f"was granted scope {PLAIN} by hand" in outcome.stdout
    assert (
        "Which clients on acmidm nobody declares cannot be known: its authority lists none."
        in outcome.stdout
    )
    outcome = project.acmidm("drift", "--heal")
    assert outcome.code == 0, outcome.output
    after = provider.clients[client_id]
    assert {**after, "incarnation": ""} == {**before, "incarnation": ""}


def test_every_scope_by_hand_is_a_danger_that_is_healed(
    project: Project, provider: RunningProvider
) -> None:
    form = write_form(project.forms, scopes=(SEND,))
    project.apply()
    client_id = project.client_id(form)
    provider.change(client_id, scope=None)
    outcome = project.acmidm("drift")
    assert outcome.code == 1
    assert "was granted scope every scope of this authority by hand" in outcome.stdout
    assert project.acmidm("drift", "--heal").code == 0
    assert provider.clients[client_id]["scope"] == SEND


def test_a_client_whose_keys_are_not_known_waits_for_them(
    project: Project, provider: RunningProvider
) -> None:
    """Its authority takes none without; the others are made, and it is too once its form names a
    key."""
    waiting, other = write_form(project.forms, keys=()), write_form(project.forms, "gent/ander")
    outcome = project.recover()
    assert outcome.code == 0, outcome.output
    assert "makes no client before its keys are known; name them under jwks" in outcome.stderr
    assert (len(provider.named(waiting.application)), len(provider.named(other.application))) == (
        0,
        1,
    )
    outcome = project.acmidm("review", "--stack", "tni")
    assert f"{waiting.application}" in outcome.stdout
    assert (
        "is not made yet: its authority makes no client before its keys are known" in outcome.stdout
    )
    assert (
        "Put a public key into your form"
        in project.acmidm("status", "--board", "--stack", "tni", "--language", "en").stdout
    )
    waiting.add_key("key-1")
    waiting.save()
    project.apply()
    assert len(provider.named(waiting.application)) == 1


def test_a_secret_is_refused_at_its_line(project: Project) -> None:
    form = write_form(
        project.forms, keys=(), token_endpoint_auth_method="client_secret_basic", exemptions={}
    )
    form.document.pop("exemptions")
    form.save()
    outcome = project.preview()
    assert outcome.code != 0
    assert (
        "rfc7591, the authority of acmidm in a stack of tni, takes no client secret of ours"
        in outcome.output
    )


def test_one_that_was_removed_by_hand_fails_nobody_else(
    project: Project, provider: RunningProvider
) -> None:
    """Its authority does not say that it is gone: it stays in the state, and the report says what
    to do."""
    removed, other = write_form(project.forms), write_form(project.forms, "gent/ander")
    project.apply()
    gone, stays = project.client_id(removed), project.client_id(other)
    provider.remove(gone)
    provider.change(stays, client_name="Anders")
    outcome = project.acmidm("drift", "--heal")
    assert outcome.code == 3, outcome.output
    assert f"Client {gone} could not be looked at" in outcome.output
    assert "left behind" not in outcome.output
    assert provider.clients[stays]["client_name"] != "Anders"
    outcome = project.succeed("refresh", "--yes")
    assert f"client {gone} was removed by hand" in outcome.output
    assert f"OAuthClient {removed.key}" in project.resources()
    assert f"OAuthClient {removed.key}" in project.resources()

    for urn in [
        found["urn"] for place, found in project.resources().items() if place.endswith(removed.key)
    ][::-1]:
        project.succeed("state", "delete", "--yes", "--target-dependents", urn)
    project.apply()
    assert len(provider.named(removed.application)) == 1
