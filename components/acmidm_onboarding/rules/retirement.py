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


def leaving_parts(connection: Client, day: date) -> frozenset[str]:
    """Return the parts of a connection that are to leave on ``day``, or were before: its platform
    (the whole client), or products, as ``{"acmidm"}`` or ``{"dosis"}``."""
    return frozenset(name for name, since in connection.leaves.items() if since <= day.isoformat())


def declared_now(
    connections: Iterable[Declaration],
    records: Callable[[], Records],
    day: date,
    at_authorities: Records = MappingProxyType({}),
) -> list[Declaration]:
    """Return what a run on ``day`` declares of ``connections``: those that leave in the step that
    they are at, or not at all in the last one.

    ``records`` reads what the state has, and is called only where something leaves. A client that
    the state has lost and ``at_authorities`` has is declared once more: the engine removes only
    what its state has.
    """
    declared = []
    for connection in connections:
        now: Declaration | None = connection
        if leaving := leaving_parts(connection, day):
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
    without_record = []
    for connection in connections:
        if connection.platform not in leaving_parts(connection, day):
            continue
        if not is_recorded(recorded_as(connection, records())):
            without_record.append(connection)
    return without_record


def last_step(connections: Iterable[Declaration], records: Records, day: date) -> frozenset[str]:
    """Return the resource names of the clients whose last step another run can do now: it removes
    the client, lets it go, or takes a product from it."""
    names: set[str] = set()
    for connection in connections:
        leaving = leaving_parts(connection, day)
        recorded = recorded_as(connection, records)
        if not leaving or recorded is None:
            continue
        now = _next_step(connection, recorded, leaving)
        if now is None:
            # Not one that somebody removed: the engine may protect its other resources.
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
    """Return what this run declares of a connection whose parts ``leaving`` leave; None where it
    declares nothing, so that the engine removes the client. ``client`` is what the state has, or
    an authority.

    A product that leaves loses its scopes in one run. A later run no longer declares the product,
    once the state has none of these scopes, and no protection of it.
    """
    if connection.platform.value in leaving:
        # Configurations of a client that somebody removed go with nothing declared, too: no client
        # is made in order to leave.
        if not is_recorded(client) or _may_go(client, connection):
            return None
        return _first_step(client, connection, leaving)
    withdrawn = frozenset().union(*(connection.product_scopes[product] for product in leaving))
    undeclared = leaving
    if client is not None:
        undeclared = leaving - client.products.keys()
        if not withdrawn & client.granted.keys():
            may_go = client.leaving.parts - client.leaving.known_protected
            undeclared |= leaving & may_go
    now = connection.without(withdrawn, undeclared)
    return replace(
        now,
        leaving=replace(
            connection.leaving,
            parts=leaving - undeclared,
            withdrawn=withdrawn_scopes(client, connection, now.scopes),
        ),
    )


def _may_go(client: Client, connection: Declaration) -> bool:
    """Return whether an earlier run has recorded that a client leaves, as its form has it today: so
    this run may remove it, or let it go."""
    # The provider refuses to remove a part that is protected, or not recorded as leaving.
    is_recorded_whole = {connection.platform.value, *client.products} <= client.leaving.parts
    if client.leaving.protected or not is_recorded_whole:
        return False
    if not connection.form.keep:
        # Where the form kept it before, the state still says so, and a removal would let it go.
        return not client.scopes and not client.leaving.is_let_go
    # A compromised key goes first: nobody removes it later.
    return client.leaving.is_let_go and not client.keys.thumbprints & connection.keys.compromised


def _first_step(client: Client, connection: Declaration, leaving: frozenset[str]) -> Declaration:
    """Return the declaration that records that a client leaves: without scopes, unless its form
    keeps it, and without protection of the parts ``leaving``."""
    scopes = connection.scopes if connection.form.keep else {}
    withdrawn = withdrawn_scopes(client, connection, scopes)
    marked = replace(connection.leaving, parts=leaving, withdrawn=withdrawn)
    return replace(connection, leaving=marked, scopes=scopes)


def withdrawn_scopes(
    client: Client | None, connection: Declaration, scopes: Container[str]
) -> frozenset[str]:
    """Return the scopes of a form that its client has had, and that are not among those which this
    run declares. The state remembers them, to give them back where the form calls its leaving
    off."""
    had = client.had_scopes if client else frozenset()
    return frozenset(scope for scope in connection.scopes if scope in had and scope not in scopes)
