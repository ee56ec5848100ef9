"""Writers that get in each other's way, answers that are lost, and a server that fails: nothing is lost, doubled or weakened."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from acmidm_onboarding.authorities.errors import Failed
from acmidm_onboarding.authorities.keycloak import Keycloak
from tests.support import faults
from tests.support.engine import Project
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import DOSSIERS, PLAIN, SEND, write_form
from tests.support.keycloak import TestRealm, metadata
from tests.support.keycloak_platform import Platform

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


def test_a_rerun_takes_over_what_was_never_answered(platform: Platform, project: Project) -> None:
    """No answer to a create, a grant, a delete ever comes, until the run gives up; a plain rerun ends right each time."""
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

        form.remove()
        fails("DELETE")
        project.apply()
        assert platform.realm.client_ids() == before
        assert project.resources() == {}
