"""Keys at an address, on a real Keycloak: declared, read back, changed, and exchanged for keys in
files and back."""

from __future__ import annotations

from typing import Any

from acmidm_onboarding.authorities.keycloak.adapter import Keycloak
from tests.support.engine import Project, details
from tests.support.forms import PLAIN, write_form
from tests.support.keycloak import TestRealm
from tests.support.keycloak_platform import Platform
from tests.support.portal import metadata, new_key, public_jwk

FIRST, SECOND = "https://keys.gent.example/jwks.json", "https://sleutels.gent.example/jwks.json"


def test_an_address_is_declared_changed_and_left(platform: Platform, project: Project) -> None:
    """At no moment the client has neither keys nor an address: what replaces the other is one
    request."""
    realm = platform.realm
    form = write_form(project.forms, scopes=(PLAIN,), keys=())
    form.request()["jwks_uri"] = FIRST
    form.save()
    project.apply()
    client_id = project.client_id(form)
    assert source(realm, client_id) == {"jwks_uri": FIRST}

    realm.change(client_id, attributes={"jwks.url": "https://elsewhere.example/jwks"})
    assert details(project.steps("--refresh")) == {
        f"OAuthClient {form.key}": ("update", ["jwks_uri"])
    }
    form.request()["jwks_uri"] = SECOND
    form.save()
    project.apply("--refresh")
    assert source(realm, client_id) == {"jwks_uri": SECOND}

    form.request().pop("jwks_uri")
    form.add_key("key-1")
    form.save()
    project.apply()
    assert source(realm, client_id) == {"kids": ["key-1"]}
    assert realm.request_token(form.keys["key-1"], client_id, scope=PLAIN).status_code == 200
    project.in_sync()

    form.request()["jwks_uri"] = FIRST
    form.request().pop("jwks")
    form.save()
    project.apply()
    assert source(realm, client_id) == {"jwks_uri": FIRST}
    assert realm.request_token(form.keys["key-1"], client_id, scope=PLAIN).status_code != 200
    project.in_sync()

    form.remove()
    project.apply()
    assert client_id not in realm.client_ids()


def test_what_nobody_declares_is_the_portals(adapter: Keycloak, realm: TestRealm) -> None:
    """An update leaves an address alone that no form has; a form that has one takes over whatever
    was there."""
    before = metadata()
    client_id = adapter.register(before, None).client_id
    adapter.replace_jwks(client_id, {}, {"key-1": public_jwk(new_key("key-1"))})
    realm.change(
        client_id,
        attributes={
            "use.jwks.url": "true",
            "jwks.url": FIRST,
            "use.jwks.string": "false",
            "jwks.string": None,
        },
    )
    renamed = before.model_copy(update={"client_name": "Anders"})
    adapter.update(client_id, before, renamed, None)
    assert source(realm, client_id) == {"jwks_uri": FIRST}
    wanted = renamed.model_copy(update={"jwks_uri": SECOND})
    adapter.update(client_id, renamed, wanted, None)
    assert source(realm, client_id) == {"jwks_uri": SECOND}
    adapter.update(client_id, wanted, renamed, None)
    assert source(realm, client_id) == {"jwks_uri": SECOND}, "it stays until there are keys"


def source(realm: TestRealm, client_id: str) -> dict[str, Any]:
    """Where Keycloak takes the client's keys from, and that it is one place."""
    attributes = realm.client(client_id)["attributes"]
    if attributes.get("use.jwks.url") == "true":
        assert attributes.get("use.jwks.string") != "true"
        assert "jwks.string" not in attributes
        return {"jwks_uri": attributes["jwks.url"]}
    return {"kids": [key["kid"] for key in realm.keys(client_id)]}
