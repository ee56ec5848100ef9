"""Which step of leaving a connection is at, from what the state has of it: nothing is remembered elsewhere, and no step is left out.

From its day on, one run withdraws the scopes and lifts the protection, and the next declares nothing of it any more, so that the engine
removes it. A client that is preserved keeps its scopes: the first run has the engine leave it where it is when it forgets it. A run
that was cut off between the two, or in one of them, is gone on with by the same command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

from acmidm_onboarding.model.connection import Connection
from acmidm_onboarding.model.held import Held, held_of


def today() -> date:
    """Return the day by which forms leave: that of UTC, wherever the program runs."""
    return datetime.now(UTC).date()


def due(connection: Connection, day: date) -> frozenset[str]:
    """Return what of a connection has to go by ``day``: its platform, or products of it."""
    if connection.preserve and not connection.retire:
        return frozenset({connection.platform.value})
    own = {connection.platform.value, *connection.products}
    return frozenset(name for name, since in connection.retire.items() if name in own and since <= day)


def declared_now(connections: Iterable[Connection], held: Callable[[], Mapping[str, Held]], day: date) -> list[Connection]:
    """Return what a run on ``day`` declares. ``held`` reads what the state has, and is called only where something is due."""
    return [now for connection in connections if (now := _now(connection, held, due(connection, day))) is not None]


def staying(connections: Iterable[Connection]) -> list[Connection]:
    """Return what a run today would declare in a stack that has nothing yet: without what has left, or leaves by now."""
    return declared_now(connections, dict, today())


def left_alone(connections: Iterable[Connection], declared: Iterable[Connection]) -> list[Connection]:
    """Return those whose form preserves a client that is declared no more: no run changes anything of it."""
    names = {connection.resource_name for connection in declared}
    return [connection for connection in connections if connection.preserve and connection.resource_name not in names]


def stolen_sentences(left: Iterable[Connection]) -> list[str]:
    """Return a sentence for each of those whose form says that a key of it is compromised: nothing takes that key away."""
    return [
        f"{one.resource_name} on {one.environment} keeps a compromised key, for its form preserves the client and nobody manages it; "
        "take retire and preserve away, bring the stack up so that the key goes, then preserve it again without that key"
        for one in left
        if one.compromised
    ]


def last_step(connections: Iterable[Connection], held: Mapping[str, Held], day: date) -> frozenset[str]:
    """Return the names of the clients that a next run removes, or leaves to themselves, or takes a product from."""
    return frozenset(_last_steps(connections, held, day))


def _last_steps(connections: Iterable[Connection], held: Mapping[str, Held], day: date) -> Iterator[str]:
    for connection in connections:
        leaving, has = due(connection, day), held_of(connection, held)
        if leaving and has is not None:
            now = _now(connection, lambda: held, leaving)
            if now is None or has.products & connection.products.keys() - now.products.keys():
                yield connection.resource_name


def _now(connection: Connection, held: Callable[[], Mapping[str, Held]], leaving: frozenset[str]) -> Connection | None:
    if not leaving:
        return connection
    has = held_of(connection, held())
    if connection.platform.value in leaving:
        return None if has is None or _may_go(has, connection) else _at_first(connection, leaving)
    withdrawn = frozenset().union(*(connection.product_scopes[product] for product in leaving))
    may_go = frozenset() if has is None else has.unprotected_products if not withdrawn & has.scopes else frozenset()
    gone = {product for product in leaving if has is None or product in may_go or product not in has.products}
    return replace(
        connection,
        leaving=leaving - gone,
        scopes={scope: note for scope, note in connection.scopes.items() if scope not in withdrawn},
        default_scopes=connection.default_scopes - withdrawn,
        products={product: configuration for product, configuration in connection.products.items() if product not in gone},
    )


def _may_go(has: Held, connection: Connection) -> bool:
    if has.protected or has.products - has.unprotected_products:
        return False
    # A key that somebody else may have goes first: nobody would take it away afterwards.
    return has.retained and not (has.keys or frozenset()) & connection.compromised if connection.preserve else not has.scopes


def _at_first(connection: Connection, leaving: frozenset[str]) -> Connection:
    kept = {} if not connection.preserve else connection.scopes
    return replace(connection, leaving=leaving, scopes=kept, default_scopes=connection.default_scopes & kept.keys())
