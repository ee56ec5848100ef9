"""Writers that get in each other's way, answers that are lost, and a server that fails: nothing is lost, doubled or weakened."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from acmidm_onboarding.authorities.errors import Failed
from acmidm_onboarding.authorities.keycloak import Keycloak
from tests.support import faults
from tests.support.engine import Project
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.forms import DOSSIERS, PLAIN, SEND, write_form
from tests.support.keycloak import TestRealm, metadata
from tests.support.keycloak_platform import Platform

# As Keycloak says it, whatever went wrong inside.
OPTIMISTIC_LOCK = faults.answer(
    500, b'{"error":"unknown_error","error_description":"For more on this error consult the server log."}', "application/json"
)
DUPLICATE = faults.answer(409, b'{"error":"conflict","error_description":"Duplicate resource error"}', "application/json")
TURNS = 3


@pytest.fixture
def proxy(realm: TestRealm) -> Iterator[FaultProxy]:
    with FaultProxy(realm.server.origin) as running:
        yield running


@pytest.fixture
def adapter(realm: TestRealm, proxy: FaultProxy) -> Keycloak:
    return realm.adapter(origin=proxy.origin)


@pytest.mark.parametrize("conflict", [OPTIMISTIC_LOCK, DUPLICATE], ids=["500", "409"])
def test_after_a_conflict_everything_is_read_and_decided_anew(
    realm: TestRealm, proxy: FaultProxy, adapter: Keycloak, conflict: Fault
) -> None:
    before, after = metadata(), metadata()
    client_id = adapter.register(before, None).client_id
    for method, path in (("PUT", "/clients/[^/]+$"), ("PUT", "/optional-client-scopes/"), ("DELETE", "/clients/[^/]+$")):
        proxy.rule(method, path, conflict, times=2)
    adapter.update(client_id, before, after, None)
    assert len(proxy.seen("PUT", "/clients/[^/]+$")) == 3
    assert len(proxy.seen("GET", "clientId=")) >= 4
    adapter.replace_scopes(client_id, {}, {SEND: False})
    assert realm.client(client_id)["name"] == after.client_name
    assert realm.scopes(client_id) == {SEND}
    adapter.remove(client_id, after.owner)
    assert client_id not in realm.client_ids()
    assert len(proxy.seen("DELETE", "/clients/[^/]+$")) == 3


def test_a_conflict_that_does_not_pass_ends_in_a_sentence(proxy: FaultProxy, adapter: Keycloak) -> None:
    before = metadata()
    client_id = adapter.register(before, None).client_id
    proxy.rule("PUT", "/clients/[^/]+$", OPTIMISTIC_LOCK, times=None)
    with pytest.raises(Failed, match=r"PUT .*: 500 .*; see the server's log"):
        adapter.update(client_id, before, metadata(), None)
    assert len(proxy.seen("PUT", "/clients/[^/]+$")) == 6


def test_scopes_are_granted_before_others_are_withdrawn(realm: TestRealm, proxy: FaultProxy, adapter: Keycloak) -> None:
    """A change that fails midway has taken nothing away, and the next try goes on with it."""
    client_id = adapter.register(metadata(), None).client_id
    known, wanted = {SEND: False}, {PLAIN: False, DOSSIERS: False}
    adapter.replace_scopes(client_id, None, known)
    proxy.rule("PUT", "/optional-client-scopes/", OPTIMISTIC_LOCK, first=2, times=None)
    with pytest.raises(Failed):
        adapter.replace_scopes(client_id, known, wanted)
    assert realm.scopes(client_id) > set(known)
    proxy.heal()
    adapter.replace_scopes(client_id, known, wanted)
    assert realm.scopes(client_id) == set(wanted)


def test_many_writers_of_one_client_lose_no_change(realm: TestRealm) -> None:
    """Real conflicts: one writes the keys, one the metadata, the others a scope each, all at once; all of it arrives."""
    wanted = metadata()
    client_id = realm.adapter().register(wanted, None).client_id
    keys = {"key": {"kid": "key", "kty": "EC"}}
    scopes = sorted([SEND, DOSSIERS, PLAIN, "dv_ar_adres_beheer"])

    def write_keys() -> None:
        for turn in range(TURNS):
            realm.adapter().replace_jwks(client_id, None, {"key": {**keys["key"], "x": f"turn-{turn}"}})
        realm.adapter().replace_jwks(client_id, None, keys)

    def write_metadata() -> None:
        for turn in range(TURNS):
            realm.adapter().update(client_id, None, wanted.model_copy(update={"client_name": f"turn {turn}"}), None)
        realm.adapter().update(client_id, None, wanted, None)

    with ThreadPoolExecutor(2 + len(scopes)) as pool:
        writers = [pool.submit(write_keys), pool.submit(write_metadata), *(pool.submit(realm.grant, client_id, scope) for scope in scopes)]
        for writer in writers:
            writer.result()
    found = realm.adapter().read(client_id)
    assert found is not None
    assert found.metadata == wanted
    assert realm.keys(client_id) == [keys["key"]]
    assert realm.scopes(client_id) == set(scopes)


@pytest.mark.parametrize("fault", [faults.cut_after, faults.committed_but(502)], ids=["cut", "502"])
def test_a_lost_answer_makes_no_second_client(platform: Platform, project: Project, fault: Fault) -> None:
    """Every answer to a write is lost once, in one `up` through the engine: all arrives, once, and nothing differs afterwards."""
    write_form(project.forms, scopes=(SEND, PLAIN), keys=("key-1", "key-2"))
    before = platform.realm.client_ids()
    with FaultProxy(platform.realm.server.origin) as proxy:
        project.configure({"managementUrl": platform.realm.management_url.replace(platform.realm.server.origin, proxy.origin)})
        for method, path in (("POST", "/clients$"), ("PUT", "/clients/[^/]+$"), ("PUT", "/optional-client-scopes/")):
            proxy.rule(method, path, fault)
        project.apply()
        assert len(proxy.seen("POST", "/clients$")) == 2
        project.in_sync()
        (client_id,) = platform.realm.client_ids() - before
        assert platform.realm.scopes(client_id) == {SEND, PLAIN}


def test_a_rerun_takes_over_what_was_never_answered(platform: Platform, project: Project) -> None:
    """No answer to a create, an update, a delete ever comes, until the run gives up; a plain rerun ends right each time."""
    form = write_form(project.forms, scopes=(SEND,))
    before = platform.realm.client_ids()
    with FaultProxy(platform.realm.server.origin) as proxy:
        url = platform.realm.management_url.replace(platform.realm.server.origin, proxy.origin)
        project.configure({"managementUrl": url, "retryDeadlineSeconds": 1, "requestTimeoutSeconds": 30})

        def fails(method: str) -> None:
            proxy.rule(method, "^/admin/realms/", faults.cut_after, times=None)
            outcome = project.up()
            assert outcome.code != 0
            assert outcome.errors
            assert all("run the same command again" in sentence for sentence in outcome.errors), outcome.errors
            proxy.heal()

        fails("POST")
        fails("PUT")
        project.apply()
        (client_id,) = platform.realm.client_ids() - before
        assert platform.realm.scopes(client_id) == {SEND}

        form.document["contacts"] = ["nieuw@stad-gent.example"]
        form.request()["scopes"][PLAIN] = {}
        form.add_key("key-2")
        form.save()
        fails("PUT")
        project.apply()
        assert platform.realm.client_ids() - before == {client_id}
        assert platform.realm.scopes(client_id) == {SEND, PLAIN}
        assert {key["kid"] for key in platform.realm.keys(client_id)} == {"key-1", "key-2"}
        project.in_sync()

        form.remove()
        fails("DELETE")
        project.apply()
        assert platform.realm.client_ids() == before
        assert project.resources() == {}
