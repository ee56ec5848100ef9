"""Faults that only Keycloak has, which has no ETags and answers 500 to one of two writers; what it
shares with the others is in ``tests/conformance/test_faults.py``.

How a request is tried again is one piece of code, which ``tests/authorities/test_retry.py`` covers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from types import SimpleNamespace

import pytest

from acmidm_onboarding.authorities import writes
from acmidm_onboarding.authorities.errors import (
    AlreadyRegistered,
    AuthorityError,
    ChangedMeanwhile,
    Failed,
    NotFound,
)
from acmidm_onboarding.authorities.http.retry import Retrying
from acmidm_onboarding.authorities.keycloak.adapter import Keycloak
from acmidm_onboarding.authorities.writes import TRIES
from tests.support import faults
from tests.support.fault_proxy import Exchange, Fault, FaultProxy
from tests.support.keycloak import TestRealm
from tests.support.portal import metadata, new_key, public_jwk

OLD, NEW, OTHERS = "dv_organisatieregister_info", "dv_dosis_schrijven", "dv_notificaties_import"
SCOPES = (OLD, NEW, OTHERS, "dv_ar_adres_beheer")
SCOPES_OF_TWO = rf"added .*{OTHERS}.* \(declared: {NEW}, {OLD}; found: .*{OTHERS}, {OLD}\)"
KEYS_OF_TWO = r"added of-another; removed old \(declared: new; found: of-another\)"
CLIENT = r"/clients/[^/?]+$"
FAILED: dict[str, Fault] = {
    "committed": faults.committed_but(500),
    "refused": faults.answer(500),
}
NOT_GONE: dict[str, tuple[Fault, str]] = {
    "unreachable": (faults.cut_before, "the connection broke off"),
    "404": (
        faults.answer(404, b'{"error": "Realm not found."}', "application/json"),
        "managementUrl must be the address of a realm",
    ),
    "html-404": (
        faults.answer(404, b"<html>", "text/html"),
        "404 Not Found, with text/html, not from this API",
    ),
    "other-json": (
        faults.answer(200, b'{"items": []}', "application/json"),
        "the answer is not what this API gives",
    ),
    # What Keycloak answers to an operator that lost its right.
    "empty": (faults.answer(200, b"[]", "application/json"), "sees no client at all"),
}


@pytest.fixture
def between(realm: TestRealm) -> Iterator[FaultProxy]:
    """The proxy in front of Keycloak."""
    with FaultProxy(realm.server.origin) as proxy:
        yield proxy


@pytest.fixture
def adapter(realm: TestRealm, between: FaultProxy) -> Keycloak:
    """Every request but those for tokens goes through the proxy."""
    return realm.adapter(origin=between.origin)


@pytest.fixture
def client_id(adapter: Keycloak, between: FaultProxy) -> str:
    """A client with a scope and a key."""
    client = adapter.register(metadata(), None, {}, {})
    adapter.replace_scopes(client.client_id, None, {OLD: False})
    adapter.replace_jwks(client.client_id, None, {"old": public_jwk(new_key("old"))})
    between.heal()
    return client.client_id


@pytest.mark.parametrize("fault", FAILED.values(), ids=FAILED)
def test_a_failed_server_is_no_end(
    adapter: Keycloak, between: FaultProxy, realm: TestRealm, fault: Fault
) -> None:
    """At each create, update, grant, withdrawal, key replacement and delete: one client, as wanted,
    and then none."""
    wanted = metadata()
    between.rule("POST", "/clients$", fault)
    try:
        client_id = adapter.register(wanted, None, {}, {}).client_id
    except AlreadyRegistered as error:
        client_id = str(error.client_id)
        adapter.update(client_id, wanted, wanted, None)
    assert len(between.seen("POST", "/clients$")) == 2
    found = [
        client for client in adapter.clients() if client.metadata.application == wanted.application
    ]
    assert [(client.client_id, client.metadata) for client in found] == [(client_id, wanted)]

    changed = wanted.model_copy(update={"contacts": ("nieuw@stad-gent.example",)})
    between.rule("PUT", CLIENT, fault)
    adapter.update(client_id, wanted, changed, None)
    after = adapter.read(client_id)
    assert after is not None
    assert after.metadata == changed

    adapter.replace_scopes(client_id, None, {OLD: False})
    for method, path in (
        ("PUT", "-client-scopes/"),
        ("DELETE", "-client-scopes/"),
        ("PUT", CLIENT),
    ):
        between.rule(method, path, fault)
    adapter.replace_scopes(client_id, {OLD: False}, {NEW: False})
    adapter.replace_jwks(client_id, {}, {"new": public_jwk(new_key("new"))})
    assert realm.scopes(client_id) == {NEW}
    assert [key["kid"] for key in realm.keys(client_id)] == ["new"]

    between.rule("DELETE", CLIENT, fault)
    adapter.remove(client_id, changed.owner)
    assert client_id not in realm.client_ids()


def test_what_is_refused_is_never_blindly_tried_again(
    adapter: Keycloak, between: FaultProxy, client_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One request; two with another token after a 401. Keycloak's 409 or 500 to a writer: each try
    after a fresh read, six at most."""
    monkeypatch.setattr(writes, "time", SimpleNamespace(sleep=lambda _: None))
    known = adapter.read(client_id)
    assert known is not None
    owner = known.metadata.owner
    acts: dict[str, tuple[str, Callable[[], object]]] = {
        "GET": ("/clients", lambda: adapter.read(client_id)),
        "PUT": (
            CLIENT,
            lambda: adapter.replace_jwks(client_id, None, {"new": public_jwk(new_key("new"))}),
        ),
        "POST": ("/clients$", lambda: adapter.register(metadata(), None, {}, {})),
        "DELETE": (CLIENT, lambda: adapter.remove(client_id, owner)),
    }
    for status, method in product((400, 401, 403, 404, 409, 410, 412, 422, 500), acts):
        path, act = acts[method]
        between.heal()
        between.rule(
            method,
            path,
            faults.answer(status, b'{"errorMessage": "no"}', "application/json"),
            times=None,
        )
        with pytest.raises(AuthorityError, match=str(status)):
            act()
        of_writers = {401: 2, 409: 1 if method == "POST" else TRIES, 500: TRIES}
        tries = ({401: 2} if method == "GET" else of_writers).get(status, 1)
        assert len(between.seen(method, path)) == tries, (method, status)
        if method in ("PUT", "DELETE"):
            # A 404 to a DELETE is gone only if the client is: it is read once more, and still
            # there.
            reads = {409: TRIES, 500: TRIES, 404: 2 if method == "DELETE" else 1}.get(status, 1)
            assert len(between.seen("GET", f"clientId={client_id}")) == reads, (method, status)


