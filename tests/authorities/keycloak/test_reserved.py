"""Which clients of a realm no form can have, and what one that is taken over keeps."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from acmidm_onboarding.authorities.errors import Rejected, Unreachable
from acmidm_onboarding.authorities.http.retry import Retrying
from acmidm_onboarding.authorities.keycloak.adapter import Keycloak
from acmidm_onboarding.values.metadata import Owner
from tests.support import faults
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import PLAIN
from tests.support.keycloak import OPERATOR, TestRealm
from tests.support.keycloak_by_hand import map_roles
from tests.support.portal import metadata, new_key, public_jwk

Give = Callable[[TestRealm, str], object]
BUILT_IN = (
    "account",
    "account-console",
    "admin-cli",
    "broker",
    "realm-management",
    "security-admin-console",
)
MACHINE = {"publicClient": False, "fullScopeAllowed": False, "standardFlowEnabled": False}


def map_realm_role(realm: TestRealm, client_id: str, *inside: str) -> None:
    """The same with a role of the realm, which has those ``inside``."""
    role = f"role-of-{client_id}"
    realm.administrator.post(f"/{realm.name}/roles", {"name": role})
    if inside:
        realm.administrator.post(f"/{realm.name}/roles/{role}/composites", realm.roles(*inside)[1])
    found = realm.administrator.get(f"/{realm.name}/roles/{role}")
    realm.administrator.post(
        f"/{realm.name}/clients/{realm.client(client_id)['id']}/scope-mappings/realm", [found]
    )


def grant_scope_with_rights(realm: TestRealm, client_id: str) -> None:
    """The same through a client scope."""
    scope, (management, roles) = f"scope-of-{client_id}", realm.roles("view-users")
    realm.administrator.post(
        f"/{realm.name}/client-scopes", {"name": scope, "protocol": "openid-connect"}
    )
    scope_id = realm.administrator.scope_ids(realm.name)[scope]
    realm.administrator.post(
        f"/{realm.name}/client-scopes/{scope_id}/scope-mappings/clients/{management}", roles
    )
    realm.grant(client_id, scope)


def give_service_account(realm: TestRealm, client_id: str, name: str) -> None:
    """By hand: a role of ``realm-management`` for a client's service account."""
    management, roles = realm.roles(name)
    realm.administrator.post(
        f"/{realm.name}/users/{realm.service_account(client_id)}/role-mappings/clients/{management}",
        roles,
    )


RIGHTS: dict[str, tuple[Give, str]] = {
    "another-operator": (
        lambda realm, name: map_roles(realm, name, "manage-clients"),
        "has rights over the realm (realm-management: manage",
    ),
    "drift-operator": (
        lambda realm, name: map_roles(realm, name, "view-clients"),
        "has rights over the realm (realm-management: query-",
    ),
    "inside-a-role": (
        lambda realm, name: map_realm_role(realm, name, "manage-users"),
        "(realm-management: manage-users)",
    ),
    "through-a-scope": (
        grant_scope_with_rights,
        "has rights over the realm (realm-management: query-groups",
    ),
    "of-the-products": (
        lambda realm, name: realm.grant(name, "management_read"),
        "has rights over the product APIs (management_read)",
    ),
    "full-scope": (
        lambda realm, name: realm.change(name, fullScopeAllowed=True),
        "Full scope allowed is on: switch Full scope allowed off in Keycloak first",
    ),
    "some-role": (
        map_realm_role,
        "has roles in its scope (role-of-some-role): take these roles away in Keycloak first",
    ),
    "a-browser": (
        lambda realm, name: realm.change(name, serviceAccountsEnabled=False),
        "its service account is off",
    ),
}


BY_HAND: dict[str, Give] = {
    "role": lambda realm, name: map_roles(realm, name, "view-clients"),
    "scope": lambda realm, name: realm.grant(name, "management_read"),
}


def require_untouched(realm: TestRealm, adapter: Keycloak, client_id: str, why: str) -> None:
    before, wanted = realm.client(client_id), metadata()
    found = adapter.read(client_id)
    for known in (None, found.metadata if found else None):
        with pytest.raises(
            Rejected, match="so that no form can have it, and nothing was written"
        ) as caught:
            adapter.update(client_id, known, wanted, None)
        assert f"client {client_id} of {realm.management_url} " in str(caught.value)
        assert why in str(caught.value)
    assert realm.client(client_id) == before


@pytest.mark.parametrize("client_id", [*BUILT_IN, OPERATOR])
def test_clients_of_the_realm_and_the_operator(
    realm: TestRealm, adapter: Keycloak, client_id: str
) -> None:
    """Neither taken over nor written to nor removed; in no list."""
    why = (
        "is an operator's own"
        if client_id == OPERATOR
        else "is a client that Keycloak makes for itself"
    )
    found = adapter.reserved(client_id)
    assert found is not None
    assert (found.why, found.is_certain) == (why, True)
    require_untouched(realm, adapter, client_id, why)
    writes: list[Callable[[], object]] = [
        lambda: adapter.replace_scopes(client_id, None, {PLAIN: False}),
        lambda: adapter.replace_jwks(client_id, None, {"a": public_jwk(new_key("a"))}),
        lambda: adapter.remove(client_id, Owner()),
    ]
    for write in writes:
        with pytest.raises(Rejected, match=why):
            write()
    assert client_id in realm.client_ids()
    assert client_id not in [registered.client_id for registered in adapter.clients()]


