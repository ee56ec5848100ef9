"""What is not the authority: a bad certificate, a redirect, a page of HTML, an answer without end.
Refused at once, in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from acmidm_onboarding.authorities.errors import Rejected, TooLarge, Unintelligible
from acmidm_onboarding.authorities.http import api as http
from acmidm_onboarding.authorities.http import collection
from acmidm_onboarding.authorities.port import Authority
from acmidm_onboarding.values.metadata import Owner
from tests.support.adapters import beheerportaal, keycloak
from tests.support.between import platform_through
from tests.support.fake_server import FakeServer, Reply, Request, serving
from tests.support.fault_proxy import FaultProxy
from tests.support.portal import RunningPortal
from tests.support.tls_server import self_signed


def test_self_made_certificate_is_refused(portal: RunningPortal, tmp_path: Path) -> None:
    """No request gets through, none is tried again: time does not make a certificate good."""
    with FaultProxy(portal.origin, self_signed(tmp_path, "127.0.0.1")[0]) as proxy:
        platform = platform_through(proxy.origin, portal, tmp_path)
        with pytest.raises(
            Rejected, match=r"the server's certificate cannot be verified; check the address"
        ):
            platform.authority.read_metadata("any")
        assert proxy.requests == []
        assert proxy.connections == 1


def client_at(number: int, **more: Any) -> dict[str, Any]:
    """A client as both authorities have it, each in members of its own."""
    metadata = {
        "client_name": "n",
        "organisation": {"name": "o"},
        "application": "a",
        "grant_types": [],
        "contacts": [],
        "scopes": [],
    }
    own = {
        "client_id": f"c{number}",
        **metadata,
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": []},
    }
    return {
        "id": f"i{number}",
        "clientId": f"c{number}",
        "serviceAccountsEnabled": True,
        **own,
        **more,
    }


def page_of(items: Sequence[object], request: Request) -> Reply:
    """What either authority answers that has these clients."""
    query = {name: int(value) for name, value in parse_qsl(urlsplit(request.path).query)}
    if "max" in query:
        return Reply(body=items[query["first"] :][: query["max"]])
    end = query.get("after", 0) + query["limit"]
    return Reply(
        body={
            "items": items[query.get("after", 0) : end],
            "next": str(end) if end < len(items) else None,
        }
    )


@pytest.mark.parametrize("authority", [beheerportaal, keycloak])
@pytest.mark.parametrize(("is_new", "most_requests"), [(False, 2), (True, 6)])
def test_a_list_that_goes_on_is_refused(
    authority: Callable[[FakeServer], Authority],
    is_new: bool,
    most_requests: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same page for every place, or always others: memory and time have an end."""
    monkeypatch.setattr(collection, "_MOST_IN_ALL", 1_000)
    numbers = count()

    def script(request: Request) -> Reply:
        begin = next(numbers) * 200 if is_new else 0
        items = [client_at(number) for number in range(begin, begin + 200)]
        return Reply(
            body=items if "first=" in request.path else {"items": items, "next": str(next(numbers))}
        )

    with (
        serving(script) as server,
        pytest.raises(Unintelligible, match="/clients: the list has no end; check the server"),
    ):
        list(authority(server).clients())
    assert len(server.requests) == most_requests


@pytest.mark.parametrize("authority", [beheerportaal, keycloak])
def test_a_page_that_is_too_large_is_asked_for_in_parts(
    authority: Callable[[FakeServer], Authority], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few clients with much in them take nobody's list away, and cost a few requests."""
    monkeypatch.setattr(http, "MAXIMUM_ANSWER_BYTES", 400_000)
    clients = [
        client_at(number, padding="x" * 150_000 if 300 < number < 307 else "")
        for number in range(700)
    ]
    with serving(lambda request: page_of(clients, request)) as server:
        found = [registered.client_id for registered in authority(server).clients()]
    assert found == [f"c{number}" for number in range(700)]
    assert len(server.requests) < 60


def test_a_client_that_is_too_large_by_itself_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is neither gone nor ours, and all others are as they are; where not even its name is read,
    nothing is believed."""
    monkeypatch.setattr(http, "MAXIMUM_ANSWER_BYTES", 400_000)
    clients = [
        client_at(number, padding="x" * 500_000 if number == 7 else "") for number in range(20)
    ]

    def as_keycloak_writes(request: Request) -> Reply:
        return Reply(
            body=json.dumps(page_of(clients, request).body, separators=(",", ":")).encode()
        )

    with serving(as_keycloak_writes) as server:
        found = list(keycloak(server).clients())
    assert [client.client_id for client in found] == [f"c{number}" for number in range(20)]
    assert [
        client.client_id
        for client in found
        if client.metadata.owner == Owner("unreadable", "unreadable")
    ] == ["c7"]
    clients[7] = {"padding": "x" * 500_000, **clients[7]}
    with serving(as_keycloak_writes) as server, pytest.raises(TooLarge):
        list(keycloak(server).clients())
