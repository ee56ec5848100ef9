"""What is Keycloak's own about trying again. How a request is retried is one piece of code, which test_retries covers on the portal."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from pydantic import SecretStr

from acmidm_onboarding.authorities.errors import AuthorityError
from acmidm_onboarding.authorities.http import Api
from acmidm_onboarding.authorities.keycloak import Keycloak
from acmidm_onboarding.authorities.keycloak_writes import TRIES
from acmidm_onboarding.authorities.port import Owner
from acmidm_onboarding.authorities.retry import Retrying
from acmidm_onboarding.authorities.tokens import Credentials, OperatorTokens
from tests.faults.between import metadata
from tests.support import faults
from tests.support.cases import cases
from tests.support.fault_proxy import FaultProxy
from tests.support.keycloak import OPERATOR, TestRealm
from tests.support.portal import new_key, public_jwk

CLIENTS = "^/admin/realms/.*/clients"
CLIENT = r"/clients/[^/?]+$"
SCOPE = "dv_organisatieregister_info"


@pytest.fixture
def adapter(realm: TestRealm, between: FaultProxy) -> Keycloak:
    """Token requests go through the proxy too."""

    def connect(url: str, tokens: OperatorTokens | None) -> Api:
        return Api(url.replace(realm.server.origin, between.origin), tokens, timeout_seconds=30, retrying=Retrying(60))

    credentials = Credentials(client_id=OPERATOR, private_key=SecretStr(realm.operator_jwk))
    tokens = OperatorTokens(realm.issuer, credentials, connect(realm.issuer, None))
    return Keycloak(connect(realm.management_url, tokens), OPERATOR, frozenset())


@pytest.fixture
def client_id(adapter: Keycloak, between: FaultProxy) -> str:
    """A client that exists; what its registration sent is forgotten."""
    client_id = adapter.register(metadata(uuid.uuid4().hex), None).client_id
    between.heal()
    return client_id


@pytest.fixture
def owner(adapter: Keycloak, between: FaultProxy, client_id: str) -> Owner:
    """Whose that client is."""
    client = adapter.read(client_id)
    assert client is not None
    between.heal()
    return client.metadata.owner


def test_each_kind_of_request_is_tried_again(adapter: Keycloak, between: FaultProxy, client_id: str) -> None:
    """Twice in vain, then well: three requests, and the caller does not notice."""
    keys = {"new": public_jwk(new_key("new"))}
    kinds: dict[str, tuple[str, str, Callable[[], object]]] = {
        "read": ("GET", CLIENTS, lambda: adapter.read(client_id)),
        "keys": ("PUT", CLIENT, lambda: adapter.replace_jwks(client_id, None, keys)),
        "grant": ("PUT", "-client-scopes/", lambda: adapter.replace_scopes(client_id, None, {SCOPE: False})),
        "withdrawal": ("DELETE", "-client-scopes/", lambda: adapter.replace_scopes(client_id, None, {})),
    }
    for what, (method, path, act) in kinds.items():
        between.heal()
        between.rule(method, path, faults.answer(503), times=2)
        act()
        assert len(between.seen(method, path)) == 3, what
    assert adapter.read_jwks(client_id) == keys
    assert adapter.read_scopes(client_id) == {}


@pytest.mark.parametrize("status", cases({str(status): status for status in (400, 401, 403, 404, 409, 410, 412, 422)}, "401", "404", "409"))
def test_what_is_refused_is_never_blindly_tried_again(
    adapter: Keycloak, between: FaultProxy, client_id: str, owner: Owner, status: int
) -> None:
    """One request; two with another token after a 401. Keycloak's 409 to a writer: each try after a fresh read, and no more than six."""
    said = faults.answer(status, b'{"errorMessage": "no"}', "application/json")
    acts: dict[str, tuple[str, Callable[[], object]]] = {
        "GET": (CLIENTS, lambda: adapter.read(client_id)),
        "PUT": (CLIENT, lambda: adapter.replace_jwks(client_id, None, {"new": public_jwk(new_key("new"))})),
        "POST": ("/clients$", lambda: adapter.register(metadata(uuid.uuid4().hex), None)),
        "DELETE": (CLIENT, lambda: adapter.remove(client_id, owner)),
    }
    for method, (path, act) in acts.items():
        between.heal()
        between.rule(method, path, said, times=None)
        with pytest.raises(AuthorityError, match=str(status)):
            act()
        tries = {401: 2, 409: TRIES if method in ("PUT", "DELETE") else 1}.get(status, 1)
        assert len(between.seen(method, path)) == tries, method
        if method in ("PUT", "DELETE"):
            # A 404 to a DELETE is gone only if the client is: it is read once more, and still there.
            reads = {409: TRIES, 404: 2 if method == "DELETE" else 1}.get(status, 1)
            assert len(between.seen("GET", f"clientId={client_id}")) == reads, method


def test_the_answer_to_a_token_request_is_lost(adapter: Keycloak, between: FaultProxy) -> None:
    """Tried again with a fresh assertion each time: Keycloak accepts a ``jti`` once."""
    between.rule("GET", "openid-configuration$", faults.answer(503), times=2)
    between.rule("POST", "/token$", faults.cut_after, times=2)
    assert adapter.read("no-such-client") is None
    assert len(between.seen("GET", "openid-configuration$")) == 3
    sent = [request.body for request in between.seen("POST", "/token$")]
    assert len(set(sent)) == len(sent) == 3
