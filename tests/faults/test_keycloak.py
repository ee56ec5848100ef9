"""The same faults between the Keycloak adapter and a real Keycloak, which has no ETags and answers 500 to one of two writers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from components.authorities.errors import AlreadyRegistered, AuthorityError, ChangedMeanwhile
from components.authorities.http import Api
from components.authorities.keycloak import Keycloak
from components.authorities.retry import Retrying
from keycloak_sandbox.admin import Admin
from keycloak_sandbox.server import Server
from tests.faults.between import metadata
from tests.support import faults
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.keycloak import OPERATOR, TestRealm, make_realm
from tests.support.portal import new_key, public_jwk

OLD, NEW = "dv_organisatieregister_info", "dv_dosis_schrijven"
PUT = r"/clients/[^/]+$"
LOST: dict[str, Fault] = {
    "cut": faults.cut_after,
    "timed-out": faults.time_out_after,
    "gateway": faults.committed_but(502),
    "500-committed": faults.committed_but(500),
    "500": faults.answer(500),
}


@pytest.fixture(scope="module")
def realm(keycloak_server: Server, administrator: Admin) -> TestRealm:
    return make_realm(keycloak_server, administrator)


@pytest.fixture
def between(realm: TestRealm) -> Iterator[FaultProxy]:
    with FaultProxy(realm.server.origin) as proxy:
        yield proxy


@pytest.fixture
def adapter(realm: TestRealm, between: FaultProxy) -> Keycloak:
    """Every request but those for tokens goes through the proxy."""
    url = realm.management_url.replace(realm.server.origin, between.origin)
    return Keycloak(Api(url, realm.tokens(), timeout_seconds=5, retrying=Retrying(30)), OPERATOR, frozenset())


@pytest.fixture
def client_id(adapter: Keycloak, between: FaultProxy) -> str:
    """A client with a scope and a key."""
    client = adapter.register(metadata(uuid.uuid4().hex), None)
    adapter.replace_scopes(client.client_id, None, frozenset({OLD}))
    adapter.replace_jwks(client.client_id, None, {"old": public_jwk(new_key("old"))})
    between.heal()
    return client.client_id


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST.keys())
def test_create(adapter: Keycloak, between: FaultProxy, fault: Fault) -> None:
    """Tried again, which makes it or finds the one that was made; one client exists."""
    wanted = metadata(uuid.uuid4().hex)
    between.rule("POST", "/clients$", fault)
    try:
        client_id = adapter.register(wanted, None).client_id
    except AlreadyRegistered as error:
        client_id = adapter.update(str(error.client_id), wanted, wanted, None).client_id
    assert len(between.seen("POST", "/clients$")) == 2
    found = [snapshot.client for snapshot in adapter.clients() if snapshot.client.metadata.application == wanted.application]
    assert [client.client_id for client in found] == [client_id]
    client = adapter.read(client_id)
    assert client is not None
    assert client.metadata == wanted


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST.keys())
def test_update(adapter: Keycloak, between: FaultProxy, client_id: str, fault: Fault) -> None:
    client = adapter.read(client_id)
    assert client is not None
    wanted = metadata(client.metadata.application, contacts=("nieuw@stad-gent.example",))
    between.rule("PUT", PUT, fault)
    adapter.update(client_id, client.metadata, wanted, None)
    after = adapter.read(client_id)
    assert after is not None
    assert after.metadata == wanted
    assert len(between.seen("PUT", PUT)) in (1, 2)


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST.keys())
def test_scopes_and_keys(adapter: Keycloak, between: FaultProxy, realm: TestRealm, client_id: str, fault: Fault) -> None:
    """The grant, the withdrawal and the key replacement each lose their answer once."""
    keys = {"new": public_jwk(new_key("new"))}
    known = adapter.read_jwks(client_id)
    between.rule("PUT", "-client-scopes/", fault)
    between.rule("DELETE", "-client-scopes/", fault)
    between.rule("PUT", PUT, fault)
    adapter.replace_scopes(client_id, frozenset({OLD}), frozenset({NEW}))
    adapter.replace_jwks(client_id, known, keys)
    assert realm.scopes(client_id) == {NEW}
    assert [key["kid"] for key in realm.keys(client_id)] == ["new"]


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST.keys())
def test_delete(adapter: Keycloak, between: FaultProxy, realm: TestRealm, client_id: str, fault: Fault) -> None:
    between.rule("DELETE", PUT, fault)
    adapter.remove(client_id)
    assert client_id not in realm.client_ids()


def test_second_writer_of_keys(adapter: Keycloak, realm: TestRealm, client_id: str) -> None:
    """Since the last refresh: refused, with both sets, and left as the other wrote it."""
    known = adapter.read_jwks(client_id)
    realm.set_keys(client_id, [new_key("of-another")])
    with pytest.raises(ChangedMeanwhile, match=r"added of-another; removed old \(declared: new; found: of-another\)"):
        adapter.replace_jwks(client_id, known, {"new": public_jwk(new_key("new"))})
    assert [key["kid"] for key in realm.keys(client_id)] == ["of-another"]


def test_second_writer_of_scopes(adapter: Keycloak, realm: TestRealm, client_id: str) -> None:
    others = "dv_notificaties_schrijven"
    realm.grant(client_id, others)
    with pytest.raises(ChangedMeanwhile, match=rf"added {others} \(declared: {NEW}, {OLD}; found: {others}, {OLD}\)"):
        adapter.replace_scopes(client_id, frozenset({OLD}), frozenset({OLD, NEW}))
    assert realm.scopes(client_id) == {OLD, others}


@pytest.mark.parametrize("fault", [faults.answer(401), faults.answer(403), faults.answer(500), faults.answer(404, b"<html>", "text/html")])
def test_only_an_empty_list_means_gone(adapter: Keycloak, between: FaultProxy, client_id: str, fault: Fault) -> None:
    between.rule("GET", "/clients", fault, times=None)
    with pytest.raises(AuthorityError):
        adapter.read(client_id)


def test_failed_key_replacement_leaves_keys_and_method(adapter: Keycloak, between: FaultProxy, realm: TestRealm, client_id: str) -> None:
    before = realm.client(client_id)
    known = adapter.read_jwks(client_id)
    between.rule("PUT", PUT, faults.answer(400, b'{"errorMessage": "no"}', "application/json"), times=None)
    with pytest.raises(AuthorityError, match="400"):
        adapter.replace_jwks(client_id, known, {"new": public_jwk(new_key("new"))})
    assert realm.client(client_id) == before
    assert len(between.seen("PUT", PUT)) == 1
