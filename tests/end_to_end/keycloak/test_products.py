"""A portal that trusts another issuer: which of its tokens open what."""

from __future__ import annotations

import httpx
import pytest

from tests.support.forms import NOTIFICATIES, SEND
from tests.support.keycloak import make_realm
from tests.support.keycloak_platform import Platform
from tests.support.portal import metadata, new_key, public_jwk

PATH = "/products/v1/notificaties/configurations"


def answer(platform: Platform, token: str, method: str = "GET", path: str = PATH) -> int:
    body = {"configuration": NOTIFICATIES} if method == "PUT" else None
    headers = {"authorization": f"Bearer {token}", "if-none-match": "*"}
    return httpx.request(
        method, f"{platform.portal.origin}{path}", json=body, headers=headers
    ).status_code


def test_the_operators_token_configures_clients_that_the_portal_does_not_know(
    platform: Platform,
) -> None:
    token = platform.realm.tokens().current()
    assert answer(platform, token) == 200
    assert answer(platform, token, "PUT", f"{PATH}/a-client-of-keycloak") == 201


def test_the_token_of_a_connection_configures_nothing(platform: Platform) -> None:
    adapter, key = platform.realm.adapter(), new_key()
    client_id = adapter.register(metadata(), None, {}, {}).client_id
    adapter.replace_jwks(client_id, {}, {"key-1": public_jwk(key)})
    adapter.replace_scopes(client_id, {}, {SEND: False})
    token = platform.realm.request_token(key, client_id, scope=SEND).json()["access_token"]
    assert answer(platform, token) == 403
    for_nobody = platform.realm.request_token(key, client_id).json()["access_token"]
    assert answer(platform, for_nobody) == 401, "without a scope it has no audience"
    # It cannot even ask for an operator's scope.
    assert (
        platform.realm.request_token(key, client_id, scope="management_write").json()["error"]
        == "invalid_scope"
    )


def test_other_tokens_are_refused(platform: Platform) -> None:
    """Those of another realm, what somebody signed otherwise, and what is no token."""
    realm = platform.realm
    others = make_realm(
        realm.server, realm.administrator, scopes={}, audience=platform.portal.origin
    )
    assert answer(platform, others.tokens().current()) == 401
    assert answer(platform, "no.token.atall") == 401
    token = realm.tokens().current()
    assert answer(platform, token[:-8] + "AAAAAAAA") == 401


@pytest.mark.parametrize(
    "path", ["/management/v1/clients", "/op/v1/token", "/op/.well-known/openid-configuration"]
)
def test_it_has_no_clients_of_its_own(platform: Platform, path: str) -> None:
    assert answer(platform, platform.realm.tokens().current(), path=path) == 404