@pytest.mark.parametrize(
    "when", [faults.after, faults.followed_by], ids=["before the write", "after the write"]
)
def test_second_writer_between_read_and_write(
    adapter: Keycloak,
    between: FaultProxy,
    realm: TestRealm,
    client_id: str,
    when: Callable[[Callable[[], object]], Fault],
) -> None:
    """Or between the write and the look at what came of it: there are no ETags, so that this look
    says it, and names both sets."""
    client = adapter.read(client_id)
    assert client is not None
    between.rule("PUT", "-client-scopes/", when(lambda: realm.grant(client_id, OTHERS)))
    with pytest.raises(
        ChangedMeanwhile,
        match=(
            rf"while this run wrote to it: {SCOPES_OF_TWO} since the last refresh, and the"
            r" authority may have"
        ),
    ):
        adapter.replace_scopes(client_id, {OLD: False}, {OLD: False, NEW: False})
    assert realm.scopes(client_id) == {OLD, NEW, OTHERS}

    between.rule("PUT", CLIENT, when(lambda: realm.change(client_id, enabled=False)))
    wanted = client.metadata.model_copy(update={"contacts": ("nieuw@stad-gent.example",)})
    with pytest.raises(
        ChangedMeanwhile,
        match=r"changed contacts, enabled \(declared: .*enabled True; found: .*enabled False\)",
    ):
        adapter.update(client_id, client.metadata, wanted, None)
    assert not realm.client(client_id)["enabled"]


