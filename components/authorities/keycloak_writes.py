"""How a part of a client is replaced without ETags: read, decide, write, read back; and again after a conflict with another writer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import stamina

from components.authorities.differences import between
from components.authorities.errors import AlreadyRegistered, ChangedMeanwhile
from components.authorities.http import Failed
from components.authorities.keycloak_wire import WireClient

TRIES = 6
CONFLICTS = (Failed, AlreadyRegistered)
"""What Keycloak answers to one of two writers of the same client: 409 "Duplicate resource error", or 500 (optimistic locking)."""

Value = TypeVar("Value")
Result = TypeVar("Result")


class Unsettled(ChangedMeanwhile):
    """What was written is not what is there."""


def again(attempt: Callable[[], Result], on: tuple[type[Exception], ...] = (*CONFLICTS, Unsettled)) -> Result:
    """Runs ``attempt``, which reads afresh, again after a conflict, at most TRIES times."""
    return stamina.retry(on=on, attempts=TRIES, timeout=None, wait_initial=0.05, wait_max=1.0, wait_jitter=0.1)(attempt)()


def settle(
    read: Callable[[], WireClient],
    part: Callable[[WireClient], Value],
    write: Callable[[WireClient], None],
    *,
    known: Value | None,
    wanted: Value,
    document: str,
    on_the_way: Callable[[Value], bool] = lambda _: False,
    force: bool = False,
) -> None:
    """Makes a ``part`` of a client equal to ``wanted`` by ``write``, which is given the client as it was read just before.

    Nothing is written where ``wanted`` is there already, unless ``force``. What is neither ``known``, ``wanted`` nor
    ``on_the_way`` from one to the other is another writer's change that nobody has reviewed. Raises ChangedMeanwhile.
    """
    begun = written = False

    def attempt() -> None:
        nonlocal begun, written
        client = read()
        current = part(client)
        if current == wanted and (written or not force):
            return
        require_known(current)
        begun = True
        write(client)
        written = True
        after = part(read())
        if after != wanted:
            require_known(after)
            raise Unsettled(
                f"{document} is not as it was written; see who else writes it, and whether the server's version is supported, "
                "then run the same command again"
            )

    def require_known(current: Value) -> None:
        if known is None or current in (known, wanted) or on_the_way(current):
            return
        difference = between(known, current, wanted)
        what = f"since the last refresh: {difference}, and nothing was overwritten"
        if begun:
            what = f"while it was written: {difference} since the last refresh, and what is there may be of both"
        raise ChangedMeanwhile(
            f"someone else changed {document} {what}; run pulumi refresh, see the change in a preview, then run pulumi up", difference
        )

    again(attempt)
