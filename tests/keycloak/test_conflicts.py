"""Writers that get in each other's way, and a server that fails: nothing is lost, doubled or weakened."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from acmidm_onboarding.authorities.errors import Failed
from acmidm_onboarding.authorities.keycloak import Keycloak
from tests.support import faults
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import DOSSIERS, PLAIN, SEND
from tests.support.keycloak import TestRealm
from tests.support.portal import metadata

# As Keycloak says it, whatever went wrong inside.
OPTIMISTIC_LOCK = faults.answer(
    500, b'{"error":"unknown_error","error_description":"For more on this error consult the server log."}', "application/json"
)
TURNS = 3


def test_scopes_are_granted_before_others_are_withdrawn(realm: TestRealm, adapter: Keycloak) -> None:
    """A change that fails midway has taken nothing away, and the next try goes on with it."""
    client_id = adapter.register(metadata(), None).client_id
    known, wanted = {SEND: False}, {PLAIN: False, DOSSIERS: False}
    adapter.replace_scopes(client_id, None, known)
    with FaultProxy(realm.server.origin) as proxy:
        proxy.rule("PUT", "/optional-client-scopes/", OPTIMISTIC_LOCK, first=2, times=None)
        with pytest.raises(Failed):
            realm.adapter(origin=proxy.origin).replace_scopes(client_id, known, wanted)
    assert realm.scopes(client_id) > set(known)
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
