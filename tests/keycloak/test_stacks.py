"""Stacks on a realm: two side by side, adoption of what was made by hand, secrets."""

from __future__ import annotations

import httpx
import pytest

from tests.engine.test_secrets import secret_of
from tests.support.engine import Project, details
from tests.support.forms import PLAIN, FormFile, write_form
from tests.support.keycloak_platform import Platform
from tests.support.portal import new_key


def client_id_of(project: Project, form: FormFile) -> str:
    return str(project.outputs()["connections"][form.key]["acmidm"]["client_id"])


def test_a_client_made_by_hand_is_adopted(platform: Platform, project: Project) -> None:
    """Its client-ID stays, what Keycloak and people gave it goes, and the preview says so before.

    Keycloak knows no organisation: organisation.yaml, which is the onboarding team's, has to name the client too. While it may
    be an operator's, it is refused whoever names it.
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
    assert any(f'client "{by_hand}" may have any right over the realm, for Full scope allowed is on' in line for line in refused.errors)
    realm.change(by_hand, fullScopeAllowed=False)
    refused = project.up()
    assert refused.code != 0
    assert any("has no code of an organisation at its authority" in line for line in refused.errors), refused.errors
    form.organisation["adopts"] = [by_hand]
    form.save()
    shown = project.preview("--diff").output
    for words in ("by-hand", "profile", f"{by_hand}-dedicated", "authorization_code"):
        assert words in shown
    project.apply()
    project.apply()  # it came with a secret, which works until its key is there
    assert client_id_of(project, form) == by_hand
    assert realm.scopes(by_hand) == {PLAIN}
    assert not realm.client(by_hand)["fullScopeAllowed"]
    assert "protocolMappers" not in realm.client(by_hand)
    assert [key["kid"] for key in realm.keys(by_hand)] == ["key-1"]
    assert realm.request_token(form.keys["key-1"], by_hand, scope=PLAIN).status_code == 200
    project.in_sync()
    # The state is lost: the natural key still finds it, though its client-ID does not come from there; but not while it is another's.
    del form.request()["adopt"]
    form.save()
    project.succeed("stack", "rm", project.stack, "--yes", "--force", "--preserve-config")
    project.succeed("stack", "init", project.stack)
    realm.change(by_hand, attributes={"acmidm.managed_by": "other/tni"})
    refused = project.up()
    assert refused.code != 0
    assert any(f"client {by_hand} is registered already" in line and "managed by other/tni" in line for line in refused.errors)
    realm.change(by_hand, attributes={"acmidm.managed_by": f"acmidm/{project.stack}"})
    project.apply()
    assert client_id_of(project, form) == by_hand


@pytest.mark.usefixtures("random_plugin")
def test_a_client_moves_from_a_secret_to_a_key_and_back(platform: Platform, project: Project) -> None:
    """At no moment does neither work: a secret until the key is there, and from the run that sets one. A renewed one ends the former.

    One that somebody renewed by hand is put back.
    """
    realm = platform.realm
    project.configure({"keyOverlapDays": 14})
    form = write_form(project.forms, keys=(), scopes=(PLAIN,), token_endpoint_auth_method="client_secret_basic")
    project.apply()
    first, client_id = secret_of(project, form), client_id_of(project, form)

    def works(secret: str) -> bool:
        url, data = f"{realm.issuer}/protocol/openid-connect/token", {"grant_type": "client_credentials"}
        return httpx.post(url, data=data, auth=(client_id, secret), timeout=30).status_code == 200

    def signs() -> bool:
        return realm.request_token(form.keys["key-1"], client_id).status_code == 200

    # As the console's Regenerate does. Keycloak tells the date to the second.
    path = f"/{realm.name}/clients/{realm.client(client_id)['id']}/client-secret"
    before = realm.client(client_id)["attributes"].get("client.secret.creation.time")
    while realm.client(client_id)["attributes"].get("client.secret.creation.time") == before:
        realm.administrator.post(path, {})
    project.secrets.append(realm.client(client_id)["secret"])
    assert details(project.steps("--refresh")) == {f"OAuthClient {form.key}": ("update", ["client_secret"])}
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
    assert "goes on with its client secret until its authority has one of the keys in its form" in project.apply().output
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
