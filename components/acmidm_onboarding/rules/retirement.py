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

from acmidm_onboarding.values.client import Client, Records, is_recorded, known, recorded_as
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
            now = _now(connection, known(connection, records(), at_authorities), leaving)
        if now is not None:
            declared.append(now)
    return declared


def unrecorded(
    connections: Iterable[Declaration], records: Callable[[], Records], day: date
) -> list[Declaration]:
    """Return the connections that leave by ``day`` and have no client in the state: they have left,
    or the state has lost them."""
    leaving = [one for one in connections if one.platform in due(one, day)]
    return [one for one in leaving if not is_recorded(recorded_as(one, records()))]


def last_step(connections: Iterable[Declaration], records: Records, day: date) -> frozenset[str]:
    """Return the names of the clients that a next run removes, or lets go, or takes a product
    from."""
    names: set[str] = set()
    for connection in connections:
        leaving = due(connection, day)
        recorded = recorded_as(connection, records)
        if not leaving or recorded is None:
            continue
        now = _now(connection, recorded, leaving)
        if now is None:
            # What is left of a client that is gone may be protected.
            loses = is_recorded(recorded)
        else:
            products = connection.products.keys() - now.products.keys()
            loses = bool(recorded.products.keys() & products)
        if loses:
            names.add(connection.resource_name)
    return frozenset(names)


def _now(
    connection: Declaration, has: Client | None, leaving: frozenset[str]
) -> Declaration | None:
    if connection.platform.value in leaving:
        # A client that somebody removed may have left configurations, which go without it: none is
        # made to leave.
        if not is_recorded(has) or _may_go(has, connection):
            return None
        return _at_first(has, connection, leaving)
    withdrawn = frozenset().union(*(connection.product_scopes[product] for product in leaving))
    gone = leaving
    if has is not None:
        gone = leaving - has.products.keys()
        if not withdrawn & has.granted.keys():
            may_go = has.leaving.parts - has.leaving.known_protected
            gone |= leaving & may_go
    now = connection.without(withdrawn, gone)
    return replace(
        now,
        leaving=replace(
            connection.leaving,
            parts=leaving - gone,
            withdrawn=withdrawn_of(has, connection, now.scopes),
        ),
    )


def _may_go(has: Client, connection: Declaration) -> bool:
    # The provider of a stack that protects its clients removes nothing else.
    is_recorded = {connection.platform.value, *has.products} <= has.leaving.parts
    if has.leaving.protected or not is_recorded:
        return False
    if not connection.form.keep:
        # What says that it is let go leaves the state first: its removal would let it go.
        return not has.scopes and not has.leaving.is_let_go
    # A compromised key goes first: nobody removes it later.
    return has.leaving.is_let_go and not has.keys.thumbprints & connection.keys.compromised


def _at_first(has: Client, connection: Declaration, leaving: frozenset[str]) -> Declaration:
    scopes = connection.scopes if connection.form.keep else {}
    withdrawn = withdrawn_of(has, connection, scopes)
    now = replace(connection.leaving, parts=leaving, withdrawn=withdrawn)
    return replace(connection, leaving=now, scopes=scopes)


def withdrawn_of(
    has: Client | None, connection: Declaration, scopes: Container[str]
) -> frozenset[str]:
    """Return the scopes of the form that the client has had and that this run does not declare."""
    had = has.had_scopes if has else frozenset()
    return frozenset(scope for scope in connection.scopes if scope in had and scope not in scopes)
