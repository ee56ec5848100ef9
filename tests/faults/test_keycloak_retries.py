"""What is tried again between the adapter and a real Keycloak, how often, and what never is. Token requests go through the proxy too."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from pydantic import SecretStr

from acmidm_onboarding.authorities.errors import AuthorityError, NotAllowed, Unreachable
from acmidm_onboarding.authorities.http import Api
from acmidm_onboarding.authorities.keycloak import Keycloak
from acmidm_onboarding.authorities.keycloak_writes import TRIES
from acmidm_onboarding.authorities.port import Owner
from acmidm_onboarding.authorities.retry import Retrying
from acmidm_onboarding.authorities.tokens import Credentials, OperatorTokens
from tests.faults.between import metadata
from tests.support import faults
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.keycloak import OPERATOR, TestRealm
from tests.support.portal import new_key, public_jwk

# For each change there are the same on the portal, in test_retries: how a request is retried is one piece of code.
pytestmark = pytest.mark.exhaustive

CLIENTS = "^/admin/realms/.*/clients"
CLIENT = r"/clients/[^/?]+$"
SCOPE = "dv_organisatieregister_info"
TIMEOUT_SECONDS, DEADLINE_SECONDS = 30, 60
PASSING: dict[str, Fault] = {
    "429": faults.answer(429),
    "502": faults.answer(502, b"<html>Bad Gateway</html>", "text/html"),
    "503": faults.answer(503),
    "504": faults.answer(504),
    "cut": faults.cut_before,
    "reset": faults.reset,
}


def adapter_through(
    origin: str, realm: TestRealm, *, timeout_seconds: float = TIMEOUT_SECONDS, deadline_seconds: float = DEADLINE_SECONDS
) -> Keycloak:
    def connect(url: str, tokens: OperatorTokens | None) -> Api:
        address = url.replace(realm.server.origin, origin)
        return Api(address, tokens, timeout_seconds=timeout_seconds, retrying=Retrying(deadline_seconds))

    credentials = Credentials(client_id=OPERATOR, private_key=SecretStr(realm.operator_jwk))
    tokens = OperatorTokens(realm.issuer, credentials, connect(realm.issuer, None))
    return Keycloak(connect(realm.management_url, tokens), OPERATOR, frozenset())


@pytest.fixture
def adapter(realm: TestRealm, between: FaultProxy) -> Keycloak:
    return adapter_through(between.origin, realm)


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


@pytest.mark.parametrize("fault", [*PASSING.values(), faults.cut_midway], ids=[*PASSING, "cut-midway"])
def test_what_passes_is_tried_again(adapter: Keycloak, between: FaultProxy, client_id: str, fault: Fault) -> None:
    """Twice in vain, then well: three requests, and the caller does not notice."""
    between.rule("GET", CLIENTS, fault, times=2)
    assert adapter.read(client_id) is not None
    assert len(between.seen("GET", CLIENTS)) == 3


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_writes_are_tried_again_too(adapter: Keycloak, between: FaultProxy, client_id: str, fault: Fault) -> None:
    """Each kind: three requests. Keycloak's answers to them are empty, so that none can break off midway."""
    keys = {"new": public_jwk(new_key("new"))}
    writes: dict[str, tuple[str, str, Callable[[], object]]] = {
        "keys": ("PUT", CLIENT, lambda: adapter.replace_jwks(client_id, None, keys)),
        "grant": ("PUT", "-client-scopes/", lambda: adapter.replace_scopes(client_id, None, frozenset({SCOPE}))),
        "withdrawal": ("DELETE", "-client-scopes/", lambda: adapter.replace_scopes(client_id, None, frozenset())),
    }
    for what, (method, path, act) in writes.items():
        between.heal()
        between.rule(method, path, fault, times=2)
        act()
        assert len(between.seen(method, path)) == 3, what
    assert adapter.read_jwks(client_id) == keys
    assert adapter.read_scopes(client_id) == frozenset()


@pytest.mark.parametrize("kind", ["seconds", "date"])
def test_retry_after_is_honoured(adapter: Keycloak, between: FaultProxy, client_id: str, kind: str) -> None:
    """The server's two seconds take the place of our own fifth. A date has whole seconds."""
    value = "2" if kind == "seconds" else format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True)
    between.rule("GET", CLIENTS, faults.answer(429, headers={"retry-after": value}))
    assert adapter.read(client_id) is not None
    first, second = between.seen("GET", CLIENTS)
    assert second.at - first.at >= 1


@pytest.mark.parametrize("value", ["86400", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_wait_beyond_the_deadline_is_not_waited(adapter: Keycloak, between: FaultProxy, client_id: str, value: str) -> None:
    between.rule("GET", CLIENTS, faults.answer(429, headers={"retry-after": value}), times=None)
    with pytest.raises(Unreachable, match=r"429 .*which wants a wait of .* s \(tried 1 time "):
        adapter.read(client_id)
    assert len(between.seen("GET", CLIENTS)) == 1


def test_a_body_that_drips_is_cut_off_and_read_again(realm: TestRealm, between: FaultProxy, client_id: str) -> None:
    """A byte every tenth of a second never times out by itself, and takes minutes; the whole answer has its four seconds."""
    between.rule("GET", CLIENTS, faults.dripping(0.1))
    assert adapter_through(between.origin, realm, timeout_seconds=4).read(client_id) is not None
    first, second = between.seen("GET", CLIENTS)[:2]
    assert 3.5 <= second.at - first.at < 30


def test_a_keycloak_that_is_down_ends_in_a_sentence(realm: TestRealm, between: FaultProxy, client_id: str) -> None:
    """Which says how often was tried: the requests that the proxy counted."""
    between.rule("GET", CLIENTS, faults.answer(503), times=None)
    with pytest.raises(Unreachable) as raised:
        adapter_through(between.origin, realm, deadline_seconds=2).read(client_id)
    tries = len(between.seen("GET", CLIENTS))
    assert tries >= 2
    assert f"tried {tries} times in " in str(raised.value)
    assert "503" in str(raised.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 412, 422])
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


def test_401_renews_the_token_once(adapter: Keycloak, between: FaultProxy, client_id: str) -> None:
    """A revoked token: one token request, one request more with the new token."""
    between.rule("GET", CLIENTS, faults.answer(401))
    assert adapter.read(client_id) is not None
    assert len(between.seen("POST", "/token$")) == 1
    old, new = (request.headers["authorization"] for request in between.seen("GET", CLIENTS))
    assert old != new


def test_401_for_ever_ends_after_one_renewal(adapter: Keycloak, between: FaultProxy, client_id: str) -> None:
    between.rule("GET", CLIENTS, faults.answer(401), times=None)
    with pytest.raises(NotAllowed, match="check the operator's credentials"):
        adapter.read(client_id)
    assert len(between.seen("POST", "/token$")) == 1
    assert len(between.seen("GET", CLIENTS)) == 2


def test_the_answer_to_a_token_request_is_lost(realm: TestRealm, between: FaultProxy) -> None:
    """Tried again with a fresh assertion each time: Keycloak accepts a ``jti`` once."""
    between.rule("GET", "openid-configuration$", faults.answer(503), times=2)
    between.rule("POST", "/token$", faults.cut_after, times=2)
    assert adapter_through(between.origin, realm).read("no-such-client") is None
    assert len(between.seen("GET", "openid-configuration$")) == 3
    sent = [request.body for request in between.seen("POST", "/token$")]
    assert len(set(sent)) == len(sent) == 3
