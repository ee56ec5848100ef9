"""Who changed a client and when, from the realm's admin events; and a realm that tells nothing of
it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from acmidm_onboarding.authorities.keycloak.adapter import Keycloak
from acmidm_onboarding.authorities.port import Audited, RecordedChange
from tests.support.forms import PLAIN, SEND
from tests.support.keycloak import OPERATOR, TestRealm, make_realm
from tests.support.keycloak_by_hand import DRIFTS, have_rights
from tests.support.keycloak_server.admin import Admin
from tests.support.keycloak_server.server import Server
from tests.support.portal import metadata, new_key


@pytest.fixture(scope="module")
def audited(keycloak_server: Server, administrator: Admin) -> TestRealm:
    scopes = dict.fromkeys((PLAIN, SEND, "dv_ar_adres_beheer"), "A scope")
    return make_realm(keycloak_server, administrator, scopes=scopes, audited=True)


@pytest.fixture
def client_id(audited: TestRealm) -> str:
    adapter = audited.adapter()
    client_id = adapter.register(metadata(), None, {}, {}).client_id
    adapter.replace_scopes(client_id, None, {PLAIN: False})
    adapter.replace_jwks(
        client_id, None, {"declared": {**new_key("declared").as_dict(private=False)}}
    )
    return client_id


def newest(adapter: Keycloak, client_id: str) -> RecordedChange:
    assert isinstance(adapter, Audited)
    return next(adapter.recorded_changes(client_id))


def differing(change: RecordedChange) -> set[str]:
    before, after = change.before or {}, change.after or {}
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def kids(document: Mapping[str, Any] | None) -> list[str]:
    return [key["kid"] for key in (document or {})["keys"]]


RECORDED: dict[str, tuple[str, set[str]]] = {
    "disabled": ("client.replaced", {"enabled"}),
    "authentication-method": ("client.replaced", {"token_endpoint_auth_method"}),
    "description": ("client.replaced", {"organisation"}),
    "attribute-added": ("client.replaced", {"attributes"}),
    "key-slipped-in": ("jwks.replaced", {"keys"}),
    "scope-granted": ("scopes.replaced", {"scopes"}),
    "scope-withdrawn": ("scopes.replaced", {"scopes"}),
    "claim-of-another": ("scopes.replaced", {"scopes"}),
    "full-scope-allowed": ("scopes.replaced", {"scopes"}),
    "removed": ("client.removed", set()),
}
"""Per drift of ``DRIFTS`` the action, and what differs by it."""


@pytest.mark.parametrize("name", RECORDED)
def test_a_change_by_hand_is_told_of(audited: TestRealm, client_id: str, name: str) -> None:
    DRIFTS[name].act(audited, client_id, {})
    change = newest(audited.adapter(), client_id)
    assert (change.action, differing(change)) == RECORDED[name]
    assert change.actor.startswith("user ")
    assert abs(change.at - datetime.now(UTC)) < timedelta(minutes=10)


def test_which_scope_and_which_key(audited: TestRealm, client_id: str) -> None:
    audited.grant(client_id, SEND)
    assert newest(audited.adapter(), client_id).after == {"scopes": [SEND]}
    audited.withdraw(client_id, PLAIN)
    assert newest(audited.adapter(), client_id).before == {"scopes": [PLAIN]}
    audited.set_keys(client_id, [new_key("slipped-in")])
    change = newest(audited.adapter(), client_id)
    assert (kids(change.before), kids(change.after)) == (["declared"], ["slipped-in"])


def test_what_this_project_did_has_its_name(audited: TestRealm, client_id: str) -> None:
    assert {change.actor for change in audited.adapter().recorded_changes(client_id)} == {OPERATOR}


def test_events_that_are_gone_blame_nobody(audited: TestRealm, client_id: str) -> None:
    """Of a client whose first events the realm has forgotten, only what a later one says for
    certain is told."""
    audited.change(client_id, enabled=False)
    audited.administrator.delete(f"/{audited.name}/admin-events")
    audited.change(client_id, name="Anders")
    assert list(audited.adapter().recorded_changes(client_id)) == []
    audited.grant(client_id, SEND)
    assert newest(audited.adapter(), client_id).after == {"scopes": [SEND]}


def test_a_realm_that_tells_nothing(audited: TestRealm, realm: TestRealm) -> None:
    """It keeps no events, or its operator may not see them."""
    have_rights(audited, "manage-clients")
    for silent in (realm, audited):
        client_id = silent.adapter().register(metadata(), None, {}, {}).client_id
        silent.change(client_id, enabled=False)
        assert list(silent.adapter().recorded_changes(client_id)) == []
        silent.remove(client_id)
        assert list(silent.adapter().recorded_changes(client_id)) == []