@pytest.mark.parametrize("name", RIGHTS)
def test_what_may_have_rights_over_the_realm(
    realm: TestRealm, adapter: Keycloak, name: str
) -> None:
    """Whatever way its tokens get them. Of what only may have some, the sentence says what to
    do."""
    give, why = RIGHTS[name]
    realm.add_client(name, **MACHINE)
    assert adapter.reserved(name) is None
    give(realm, name)
    found = adapter.reserved(name)
    assert found is not None
    assert why in found.why
    assert found.is_certain is (name not in ("full-scope", "some-role", "a-browser"))
    require_untouched(realm, adapter, name, why)


@pytest.mark.parametrize("give", BY_HAND.values(), ids=BY_HAND)
def test_one_of_ours_that_was_given_rights_is_not_written_to(
    realm: TestRealm, adapter: Keycloak, give: Give
) -> None:
    """Somebody made an operator of it. What was slipped into its scopes can be put back."""
    wanted = metadata()
    client_id = adapter.register(wanted, None, {}, {}).client_id
    give(realm, client_id)
    require_untouched(realm, adapter, client_id, "has rights over")
    with pytest.raises(Rejected, match="has rights over"):
        adapter.remove(client_id, wanted.owner)
    assert client_id in realm.client_ids()
    adapter.replace_scopes(client_id, None, {PLAIN: False})
    assert realm.scopes(client_id) == {PLAIN}


def test_a_right_of_operators_is_granted_to_nobody(realm: TestRealm, adapter: Keycloak) -> None:
    """A catalogue may name it: the realm has a client scope of that name, which opens the product
    APIs."""
    client_id = adapter.register(metadata(), None, {}, {}).client_id
    with pytest.raises(
        Rejected,
        match=(
            "scope management_write is a right of operators, which no client can be granted; take"
            " it out of"
        ),
    ):
        adapter.replace_scopes(client_id, None, {PLAIN: False, "management_write": False})
    assert realm.scopes(client_id) == set()
    with pytest.raises(Rejected, match="scope management_write is a right of operators"):
        adapter.register(metadata(), None, {"management_write": True}, {})


def test_what_a_client_that_is_taken_over_keeps(realm: TestRealm, adapter: Keycloak) -> None:
    """What the form declares: no role, redirect, longer token or resource of before; nobody's
    registration token opens it."""
    realm.add_client(
        "by-hand",
        **MACHINE | {"standardFlowEnabled": True},
        redirectUris=["https://elsewhere.example/*"],
        webOrigins=["https://elsewhere.example"],
        rootUrl="https://elsewhere.example",
        adminUrl="https://elsewhere.example",
        authorizationServicesEnabled=True,
        attributes={
            "access.token.lifespan": "8640000",
            "client.secret.rotated": "old",
            "oauth2.device.authorization.grant.enabled": "true",
        },
    )
    give_service_account(realm, "by-hand", "manage-clients")
    path = f"/{realm.name}/clients/{realm.client('by-hand')['id']}"
    registration = realm.administrator.request("POST", f"{path}/registration-access-token").json()[
        "registrationAccessToken"
    ]
    known = adapter.read("by-hand")
    assert known is not None
    wanted = metadata()

    adapter.update("by-hand", known.metadata, wanted, None)
    adapter.replace_scopes("by-hand", None, {PLAIN: False})
    adapter.replace_jwks("by-hand", None, {"a": public_jwk(new_key("a"))})

    fresh = realm.client(adapter.register(metadata(), None, {}, {}).client_id)
    client = realm.client("by-hand")
    own = {
        "id",
        "clientId",
        "name",
        "secret",
        "attributes",
        "optionalClientScopes",
        "defaultClientScopes",
    }
    client_has, fresh_has = (
        {name: value for name, value in one.items() if value and name not in own}
        for one in (client, fresh)
    )
    assert client_has == fresh_has
    assert client["attributes"].keys() - fresh["attributes"].keys() <= {
        "client.secret.creation.time"
    }
    assert "clientMappings" not in realm.administrator.get(
        f"/{realm.name}/users/{realm.service_account('by-hand')}/role-mappings"
    )
    address = f"{realm.issuer}/clients-registrations/default/by-hand"
    assert (
        httpx.get(address, headers={"authorization": f"Bearer {registration}"}).status_code == 401
    )
    assert realm.scopes("by-hand") == {PLAIN}


def test_taking_over_may_be_cut_off(realm: TestRealm) -> None:
    """Between its two writes the client is ours already, and lacks its service account: the same
    write again ends it."""
    realm.add_client("cut-off", **MACHINE)
    known, wanted = realm.adapter().read("cut-off"), metadata()
    assert known is not None
    with FaultProxy(realm.server.origin) as proxy:
        proxy.rule("PUT", "/clients/[^/]+$", faults.cut_after, times=None)
        cut = realm.adapter(origin=proxy.origin)
        cut._api._retrying = Retrying(0)
        with pytest.raises(Unreachable):
            cut.update("cut-off", known.metadata, wanted, None)
    assert not realm.client("cut-off")["serviceAccountsEnabled"]
    realm.adapter().update("cut-off", known.metadata, wanted, None)
    after = realm.adapter().read("cut-off")
    assert after is not None
    assert after.metadata == wanted
    assert realm.scopes("cut-off").isdisjoint({"service_account"})
