"""What people do by hand in a realm, and how a client looks there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from joserfc.jwk import ECKey

from tests.support.forms import PLAIN
from tests.support.keycloak import OPERATOR, TestRealm
from tests.support.portal import new_key

TESTER = "dv_organisatieregister_testclient"
ELSEWHERE = "https://elsewhere.example/jwks"


class Drift(NamedTuple):
    """What someone does by hand, and the properties that the preview then names, ``{client_id}``
    standing for the client's."""

    act: Callable[[TestRealm, str, Mapping[str, ECKey]], object]
    """With the keys that the client has."""
    shown: dict[str, tuple[str, list[str]]]


def jwks_elsewhere(realm: TestRealm, client_id: str, _: Mapping[str, ECKey]) -> None:
    realm.change(
        client_id,
        attributes={"use.jwks.url": "true", "jwks.url": ELSEWHERE, "use.jwks.string": "false"},
    )


def make_default(realm: TestRealm, client_id: str, _: Mapping[str, ECKey]) -> None:
    realm.withdraw(client_id, PLAIN)
    realm.grant(client_id, PLAIN, "default")


def let_everything_in(realm: TestRealm, client_id: str, _: Mapping[str, ECKey]) -> None:
    realm.change(client_id, fullScopeAllowed=True)
    for claim in ("vo_ovocode", "vo_orgcode"):
        realm.add_claim(client_id, claim, "OVO000001")


def make_public(realm: TestRealm, client_id: str, _: Mapping[str, ECKey]) -> None:
    realm.change(
        client_id, publicClient=True, serviceAccountsEnabled=False, directAccessGrantsEnabled=True
    )


def add_attribute(realm: TestRealm, client_id: str, _: Mapping[str, ECKey]) -> None:
    realm.add_claim(client_id, "setbyclient_proef", "hand", **{"introspection.token.claim": "true"})


def changed(**members: Any) -> Callable[[TestRealm, str, Mapping[str, ECKey]], object]:
    return lambda realm, client_id, _: realm.change(client_id, **members)


def updated(kind: str, *properties: str) -> dict[str, tuple[str, list[str]]]:
    return {kind: ("update", list(properties))}


MORE_IN_ITS_TOKENS = updated("ClientScopes", 'scopes["{client_id}-dedicated"]')
DRIFTS: dict[str, Drift] = {
    "scope-granted": Drift(
        lambda realm, client_id, _: realm.grant(client_id, "dv_ar_adres_beheer"),
        updated("ClientScopes", "scopes.dv_ar_adres_beheer"),
    ),
    "default-scope-granted": Drift(
        lambda realm, client_id, _: realm.grant(client_id, "roles", "default"),
        updated("ClientScopes", "default_scopes.roles", "scopes.roles"),
    ),
    "made-default": Drift(make_default, updated("ClientScopes", f"default_scopes.{PLAIN}")),
    "scope-withdrawn": Drift(
        lambda realm, client_id, _: realm.withdraw(client_id, PLAIN),
        updated("ClientScopes", f"scopes.{PLAIN}"),
    ),
    "attribute-added": Drift(add_attribute, updated("OAuthClient", "attributes")),
    "full-scope-allowed": Drift(changed(fullScopeAllowed=True), MORE_IN_ITS_TOKENS),
    "claim-of-another": Drift(
        lambda realm, client_id, _: realm.add_claim(client_id, "vo_ovocode", "OVO000001"),
        MORE_IN_ITS_TOKENS,
    ),
    "full-scope-and-claims": Drift(let_everything_in, MORE_IN_ITS_TOKENS),
    "key-slipped-in": Drift(
        lambda realm, client_id, keys: realm.set_keys(
            client_id, [*keys.values(), new_key("slipped-in")]
        ),
        updated("ClientJwks", 'jwks["slipped-in"]'),
    ),
    "key-behind-a-declared-one": Drift(
        # The declared one last: in a map by kid it would have stood before the other.
        lambda realm, client_id, keys: realm.set_keys(
            client_id, [new_key("key-1"), *keys.values()]
        ),
        updated("ClientJwks", 'jwks["key-1 (2)"]', 'jwks["key-1"].x', 'jwks["key-1"].y'),
    ),
    "key-removed": Drift(
        lambda realm, client_id, keys: realm.set_keys(client_id, [keys["key-1"]]),
        updated("ClientJwks", 'jwks["key-2"]'),
    ),
    "keys-elsewhere": Drift(
        jwks_elsewhere, updated("ClientJwks", "jwks.jwks_uri", 'jwks["key-1"]', 'jwks["key-2"]')
    ),
    "authentication-method": Drift(
        changed(clientAuthenticatorType="client-secret"),
        updated("OAuthClient", "awaited_keys", "token_endpoint_auth_method"),
    ),
    "public": Drift(
        make_public, updated("OAuthClient", "grant_types[0]", "token_endpoint_auth_method")
    ),
    "disabled": Drift(changed(enabled=False), updated("OAuthClient", "enabled")),
    "name": Drift(changed(name="Anders"), updated("OAuthClient", "client_name")),
    "description": Drift(
        changed(description="Anders"), updated("OAuthClient", "organisation.name")
    ),
    "login-page": Drift(
        changed(standardFlowEnabled=True),
        updated("OAuthClient", "grant_types[0]", "grant_types[1]"),
    ),
    "removed": Drift(
        lambda realm, client_id, _: realm.remove(client_id),
        dict.fromkeys(("OAuthClient", "ClientScopes", "ClientJwks"), ("create", [])),
    ),
    "nothing": Drift(lambda *_: None, {}),
}


def have_rights(realm: TestRealm, *names: str) -> None:
    """By an administrator: these roles of ``realm-management`` and no others, in the place of what
    the set-up gave."""
    management, roles = realm.roles(*names)
    for place in (
        f"/{realm.name}/users/{realm.service_account(OPERATOR)}/role-mappings/clients/{management}",
        f"/{realm.name}/clients/{realm.client(OPERATOR)['id']}/scope-mappings/clients/{management}",
    ):
        realm.administrator.delete(place, realm.administrator.get(place))
        realm.administrator.post(place, roles)


def map_roles(realm: TestRealm, client_id: str, *names: str) -> None:
    """By hand: lets a client's tokens carry roles of ``realm-management``."""
    management, roles = realm.roles(*names)
    realm.administrator.post(
        f"/{realm.name}/clients/{realm.client(client_id)['id']}/scope-mappings/clients/{management}",
        roles,
    )


def source(realm: TestRealm, client_id: str) -> dict[str, Any]:
    """Where Keycloak takes the client's keys from, and that it is one place."""
    attributes = realm.client(client_id)["attributes"]
    if attributes.get("use.jwks.url") == "true":
        assert attributes.get("use.jwks.string") != "true"
        assert "jwks.string" not in attributes
        return {"jwks_uri": attributes["jwks.url"]}
    return {"kids": [key["kid"] for key in realm.keys(client_id)]}


def plain_client(client: dict[str, Any]) -> dict[str, Any]:
    passing = ("id", "secret")
    attributes = {
        name: value
        for name, value in client["attributes"].items()
        if value != "false" and name != "client.secret.creation.time"
    }
    attributes.pop("acmidm.incarnation")
    plain = {name: value for name, value in client.items() if name not in passing}
    scopes = {
        kind: sorted(client[kind]) for kind in ("defaultClientScopes", "optionalClientScopes")
    }
    return {**plain, **scopes, "attributes": attributes}