def test_second_writer_of_keys_after_the_write(
    adapter: Keycloak, between: FaultProxy, realm: TestRealm, client_id: str
) -> None:
    """One who writes the keys just before is overwritten: Keycloak has nothing to tell it by."""
    known = adapter.read_jwks(client_id)
    between.rule(
        "PUT",
        CLIENT,
        faults.followed_by(lambda: realm.set_keys(client_id, [new_key("of-another")])),
    )
    with pytest.raises(ChangedMeanwhile, match=KEYS_OF_TWO):
        adapter.replace_jwks(client_id, known, {"new": public_jwk(new_key("new"))})
    assert [key["kid"] for key in realm.keys(client_id)] == ["of-another"]


def test_only_a_list_without_it_means_gone(
    adapter: Keycloak, between: FaultProxy, client_id: str
) -> None:
    """An empty list, of a realm that has other clients. Whatever else comes is one sentence, and
    none that says that it does not exist."""
    adapter._api._retrying = Retrying(0)
    for name, (fault, said) in NOT_GONE.items():
        between.heal()
        between.rule("GET", "/clients", fault, times=None)
        for read in (lambda: adapter.read(client_id), lambda: list(adapter.clients())):
            with pytest.raises(AuthorityError) as raised:
                read()
            assert said in str(raised.value), name
            assert not isinstance(raised.value, NotFound), name
    between.heal()
    between.rule("GET", "clientId=", faults.answer(200, b"[]", "application/json"), times=None)
    assert adapter.read(client_id) is None


def test_failed_key_replacement_leaves_keys_and_method(
    adapter: Keycloak, between: FaultProxy, realm: TestRealm, client_id: str
) -> None:
    """What has the new key is refused, and nothing was sent before it that takes the old one or its
    method away."""
    before = realm.client(client_id)
    known = adapter.read_jwks(client_id)

    def refuse_new(exchange: Exchange) -> None:
        refused = b"the-new-one" in exchange.request.body
        (
            faults.answer(400, b'{"errorMessage": "no"}', "application/json")
            if refused
            else faults.through
        )(exchange)

    between.rule("PUT", CLIENT, refuse_new, times=None)
    with pytest.raises(AuthorityError, match="400"):
        adapter.replace_jwks(client_id, known, {"the-new-one": public_jwk(new_key("the-new-one"))})
    assert realm.client(client_id) == before
    assert len(between.seen("PUT", CLIENT)) == 1


def test_scopes_are_granted_before_others_are_withdrawn(
    adapter: Keycloak,
    between: FaultProxy,
    realm: TestRealm,
    client_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A change that fails midway has taken nothing away, and the next try goes on with it."""
    monkeypatch.setattr(writes, "time", SimpleNamespace(sleep=lambda _: None))
    known, wanted = {OLD: False}, {NEW: False, OTHERS: False}
    between.rule("PUT", "-client-scopes/", faults.answer(500), first=2, times=None)
    with pytest.raises(Failed):
        adapter.replace_scopes(client_id, known, wanted)
    assert realm.scopes(client_id) > set(known)
    between.heal()
    adapter.replace_scopes(client_id, known, wanted)
    assert realm.scopes(client_id) == set(wanted)


def test_many_writers_of_one_client_lose_no_change(realm: TestRealm) -> None:
    """Real conflicts: one writes the keys, one the metadata, the others a scope each, all at once;
    all of it arrives."""
    wanted, keys = metadata(), {"key": {"kid": "key", "kty": "EC"}}
    client_id = realm.adapter().register(wanted, None, {}, {}).client_id

    def write_keys() -> None:
        for turn in range(3):
            realm.adapter().replace_jwks(
                client_id, None, {"key": {**keys["key"], "x": f"turn-{turn}"}}
            )
        realm.adapter().replace_jwks(client_id, None, keys)

    def write_metadata() -> None:
        for turn in range(3):
            realm.adapter().update(
                client_id, None, wanted.model_copy(update={"client_name": f"turn {turn}"}), None
            )
        realm.adapter().update(client_id, None, wanted, None)

    with ThreadPoolExecutor(2 + len(SCOPES)) as pool:
        writers = [
            pool.submit(write_keys),
            pool.submit(write_metadata),
            *(pool.submit(realm.grant, client_id, scope) for scope in SCOPES),
        ]
        for writer in writers:
            writer.result()
    found = realm.adapter().read(client_id)
    assert found is not None
    assert found.metadata == wanted
    assert realm.adapter().read_jwks(client_id) == keys
    assert realm.scopes(client_id) == set(SCOPES)
