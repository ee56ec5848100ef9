"""Which step of leaving a connection is at, by what the state has of it and nothing else.

From its day on, one run withdraws the scopes and lifts the protection, and the next run declares
nothing of it, so that the engine removes it. A client that its form keeps loses no scopes: the
first run records that it stays, takes compromised keys away, and the next one takes our marks off
it. After a run that was cut off, the same command goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import replace
from datetime import date
from types import MappingProxyType

from acmidm_onboarding.values.client import Client, Records, is_recorded, known_client, recorded_as
from acmidm_onboarding.values.declaration import Declaration


def due(connection: Client, day: date) -> frozenset[str]:
    """Return what of a connection leaves by ``day``: its platform, or products."""
    return frozenset(name for name, since in connection.leaves.items() if since <= day.isoformat())


def declared_now(
    connections: Iterable[Declaration],
    records: Callable[[], Records],
    day: date,
    at_authorities: Records = MappingProxyType({}),
) -> list[Declaration]:
    """Return what a run on ``day`` declares.

    ``records`` reads what the state has, and is called only where something is due. What it has
    lost and ``at_authorities`` has, is recorded first: the engine removes what its state has.
    """
    declared = []
    for connection in connections:
        now: Declaration | None = connection
        if leaving := due(connection, day):
            now = _next_step(
                connection, known_client(connection, records(), at_authorities), leaving
            )
        if now is not None:
            declared.append(now)
    return declared


def unrecorded(
    connections: Iterable[Declaration], records: Callable[[], Records], day: date
) -> list[Declaration]:
    """Return the connections that leave by ``day`` and have no client in the state: they have left,
    or the state has lost them."""
    gone = []
    for connection in connections:
        if connection.platform not in due(connection, day):
            continue
        if not is_recorded(recorded_as(connection, records())):
            gone.append(connection)
    return gone


def last_step(connections: Iterable[Declaration], records: Records, day: date) -> frozenset[str]:
    """Return the names of the clients that a next run removes, or lets go, or takes a product
    from."""
    names: set[str] = set()
    for connection in connections:
        leaving = due(connection, day)
        recorded = recorded_as(connection, records)
        if not leaving or recorded is None:
            continue
        now = _next_step(connection, recorded, leaving)
        if now is None:
            # What is left of a client that is gone may be protected.
            loses = is_recorded(recorded)
        else:
            products = connection.products.keys() - now.products.keys()
            loses = bool(recorded.products.keys() & products)
        if loses:
            names.add(connection.resource_name)
    return frozenset(names)


def _next_step(
    connection: Declaration, client: Client | None, leaving: frozenset[str]
) -> Declaration | None:
    """Return what this run declares of a connection, the parts ``leaving`` of which leave; None
    where its whole client goes. ``client`` is the one that is known of it."""
    if connection.platform.value in leaving:
        # A client that somebody removed may have left configurations, which go without it: none is
        # made to leave.
        if not is_recorded(client) or _may_go(client, connection):
            return None
        return _first_step(client, connection, leaving)
    withdrawn = frozenset().union(*(connection.product_scopes[product] for product in leaving))
    gone = leaving
    if client is not None:
        gone = leaving - client.products.keys()
        if not withdrawn & client.granted.keys():
            may_go = client.leaving.parts - client.leaving.known_protected
            gone |= leaving & may_go
    now = connection.without(withdrawn, gone)
    return replace(
        now,
        leaving=replace(
            connection.leaving,
            parts=leaving - gone,
            withdrawn=withdrawn_of(client, connection, now.scopes),
        ),
    )


def _may_go(client: Client, connection: Declaration) -> bool:
    """Return whether an earlier run has prepared a client so that this one removes it, or lets it
    go."""
    # The provider of a stack that protects its clients removes nothing else.
    is_recorded = {connection.platform.value, *client.products} <= client.leaving.parts
    if client.leaving.protected or not is_recorded:
        return False
    if not connection.form.keep:
        # What says that it is let go leaves the state first: its removal would let it go.
        return not client.scopes and not client.leaving.is_let_go
    # A compromised key goes first: nobody removes it later.
    return client.leaving.is_let_go and not client.keys.thumbprints & connection.keys.compromised


def _first_step(client: Client, connection: Declaration, leaving: frozenset[str]) -> Declaration:
    """Return a connection whose client still stays: without scopes, but for one that will be let
    go."""
    scopes = connection.scopes if connection.form.keep else {}
    withdrawn = withdrawn_of(client, connection, scopes)
    marked = replace(connection.leaving, parts=leaving, withdrawn=withdrawn)
    return replace(connection, leaving=marked, scopes=scopes)


def withdrawn_of(
    client: Client | None, connection: Declaration, scopes: Container[str]
) -> frozenset[str]:
    """Return the scopes of the form that the client has had and that this run does not declare."""
    had = client.had_scopes if client else frozenset()
    return frozenset(scope for scope in connection.scopes if scope in had and scope not in scopes)
