"""The adapter against a real Keycloak, without the engine: what is written, what is read, what is
refused."""

from __future__ import annotations

import base64
import json
from functools import partial
from typing import Any

import pytest

from acmidm_onboarding.authorities.errors import ChangedMeanwhile, Rejected
from acmidm_onboarding.authorities.http.collection import Bounded
from acmidm_onboarding.authorities.keycloak import adapter as keycloak
from acmidm_onboarding.authorities.keycloak.adapter import Keycloak
from acmidm_onboarding.values.metadata import Jwks
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import DOSSIERS, PLAIN, SEND
from tests.support.keycloak import TestRealm
from tests.support.portal import metadata, new_key, public_jwk


def claims_of(token: str) -> dict[str, Any]:
    """What an access token says, its signature not looked at."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return claims


def jwks(*kids: str) -> Jwks:
    return {kid: public_jwk(new_key(kid)) for kid in kids}


def test_what_is_written_is_read(realm: TestRealm, adapter: Keycloak) -> None:
    """In one request, as Keycloak gives whole clients: scopes too, and five keys of the longest
    kind."""
    wanted = metadata()
    client_id = adapter.register(wanted, None, {}, {}).client_id
    keys = {
        f"key-{number}": {
            "kty": "RSA",
            "kid": f"key-{number}",
            "use": "sig",
            "e": "AQAB",
            "n": "v" * 683,
        }
        for number in range(5)
    }
    adapter.replace_jwks(client_id, {}, keys)
    adapter.replace_scopes(client_id, {}, {SEND: False, PLAIN: False})
    with FaultProxy(realm.server.origin) as proxy:
        registered = realm.adapter(origin=proxy.origin).read(client_id)
        assert len(proxy.requests) == 1
    assert registered is not None
    assert (registered.metadata, registered.scopes, registered.jwks) == (
        wanted,
        {SEND: False, PLAIN: False},
        keys,
    )
    assert [found for found in adapter.clients() if found.client_id == client_id] == [registered]


def test_default_scopes_are_those_that_a_token_has_without_being_asked(
    realm: TestRealm, adapter: Keycloak
) -> None:
    """Keycloak's own idea of them. One that becomes default is withdrawn first, and a run that was
    cut off there is gone on with."""
    key = new_key("key-1")
    client_id = adapter.register(metadata(), None, {}, {}).client_id
    adapter.replace_jwks(client_id, {}, {"key-1": public_jwk(key)})
    first, second = (
        {SEND: False, PLAIN: True, DOSSIERS: False},
        {SEND: True, PLAIN: False, DOSSIERS: False},
    )
    adapter.replace_scopes(client_id, {}, first)
    assert adapter.read_scopes(client_id) == first
    assert claims_of(realm.request_token(key, client_id).json()["access_token"])["scope"] == PLAIN
    realm.withdraw(client_id, SEND)
    adapter.replace_scopes(client_id, first, second)
    assert [found.scopes for found in adapter.clients() if found.client_id == client_id] == [second]
    realm.withdraw(client_id, DOSSIERS)
    with pytest.raises(ChangedMeanwhile, match=f"removed {DOSSIERS}"):
        adapter.replace_scopes(client_id, second, {**first, DOSSIERS: False})


def test_attributes_are_claims_and_nothing_else_is(realm: TestRealm, adapter: Keycloak) -> None:
    """What a person adds beside them shows with the scopes and stays, but for what has the name of
    an attribute."""
    key, wanted = new_key("key-1"), metadata(attributes={"setbyclient_proef": "loket 7"})
    client_id = adapter.register(wanted, None, {}, {}).client_id
    adapter.replace_jwks(client_id, {}, {"key-1": public_jwk(key)})
    assert [found.metadata for found in adapter.clients() if found.client_id == client_id] == [
        wanted
    ]
    assert (
        claims_of(realm.request_token(key, client_id).json()["access_token"])["setbyclient_proef"]
        == "loket 7"
    )

    realm.add_claim(client_id, "vo_orgcode", "OVO000001")
    realm.add_claim(client_id, "vo_ovocode", "OVO000001", name="setbyclient_tweede")
    assert adapter.read_scopes(client_id) == {f"{client_id}-dedicated": False}
    other = wanted.model_copy(update={"attributes": {"setbyclient_tweede": "balie"}})
    adapter.update(client_id, wanted, other, None)
    claims = claims_of(realm.request_token(key, client_id).json()["access_token"])
    assert {
        name: value for name, value in claims.items() if "_" in name and name != "client_id"
    } == {
        "vo_orgcode": "OVO000001",
        "setbyclient_tweede": "balie",
    }
    adapter.replace_scopes(client_id, None, {})
    assert [mapper["name"] for mapper in realm.client(client_id)["protocolMappers"]] == [
        "setbyclient_tweede"
    ]
    adapter.update(client_id, other, wanted.model_copy(update={"attributes": {}}), None)
    assert not realm.client(client_id).get("protocolMappers")


@pytest.mark.parametrize("is_new", [True, False], ids=["registered", "replaced"])
def test_a_key_without_use_works(realm: TestRealm, adapter: Keycloak, is_new: bool) -> None:
    """RFC 7517 lets a key have none, and Keycloak passes such a key over. What is added for it is
    no difference; where somebody takes it away, that is one, and the next write puts it back."""
    key = new_key("key-1")
    declared = {"key-1": {n: value for n, value in public_jwk(key).items() if n != "use"}}
    made = adapter.register(metadata(), None, {}, declared if is_new else {})
    client_id = made.client_id
    if is_new:
        assert made.jwks == declared
    else:
        adapter.replace_jwks(client_id, {}, declared)
    assert adapter.read_jwks(client_id) == declared
    assert realm.request_token(key, client_id).status_code == 200

    text = json.loads(realm.client(client_id)["attributes"]["jwks.string"])
    del text["keys"][0]["use"]
    realm.change(client_id, attributes={"jwks.string": json.dumps(text)})
    assert realm.request_token(key, client_id).status_code != 200
    found = adapter.read_jwks(client_id)
    assert found == {"key-1": {**declared["key-1"], "use": "missing"}}
    with pytest.raises(ChangedMeanwhile):
        adapter.replace_jwks(client_id, declared, declared)
    adapter.replace_jwks(client_id, found, declared)
    assert realm.request_token(key, client_id).status_code == 200


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_authentication_methods(adapter: Keycloak, method: str) -> None:
    """Keycloak takes a secret either way; which one was asked for comes back all the same."""
    client_id = adapter.register(
        metadata(token_endpoint_auth_method=method), None, {}, {}
    ).client_id
    found = adapter.read(client_id)
    assert found is not None
    assert found.metadata.token_endpoint_auth_method == method


def test_a_new_client_can_do_nothing_but_what_it_is_for(
    realm: TestRealm, adapter: Keycloak
) -> None:
    """None of the scopes and flows that Keycloak gives to clients by itself, and no roles in its
    tokens."""
    client = realm.client(adapter.register(metadata(), None, {}, {}).client_id)
    assert client["defaultClientScopes"] == client["optionalClientScopes"] == []
    flows = (
        "standardFlowEnabled",
        "implicitFlowEnabled",
        "directAccessGrantsEnabled",
        "publicClient",
        "fullScopeAllowed",
    )
    assert not any(client[flow] for flow in flows)
    assert client["clientAuthenticatorType"] == "client-jwt"


def test_other_parts_leave_what_someone_put_beside_the_scopes(
    realm: TestRealm, adapter: Keycloak
) -> None:
    """It shows with the scopes and goes with them: no write of metadata or keys takes it away
    unseen."""
    wanted = metadata()
    client_id = adapter.register(wanted, None, {}, {}).client_id
    realm.add_claim(client_id, "vo_ovocode", "OVO000001")
    realm.change(client_id, serviceAccountsEnabled=False)
    adapter.update(client_id, None, wanted, None)
    adapter.replace_jwks(client_id, None, jwks("a"))
    assert adapter.read_scopes(client_id) == {f"{client_id}-dedicated": False}


def test_every_scope_that_the_realm_lacks_is_named_and_nothing_is_written(
    realm: TestRealm, adapter: Keycloak
) -> None:
    client_id = adapter.register(metadata(), None, {}, {}).client_id
    adapter.replace_scopes(client_id, None, {SEND: False})
    with pytest.raises(
        Rejected, match=r"no client scope dv_nergens, dv_niet, and nothing was granted or withdrawn"
    ):
        adapter.replace_scopes(
            client_id, None, {"dv_niet": False, PLAIN: False, "dv_nergens": False}
        )
    assert realm.scopes(client_id) == {SEND}
    lacking = metadata()
    with pytest.raises(Rejected, match="no client scope dv_niet"):
        adapter.register(lacking, None, {PLAIN: False, "dv_niet": False}, {})
    assert adapter.find(str(lacking.software_id)) is None


def test_a_scope_made_during_a_run_is_found(realm: TestRealm) -> None:
    adapter = realm.adapter()
    client_id = adapter.register(metadata(), None, {}, {}).client_id
    adapter.replace_scopes(client_id, None, {SEND: False})
    realm.administrator.post(
        f"/{realm.name}/client-scopes", {"name": "dv_later", "protocol": "openid-connect"}
    )
    adapter.replace_scopes(client_id, None, {"dv_later": False})
    assert realm.scopes(client_id) == {"dv_later"}
    # Made anew, under another internal id: the adapter must not go by the one that it remembers.
    realm.administrator.delete(
        f"/{realm.name}/client-scopes/{realm.administrator.scope_ids(realm.name)['dv_later']}"
    )
    realm.administrator.post(
        f"/{realm.name}/client-scopes", {"name": "dv_later", "protocol": "openid-connect"}
    )
    adapter.replace_scopes(client_id, None, {"dv_later": False})
    assert realm.scopes(client_id) == {"dv_later"}


def test_scopes_that_providers_assign_are_left_alone(realm: TestRealm) -> None:
    adapter = realm.adapter(assigned=["vo_info"])
    client_id = adapter.register(metadata(), None, {}, {}).client_id
    realm.grant(client_id, "vo_info", "default")
    adapter.replace_scopes(client_id, {}, {SEND: False})
    assert realm.scopes(client_id) == {SEND, "vo_info"}


def test_many_clients_are_listed_in_pages(
    realm: TestRealm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each once; test_reserved.py has what is in no list."""
    monkeypatch.setattr(keycloak, "Bounded", partial(Bounded, most=10))
    ids = [f"one-of-many-{number:03}" for number in range(25)]
    plain: dict[str, Any] = {"defaultClientScopes": [], "optionalClientScopes": []}
    several = [
        {"clientId": client_id, "attributes": {"acmidm.software_id": client_id}, **plain}
        for client_id in ids
    ]
    realm.administrator.post(
        f"/{realm.name}/partialImport", {"ifResourceExists": "FAIL", "clients": several}
    )
    listed = [registered.client_id for registered in realm.adapter().clients()]
    assert [
        client_id for client_id in sorted(listed) if client_id.startswith("one-of-many-")
    ] == ids
