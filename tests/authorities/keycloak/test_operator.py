"""The operator: what its rights are enough for, what they do not reach, and what happens when they
shrink or a token ends."""

from __future__ import annotations

import pytest

from acmidm_onboarding.authorities.errors import NotAllowed
from tests.support.forms import SEND
from tests.support.keycloak import OPERATOR, TestRealm, make_realm
from tests.support.keycloak_by_hand import have_rights
from tests.support.keycloak_server.admin import Admin
from tests.support.keycloak_server.realm import Realm, set_up
from tests.support.keycloak_server.server import Server
from tests.support.portal import metadata, public_jwk
from tests.support.rights import READS, WRITES, allowed


@pytest.fixture(scope="module")
def set_up_once(keycloak_server: Server, administrator: Admin) -> TestRealm:
    return make_realm(
        keycloak_server, administrator, scopes={SEND: "Send"}, audience="http://one.example"
    )


@pytest.fixture
def own(set_up_once: TestRealm) -> TestRealm:
    """A realm whose operator these tests change: each begins with the rights and the credentials
    that it should have."""
    have_rights(set_up_once, "manage-clients")
    set_up_once.change(OPERATOR, clientAuthenticatorType="client-jwt")
    return set_up_once


def test_its_rights_reach_no_further_than_the_clients_of_its_realm(
    realm: TestRealm, own: TestRealm
) -> None:
    """Nor can it give roles, to itself or to others: that would make its rights whatever it
    likes."""
    account, (management, roles) = realm.service_account(OPERATOR), realm.roles("manage-realm")
    with realm.operator_http() as operator:
        assert operator.get(f"/{realm.name}/clients").status_code == 200
        for method, path, document in (
            ("POST", "", {"realm": "mine"}),
            ("PUT", f"/{realm.name}", {"accessTokenLifespan": 1}),
            ("DELETE", f"/{realm.name}", None),
            ("GET", f"/{realm.name}/users", None),
            ("POST", f"/{realm.name}/users", {"username": "mine"}),
            ("POST", f"/{realm.name}/users/{account}/role-mappings/clients/{management}", roles),
            ("GET", f"/{realm.name}/groups", None),
            ("GET", f"/{realm.name}/events", None),
            ("GET", f"/{own.name}/clients", None),
            ("GET", "/master/clients", None),
        ):
            assert operator.request(method, path, json=document).status_code in (401, 403), (
                f"{method} {path}"
            )


@pytest.mark.parametrize(
    ("rights", "may"),
    [
        (("manage-clients",), READS | WRITES),
        (("view-clients",), READS),
        (("create-client", "view-clients"), READS),
        (("create-client", "query-clients"), set()),
        (("view-users", "view-realm"), set()),
    ],
    ids=["deploys", "looks", "makes", "makes unseen", "others"],
)
def test_the_least_rights(own: TestRealm, rights: tuple[str, ...], may: set[str]) -> None:
    """``manage-clients`` to deploy, ``view-clients`` to look: with less, each is refused.

    Nothing counts as gone then, although Keycloak answers with empty lists to who sees no client.
    """
    wanted, by_hand = metadata(), metadata().application
    client_id = own.adapter().register(wanted, None, {}, {}).client_id
    own.add_client(by_hand, publicClient=False, fullScopeAllowed=False)
    have_rights(own, *rights)
    assert allowed(own.adapter(), client_id, wanted, by_hand) == may


def test_it_may_have_a_secret_in_place_of_a_key(own: TestRealm) -> None:
    """It is form-encoded first (RFC 6749 §2.3.1), so that no character of it does harm."""
    secret = "of an operator: 100 % + /é"
    own.change(OPERATOR, clientAuthenticatorType="client-secret", secret=secret)
    client_id = own.adapter(secret=secret).register(metadata(), None, {}, {}).client_id
    with pytest.raises(NotAllowed, match=r"401 .*check the operator's credentials") as refused:
        own.adapter(secret="another").read(client_id)
    assert "another" not in str(refused.value)


def test_the_set_up_repairs_the_realm_and_touches_no_connection(
    own: TestRealm, administrator: Admin
) -> None:
    """Run again, it takes away rights and scopes that the operator was given since, and what it
    lost comes back."""
    adapter = own.adapter()
    client_id = adapter.register(metadata(), None, {}, {}).client_id
    adapter.replace_scopes(client_id, None, {SEND: False})
    before = own.client(client_id)
    management, roles = own.roles("manage-realm")
    place = f"/{own.name}/users/{own.service_account(OPERATOR)}/role-mappings/clients/{management}"
    administrator.post(place, roles)
    own.change(OPERATOR, standardFlowEnabled=True)
    own.grant(OPERATOR, "profile")

    wanted = Realm(
        name=own.name,
        scopes={SEND: "Send", "dv_new": "New"},
        operator=OPERATOR,
        operator_scopes=("management_read", "management_write"),
        operator_jwk=public_jwk(own.operator_key),
        audience="http://two.example",
    )
    set_up(administrator, wanted)
    set_up(administrator, wanted)
    assert [role["name"] for role in administrator.get(place)] == ["manage-clients"]
    assert own.client(OPERATOR)["optionalClientScopes"] == []
    assert not own.client(OPERATOR)["standardFlowEnabled"]
    scopes = {scope["name"]: scope for scope in administrator.get(f"/{own.name}/client-scopes")}
    assert scopes["dv_new"]
    assert [
        mapper["config"]["included.custom.audience"] for mapper in scopes[SEND]["protocolMappers"]
    ] == ["http://two.example"]
    assert own.client(client_id) == before
