"""What a state has of each connection, read from the engine's export of it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from acmidm_onboarding.recorded import recorded_in
from acmidm_onboarding.values.client import Client, recorded_as
from acmidm_onboarding.values.jwk import public_jwk as read_jwk
from tests.support.changed import changed
from tests.support.declared_connection import CONNECTION
from tests.support.portal import new_key, public_jwk
from tests.support.recorded_resources import resource


class Essence(NamedTuple):
    """What leaving and the gate look at; keys by thumbprint."""

    client_id: str | None
    scopes: Collection[str] = frozenset()
    products: Collection[str] = frozenset()
    keys: Collection[str] | None = frozenset()
    seen: str | None = None
    protected: Collection[str] | None = frozenset()
    is_let_go: bool = False


def essence(client: Client) -> Essence:
    return Essence(
        client.client_id,
        (client.scopes or {}).keys(),
        client.products.keys(),
        None if client.keys.declared is None else client.keys.thumbprints,
        client.keys.seen,
        client.leaving.protected,
        client.leaving.is_let_go,
    )


def test_what_is_held_of_each_connection() -> None:
    """By resource name, each platform by itself; what waits for its removal is not held."""
    key = public_jwk(new_key("loket-1"))
    resources = [
        {
            "urn": "urn:pulumi:prod::acmidm::pulumi:pulumi:Stack::acmidm-prod",
            "type": "pulumi:pulumi:Stack",
        },
        resource("OAuthClient", "OVO002067/loket", {"client_name": "x"}, id="id-1", protect=True),
        resource(
            "ClientScopes",
            "OVO002067/loket",
            {"scopes": {"a": "requested", "b": "SD-1"}},
            id="id-1",
        ),
        resource(
            "ClientJwks",
            "OVO002067/loket",
            {"jwks": {"loket-1": key, "broken": {"kty": "RSA"}}},
            id="id-1",
        ),
        resource(
            "ProductConfiguration", "OVO002067/loket/dosis", {"product": "dosis"}, protect=True
        ),
        resource(
            "ProductConfiguration", "OVO002067/loket/notificaties", {"product": "notificaties"}
        ),
        resource(
            "OAuthClient",
            "OVO002067/loket/geosecure",
            {"jwks_uri": "https://x", "keep": True},
            id="40001",
        ),
        resource(
            "ClientJwks",
            "OVO002067/loket/geosecure",
            {"jwks": None, "proven": {"thumbprint": "t"}},
            outputs={"seen": "t"},
        ),
        resource("OAuthClient", "OVO000001/gaat", {}, id="id-2", delete=True),
        resource("ClientScopes", "OVO000001/zonder-client", {"scopes": {"a": "requested"}}),
    ]
    found = recorded_in({"deployment": {"resources": resources}})
    assert {name: essence(client) for name, client in found.parts.items()} == {
        "OVO002067/loket": Essence(
            "id-1",
            {"a", "b"},
            {"dosis", "notificaties"},
            {read_jwk(key).thumbprint},
            protected={"acmidm", "dosis"},
        ),
        "OVO002067/loket/geosecure": Essence("40001", keys=None, seen="t", is_let_go=True),
        "OVO000001/zonder-client": Essence(None, {"a"}),
    }
    assert {client.client_id for client in found.clients.values()} == {
        "id-1",
        "40001",
    }, "a client is one that has its client"
    assert [client.client_id for client in found.leaving] == ["id-2"]


def test_what_a_rename_that_failed_in_part_left_is_held() -> None:
    """A part that failed in the run of a rename is under the earlier name still; another client of
    that name is another client."""
    renamed = changed(CONNECTION, formerly=("OVO002067/vroeger",))
    name = renamed.resource_name
    client = resource("OAuthClient", name, {}, id="id-1")
    left = [
        resource("ClientScopes", "OVO002067/vroeger", {"scopes": {"a": "requested"}}, protect=True),
        resource(
            "ProductConfiguration", "OVO002067/vroeger/dosis", {"product": "dosis"}, protect=True
        ),
    ]
    there = recorded_as(renamed, recorded_in({"deployment": {"resources": [client, *left]}}).parts)
    assert there is not None
    assert essence(there) == Essence("id-1", {"a"}, {"dosis"}, protected={"acmidm", "dosis"})
    another = resource("OAuthClient", "OVO002067/vroeger", {}, id="id-2")
    there = recorded_as(
        renamed, recorded_in({"deployment": {"resources": [client, *left, another]}}).parts
    )
    assert there is not None
    assert essence(there) == Essence("id-1")


def test_a_state_without_anything_holds_nothing() -> None:
    documents: list[dict[str, Any]] = [
        {},
        {"deployment": None},
        {"deployment": {}},
        {"deployment": {"resources": [None, "x", {}]}},
    ]
    for document in documents:
        assert recorded_in(document).parts == {}


def test_the_clients_of_a_state_are_put_together_once() -> None:
    """Whoever looks one up for each of thousands would make the map as often."""
    found = recorded_in(
        {"deployment": {"resources": [resource("OAuthClient", "OVO1/a", {}, id="1")]}}
    )
    assert [client.client_id for client in found.clients.values()] == ["1"]
    assert found.clients is found.clients
