"""The same faults between the Keycloak adapter and a real Keycloak, which has no ETags and answers 500 to one of two writers."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from acmidm_onboarding.authorities.errors import AlreadyRegistered, AuthorityError, ChangedMeanwhile, NotFound
from acmidm_onboarding.authorities.http import Api
from acmidm_onboarding.authorities.keycloak import Keycloak
from acmidm_onboarding.authorities.port import Owner
from acmidm_onboarding.authorities.retry import Retrying
from tests.faults.between import metadata
from tests.support import faults
from tests.support.cases import cases
from tests.support.fault_proxy import Exchange, Fault, FaultProxy
from tests.support.keycloak import OPERATOR, TestRealm
from tests.support.portal import new_key, public_jwk

OLD, NEW, OTHERS = "dv_organisatieregister_info", "dv_dosis_schrijven", "dv_notificaties_schrijven"
SCOPES_OF_TWO = rf"added .*{OTHERS}.* \(declared: {NEW}, {OLD}; found: .*{OTHERS}, {OLD}\)"
PUT = r"/clients/[^/]+$"
LOST: dict[str, Fault] = {
    "cut": faults.cut_after,
    "timed-out": faults.time_out_after,
    "gateway": faults.committed_but(502),
    "500-committed": faults.committed_but(500),
    "500": faults.answer(500),
}
NOT_GONE: dict[str, Fault] = {
    "401": faults.answer(401),
    "403": faults.answer(403),
    "500": faults.answer(500),
    "404": faults.answer(404, b'{"error": "Realm not found."}', "application/json"),
    "html-404": faults.answer(404, b"<html>", "text/html"),
    "no client at all": faults.answer(200, b"[]", "application/json"),
}


@pytest.fixture
def adapter(realm: TestRealm, between: FaultProxy) -> Keycloak:
    """Every request but those for tokens goes through the proxy."""
    url = realm.management_url.replace(realm.server.origin, between.origin)
    return Keycloak(Api(url, realm.tokens(), timeout_seconds=5, retrying=Retrying(30)), OPERATOR, frozenset())


@pytest.fixture
def client_id(adapter: Keycloak, between: FaultProxy) -> str:
    """A client with a scope and a key."""
    client = adapter.register(metadata(uuid.uuid4().hex), None)
    adapter.replace_scopes(client.client_id, None, {OLD: False})
    adapter.replace_jwks(client.client_id, None, {"old": public_jwk(new_key("old"))})
    between.heal()
    return client.client_id


@pytest.fixture
def owner(adapter: Keycloak, between: FaultProxy, client_id: str) -> Owner:
    """Whose that client is."""
    client = adapter.read(client_id)
    assert client is not None
    between.heal()
    return client.metadata.owner


@pytest.mark.parametrize("fault", cases(LOST, "cut", "500-committed"))
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


@pytest.mark.parametrize("fault", cases(LOST, "cut", "500-committed"))
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


@pytest.mark.parametrize("fault", cases(LOST, "cut", "500-committed"))
def test_scopes_and_keys(adapter: Keycloak, between: FaultProxy, realm: TestRealm, client_id: str, fault: Fault) -> None:
    """The grant, the withdrawal and the key replacement each lose their answer once."""
    keys = {"new": public_jwk(new_key("new"))}
    known = adapter.read_jwks(client_id)
    between.rule("PUT", "-client-scopes/", fault)
    between.rule("DELETE", "-client-scopes/", fault)
    between.rule("PUT", PUT, fault)
    adapter.replace_scopes(client_id, {OLD: False}, {NEW: False})
    adapter.replace_jwks(client_id, known, keys)
    assert realm.scopes(client_id) == {NEW}
    assert [key["kid"] for key in realm.keys(client_id)] == ["new"]


@pytest.mark.parametrize("fault", cases(LOST, "cut", "500-committed"))
def test_delete(adapter: Keycloak, between: FaultProxy, realm: TestRealm, client_id: str, owner: Owner, fault: Fault) -> None:
    between.rule("DELETE", PUT, fault)
    adapter.remove(client_id, owner)
    assert client_id not in realm.client_ids()


def test_second_writer_of_keys(adapter: Keycloak, realm: TestRealm, client_id: str) -> None:
    """Since the last refresh: refused, with both sets, and left as the other wrote it."""
    known = adapter.read_jwks(client_id)
    realm.set_keys(client_id, [new_key("of-another")])
    with pytest.raises(ChangedMeanwhile, match=r"added of-another; removed old \(declared: new; found: of-another\)"):
        adapter.replace_jwks(client_id, known, {"new": public_jwk(new_key("new"))})
    assert [key["kid"] for key in realm.keys(client_id)] == ["of-another"]


def test_second_writer_of_scopes(adapter: Keycloak, realm: TestRealm, client_id: str) -> None:
    realm.grant(client_id, OTHERS)
    with pytest.raises(ChangedMeanwhile, match=SCOPES_OF_TWO):
        adapter.replace_scopes(client_id, {OLD: False}, {OLD: False, NEW: False})
    assert realm.scopes(client_id) == {OLD, OTHERS}


@pytest.mark.parametrize("when", [faults.after, faults.followed_by], ids=["before the write", "after the write"])
def test_second_writer_between_read_and_write(
    adapter: Keycloak, between: FaultProxy, realm: TestRealm, client_id: str, when: Callable[[Callable[[], object]], Fault]
) -> None:
    """Or between the write and the look at what came of it: there are no ETags, so that this look says it, and names both sets."""
    client = adapter.read(client_id)
    assert client is not None
    between.rule("PUT", "-client-scopes/", when(lambda: realm.grant(client_id, OTHERS)))
    with pytest.raises(ChangedMeanwhile, match=SCOPES_OF_TWO):
        adapter.replace_scopes(client_id, {OLD: False}, {OLD: False, NEW: False})
    assert realm.scopes(client_id) == {OLD, NEW, OTHERS}

    between.rule("PUT", PUT, when(lambda: realm.change(client_id, enabled=False)))
    wanted = client.metadata.model_copy(update={"contacts": ("nieuw@stad-gent.example",)})
    with pytest.raises(ChangedMeanwhile, match=r"changed contacts, enabled \(declared: .*enabled True; found: .*enabled False\)"):
        adapter.update(client_id, client.metadata, wanted, None)
    assert not realm.client(client_id)["enabled"]


def test_second_writer_of_keys_after_the_write(adapter: Keycloak, between: FaultProxy, realm: TestRealm, client_id: str) -> None:
    """One who writes the keys just before is overwritten: Keycloak has nothing to tell it by."""
    known = adapter.read_jwks(client_id)
    between.rule("PUT", PUT, faults.followed_by(lambda: realm.set_keys(client_id, [new_key("of-another")])))
    with pytest.raises(ChangedMeanwhile, match=r"added of-another; removed old \(declared: new; found: of-another\)"):
        adapter.replace_jwks(client_id, known, {"new": public_jwk(new_key("new"))})
    assert [key["kid"] for key in realm.keys(client_id)] == ["of-another"]


@pytest.mark.parametrize("fault", NOT_GONE.values(), ids=NOT_GONE.keys())
def test_only_a_list_without_it_means_gone(adapter: Keycloak, between: FaultProxy, client_id: str, fault: Fault) -> None:
    """An empty list, of a realm that has other clients; whatever else comes is an error, and none that says that it does not exist."""
    between.rule("GET", "/clients", fault, times=None)
    with pytest.raises(AuthorityError) as raised:
        adapter.read(client_id)
    assert not isinstance(raised.value, NotFound)
    between.heal()
    between.rule("GET", "clientId=", faults.answer(200, b"[]", "application/json"), times=None)
    assert adapter.read(client_id) is None


def test_failed_key_replacement_leaves_keys_and_method(adapter: Keycloak, between: FaultProxy, realm: TestRealm, client_id: str) -> None:
    """What has the new key is refused, and nothing was sent before it that takes the old one or its method away."""
    before = realm.client(client_id)
    known = adapter.read_jwks(client_id)

    def refuse_new(exchange: Exchange) -> None:
        refused = b"the-new-one" in exchange.request.body
        (faults.answer(400, b'{"errorMessage": "no"}', "application/json") if refused else faults.through)(exchange)

    between.rule("PUT", PUT, refuse_new, times=None)
    with pytest.raises(AuthorityError, match="400"):
        adapter.replace_jwks(client_id, known, {"the-new-one": public_jwk(new_key("the-new-one"))})
    assert realm.client(client_id) == before
    assert len(between.seen("PUT", PUT)) == 1
