"""A stack on a realm: from form to notification, adoption, secrets and keys, and what its
organisations are shown."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.support.client_secrets import secret_of
from tests.support.engine import Project, details
from tests.support.evidence import write_evidence
from tests.support.forms import DOSIS, DOSSIERS, PLAIN, SEND, write_form
from tests.support.keycloak_platform import Platform
from tests.support.mail_server import running_mail_server
from tests.support.messages import NOTIFICATION
from tests.support.portal import new_key
from tests.support.rotating import as_if_days_ago, drop


def test_form_client_token_notification_and_a_scope_extension(
    platform: Platform, project: Project
) -> None:
    """The key of the form gets a token for what its request names of what the form asks; a second
    `up` changes nothing.

    And after `destroy` nothing is left.
    """
    before = platform.realm.client_ids()
    form = write_form(project.forms, scopes=(SEND,), keys=("old", "new"))
    project.apply()
    client_id = project.client_id(form)

    for kid in ("old", "new"):
        granted = platform.realm.request_token(form.keys[kid], client_id, scope=SEND)
        assert granted.json().get("scope") == SEND, granted.text
    sent = httpx.post(
        f"{platform.portal.origin}/api/v2/notificaties",
        json=NOTIFICATION,
        headers={"authorization": f"Bearer {granted.json()['access_token']}"},
    )
    assert sent.status_code == 200, sent.text

    refused = platform.realm.request_token(form.keys["new"], client_id, scope=DOSSIERS)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")

    form.request()["scopes"][DOSSIERS] = {}
    form.request()["products"]["dosis"] = DOSIS
    form.save()
    project.apply()
    both = platform.realm.request_token(form.keys["new"], client_id, scope=f"{SEND} {DOSSIERS}")
    assert set(both.json()["scope"].split()) == {SEND, DOSSIERS}

    assert platform.realm.request_token(form.keys["new"], client_id).json()["scope"] == ""

    project.apply("--expect-no-changes")
    project.in_sync()
    project.succeed("destroy", "--yes", "--skip-preview")
    assert platform.realm.client_ids() == before


def test_a_client_made_by_hand_is_adopted(platform: Platform, project: Project) -> None:
    """Its client-ID stays, what Keycloak and people gave it goes, and the preview says so before.

    Keycloak knows no organisation: organisation.yaml, which is the onboarding team's, has to name
    the client too. While it may be an operator's, it is refused whoever names it.
    """
    realm = platform.realm
    by_hand = f"hand-made-{len(realm.client_ids())}"
    realm.add_client(by_hand, name="Gent", publicClient=False, standardFlowEnabled=True)
    realm.set_keys(by_hand, [new_key("by-hand")])
    realm.add_claim(by_hand, "vo_ovocode", "OVO000001")
    form = write_form(project.forms, scopes=(PLAIN,))
    form.request()["adopt"] = {"acmidm": by_hand}
    form.save()
    refused = project.preview()
    assert refused.code != 0
    assert any(
        f'client "{by_hand}" may have any right over the realm, for Full scope allowed is on'
        in line
        for line in refused.errors
    )
    realm.change(by_hand, fullScopeAllowed=False)
    refused = project.up()
    assert refused.code != 0
    assert any(
        "has no code of an organisation at its authority" in line for line in refused.errors
    ), refused.errors
    form.organisation["adopts"] = [by_hand]
    form.save()
    shown = project.preview("--diff").output
    for words in ("by-hand", "profile", f"{by_hand}-dedicated", "authorization_code"):
        assert words in shown
    project.apply()
    project.apply()  # it came with a secret, which works until its key is there
    assert project.client_id(form) == by_hand
    assert realm.scopes(by_hand) == {PLAIN}
    assert not realm.client(by_hand)["fullScopeAllowed"]
    assert "protocolMappers" not in realm.client(by_hand)
    assert [key["kid"] for key in realm.keys(by_hand)] == ["key-1"]
    assert realm.request_token(form.keys["key-1"], by_hand, scope=PLAIN).status_code == 200
    project.in_sync()
    # The state is lost: the natural key still finds it, though its client-ID does not come from
    # there; but not while it is another's.
    del form.request()["adopt"]
    form.save()
    project.succeed("stack", "rm", project.stack, "--yes", "--force", "--preserve-config")
    project.succeed("stack", "init", project.stack)
    realm.change(by_hand, attributes={"acmidm.managed_by": "other/tni"})
    refused = project.up()
    assert refused.code != 0
    assert any(
        f"client {by_hand} is registered already" in line and "managed by other/tni" in line
        for line in refused.errors
    )
    realm.change(by_hand, attributes={"acmidm.managed_by": f"acmidm/{project.stack}"})
    project.apply()
    assert project.client_id(form) == by_hand


@pytest.mark.usefixtures("random_plugin")
def test_a_client_moves_from_a_secret_to_a_key_and_back(
    platform: Platform, project: Project
) -> None:
    """At no moment does neither work: a secret until the key is there, and from the run that sets
    one. A renewed one ends the former.

    One that somebody renewed by hand is put back.
    """
    realm = platform.realm
    project.configure({"keyOverlapDays": 14})
    form = write_form(
        project.forms, keys=(), scopes=(PLAIN,), token_endpoint_auth_method="client_secret_basic"
    )
    project.apply()
    first, client_id = secret_of(project, form), project.client_id(form)

    def works(secret: str) -> bool:
        url, data = (
            f"{realm.issuer}/protocol/openid-connect/token",
            {"grant_type": "client_credentials"},
        )
        return httpx.post(url, data=data, auth=(client_id, secret), timeout=30).status_code == 200

    def signs() -> bool:
        return realm.request_token(form.keys["key-1"], client_id).status_code == 200

    # As the console's Regenerate does. Keycloak tells the date to the second.
    path = f"/{realm.name}/clients/{realm.client(client_id)['id']}/client-secret"
    before = realm.client(client_id)["attributes"].get("client.secret.creation.time")
    while realm.client(client_id)["attributes"].get("client.secret.creation.time") == before:
        realm.administrator.post(path, {})
    project.secrets.append(realm.client(client_id)["secret"])
    assert details(project.steps("--refresh")) == {
        f"OAuthClient {form.key}": ("update", ["client_secret"])
    }
    project.apply("--refresh")
    assert works(first)

    form.request()["secret_generation"] = 2
    form.save()
    assert "; the one before ends at once" in project.acmidm("review", "--stack", "tni").output
    project.apply()
    second = secret_of(project, form)
    assert [works(first), works(second)] == [False, True]

    form.document["token_endpoint_auth_method"] = "private_key_jwt"
    del form.request()["secret_generation"]
    form.add_key("key-1")
    form.save()
    assert (
        "goes on with its client secret until its authority has one of the keys in its form"
        in project.apply().output
    )
    assert [works(second), signs()] == [True, False]
    project.apply()
    assert [works(second), signs()] == [False, True]
    project.in_sync()

    form.document["token_endpoint_auth_method"] = "client_secret_basic"
    del form.request()["jwks"]
    form.save()
    project.apply()
    assert [works(secret_of(project, form)), signs()] == [True, False]
    project.in_sync()


def test_a_key_leaves_beside_one_that_is_proven(platform: Platform, project: Project) -> None:
    """Keycloak cannot tell which keys are in use: evidence alone lets a key go."""
    project.configure({"keyOverlapDays": 14})
    form = write_form(project.forms, scopes=(SEND,), keys=("old", "new"))
    project.apply()
    client_id = project.client_id(form)
    as_if_days_ago(project, form, 20)
    new = form.keys["new"]
    assert platform.realm.request_token(new, client_id, scope=SEND).status_code == 200
    drop(form, "old")
    assert project.preview().code != 0
    stays = project.apply()
    assert (
        'key "old" may leave once key "new" is proven (its authority cannot tell which keys are in'
        " use)" in stays.output
    )
    assert {key["kid"] for key in platform.realm.keys(client_id)} == {"old", "new"}

    write_evidence(
        form.path.parent,
        new.as_dict(private=True),
        organisation=form.code,
        application=form.application,
        client_id=client_id,
    )
    project.apply()
    assert {key["kid"] for key in platform.realm.keys(client_id)} == {"new"}
    assert platform.realm.request_token(new, client_id, scope=SEND).status_code == 200
    project.in_sync()


def test_keycloak_shows_what_it_can(project: Project) -> None:
    """The client-ID is mailed, and who has no key gives it in the form; neither names a portal that
    is not there.

    Nor does Keycloak tell when a token was fetched.
    """
    with_key, without = (
        write_form(project.forms, "gent/met", scopes=(SEND,)),
        write_form(project.forms, "gent/zonder", scopes=(SEND,)),
    )
    del without.request()["jwks"]
    without.save()
    with running_mail_server() as server:
        project.configure(
            {"smtpUrl": f"smtp://127.0.0.1:{server.port}", "mailSender": "dv@vlaanderen.example"}
        )
        project.apply()
        told = [mail.get_body(("plain",)).get_content() for mail in server.received]  # type: ignore[union-attr]
    connections = project.outputs()["connections"]
    for form, said in ((with_key, "zijn al opgeladen"), (without, "via uw aansluitingsformulier")):
        client_id = connections[form.key]["acmidm"]["client_id"]
        (mail,) = (one for one in told if client_id in one)
        assert said in mail
        assert "Beheerportaal" not in mail
    outcome = project.acmidm("status", "--board", "--stack", project.stack, "--output", "json")
    assert outcome.code == 0, outcome.output
    rows = {
        found["connection"]["client_id"]: found
        for found in json.loads(outcome.stdout)["connections"]
    }
    proven, waiting = (
        rows[connections[form.key]["acmidm"]["client_id"]] for form in (with_key, without)
    )
    assert (proven["step"], proven["order"], proven["unknown"]) == (7, "validate", ["last_token"])
    assert (waiting["step"], waiting["order"], waiting["waits_for"]) == (
        5,
        "first-key",
        "organisation",
    )
    assert "Beheerportaal" not in waiting["text"]
