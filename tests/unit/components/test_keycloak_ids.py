"""Which client-ID a natural key gets on Keycloak: always the same one, and never that of a client that moved to another key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from acmidm_onboarding.authorities.errors import AlreadyRegistered
from acmidm_onboarding.authorities.keycloak import Keycloak
from acmidm_onboarding.authorities.keycloak_wire import client_ids_for
from acmidm_onboarding.model.metadata import ClientMetadata, Owner
from tests.support.keycloak import metadata
from tests.unit.components.fake_server import FakeServer, Reply, Request, api_at, serving

Document = dict[str, Any]
KEY, NEW_KEY = "acmidm/tni/OVO002067/loket", "acmidm/tni/OVO002067/nieuw-loket"
FIRST, SECOND, THIRD = (client_id for client_id, _ in zip(client_ids_for(KEY), range(3), strict=False))


class Realm:
    """The clients of a realm, as far as Keycloak's Admin REST API has to do with their IDs."""

    def __init__(self) -> None:
        self.clients: dict[str, Document] = {"account": {"id": "account", "clientId": "account"}}

    def __call__(self, request: Request) -> Reply:
        url = urlsplit(request.path)
        query, document = parse_qs(url.query), json.loads(request.body or b"{}")
        client_id = document.get("clientId") or url.path.rpartition("/")[2]
        match request.method:
            case "GET" if url.path.endswith("/scope-mappings"):
                return Reply(200, {})
            case "POST" if url.path.endswith("/registration-access-token"):
                return Reply(200, {})
            case "GET":
                wanted = query.get("clientId")
                return Reply(200, [one for one in self.clients.values() if wanted is None or one["clientId"] in wanted])
            case "POST" if client_id in self.clients:
                return Reply(409, {"errorMessage": f"Client {client_id} already exists"})
            case "POST":
                self.clients[client_id] = {**document, "id": client_id}
            case "PUT":
                known = self.clients[client_id]
                attributes = {**known.get("attributes", {}), **document.pop("attributes", {})}
                self.clients[client_id] = {**known, **document, "attributes": attributes}
            case "DELETE":
                del self.clients[client_id]
        return Reply(204, b"")


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with serving(Realm()) as running:
        yield running


def adapter(server: FakeServer) -> Keycloak:
    """A fresh run: nothing was read yet."""
    return Keycloak(api_at(server.url), "operator", frozenset())


def under(key: str) -> ClientMetadata:
    return metadata(software_id=key)


def move(keycloak: Keycloak, client_id: str) -> None:
    """What ``formerly`` does: another natural key, in place."""
    keycloak.update(client_id, None, under(NEW_KEY), None)


def existing(keycloak: Keycloak, key: str) -> str | None:
    with pytest.raises(AlreadyRegistered) as caught:
        keycloak.register(under(key), None)
    return caught.value.client_id


def test_the_ids_of_a_key_never_change() -> None:
    """They are in use: another rule would make each client anew."""
    assert FIRST == "a0900c9b-788b-51e6-95ba-cbfbce7265a9"
    assert len({FIRST, SECOND, THIRD}) == 3


@pytest.mark.parametrize("fresh", [True, False], ids=["next run", "same run"])
def test_another_connection_under_an_old_key_gets_another_client(server: FakeServer, fresh: bool) -> None:
    """The moved one keeps its ID and all that it has; each is found again by its own key, after a crash or with a lost state."""
    first = adapter(server)
    assert first.register(under(KEY), None).client_id == FIRST
    move(first, FIRST)
    again = adapter(server) if fresh else first
    assert again.register(under(KEY), None).client_id == SECOND
    for keycloak in (again, adapter(server)):
        assert existing(keycloak, KEY) == SECOND
        assert existing(keycloak, NEW_KEY) == FIRST
    found = again.read(FIRST), again.read(SECOND)
    assert [client and client.metadata.software_id for client in found] == [NEW_KEY, KEY]


def test_the_chain_goes_on_and_has_gaps(server: FakeServer) -> None:
    """Moved twice: the third ID. The first is free again when its client is removed, and the others stay found."""
    keycloak = adapter(server)
    for expected in (FIRST, SECOND):
        assert keycloak.register(under(KEY), None).client_id == expected
        keycloak.update(expected, None, under(f"{NEW_KEY}-{expected}"), None)
    assert keycloak.register(under(KEY), None).client_id == THIRD
    keycloak.remove(FIRST, under(f"{NEW_KEY}-{FIRST}").owner)
    for one in (keycloak, adapter(server)):
        assert existing(one, KEY) == THIRD
        assert existing(one, f"{NEW_KEY}-{SECOND}") == SECOND


def test_a_move_that_another_run_made_meanwhile_is_seen(server: FakeServer) -> None:
    """This run listed the clients before: Keycloak's own answer decides."""
    late = adapter(server)
    late.register(under(KEY), None)
    move(adapter(server), FIRST)
    assert late.register(under(KEY), None).client_id == SECOND


def test_a_removed_client_is_made_again_under_its_id(server: FakeServer) -> None:
    keycloak = adapter(server)
    keycloak.register(under(KEY), None)
    move(keycloak, FIRST)
    keycloak.remove(FIRST, under(NEW_KEY).owner)
    assert keycloak.register(under(NEW_KEY), None).client_id == next(client_ids_for(NEW_KEY))
    assert keycloak.register(under(KEY), None).client_id == FIRST


def test_a_client_without_its_key_is_still_its_own(server: FakeServer) -> None:
    """Somebody took the attribute away: its ID says whose it is, and no second one is made."""
    keycloak = adapter(server)
    keycloak.register(under(KEY), None)
    keycloak.update(FIRST, None, under(KEY).model_copy(update={"software_id": None}), None)
    for one in (keycloak, adapter(server)):
        assert existing(one, KEY) == FIRST


@pytest.mark.parametrize("change", [{"managed_by": "elders/tni"}, {"managed_by": None}, {"software_id": NEW_KEY}], ids=str)
def test_a_client_of_another_owner_stays(server: FakeServer, change: Document) -> None:
    keycloak, wanted = adapter(server), under(KEY)
    keycloak.register(wanted, None)
    keycloak.update(FIRST, None, wanted.model_copy(update=change), None)
    keycloak.remove(FIRST, wanted.owner)
    assert keycloak.read(FIRST) is not None
    keycloak.remove(FIRST, Owner(**{"software_id": KEY, "managed_by": wanted.managed_by, **change}))
    assert keycloak.read(FIRST) is None
