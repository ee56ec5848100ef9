"""How many requests each act sends: what is known is not read."""

from __future__ import annotations

from tests.support.fault_proxy import FaultProxy
from tests.support.forms import PLAIN, SEND
from tests.support.keycloak import TestRealm
from tests.support.portal import metadata, new_jwks

CLIENTS = 6


def test_requests_for_each_client(realm: TestRealm) -> None:
    """Three to make one, and three to remove one; and lists, once per run."""
    several = [metadata() for _ in range(CLIENTS)]
    with FaultProxy(realm.server.origin) as proxy:
        adapter = realm.adapter(origin=proxy.origin)
        made = []
        for wanted in several:
            scopes, jwks = {PLAIN: False, SEND: False}, new_jwks("key-1")
            made.append(adapter.register(wanted, None, scopes, jwks).client_id)
        # The last withdraws the scope that Keycloak gives each client.
        for method in ("POST", "GET", "DELETE"):
            path = r"/clients$|clientId=|/default-client-scopes/"
            assert len(proxy.seen(method, path)) == CLIENTS
        lists = 2
        assert len(proxy.requests) == 3 * CLIENTS + lists

        proxy.heal()
        adapter = realm.adapter(origin=proxy.origin)
        for wanted, client_id in zip(several, made, strict=True):
            assert adapter.remove(client_id, wanted.owner)
        assert len(proxy.seen("DELETE", "/clients/")) == CLIENTS
        rights = 1  # the realm's own client, whose roles an operator has
        assert len(proxy.requests) == 3 * CLIENTS + rights
