"""How a part of a client is replaced without ETags: read, decide, write, read back, and begin anew
after a conflict with another writer."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from acmidm_onboarding.authorities.differences import difference
from acmidm_onboarding.authorities.errors import (
    AlreadyRegistered,
    ChangedMeanwhile,
    Failed,
    Unsettled,
)
from acmidm_onboarding.authorities.keycloak.wire import WireClient
from acmidm_onboarding.texts import say

TRIES = 6
_FIRST_WAIT_SECONDS = 0.05
CONFLICTS = (Failed, AlreadyRegistered)
"""The answers of Keycloak to one of two writers of the same client: 409 "Duplicate resource error",
or 500 (optimistic locking)."""

Value = TypeVar("Value")
Result = TypeVar("Result")


def with_retries(
    attempt: Callable[[], Result], on: tuple[type[Exception], ...] = (*CONFLICTS, Unsettled)
) -> Result:
    """Run ``attempt``, which reads afresh, until it meets no conflict, at most TRIES times. Raises
    what the last try raised."""
    for tries in range(TRIES - 1):
        try:
            return attempt()
        except on:
            wait = min(_FIRST_WAIT_SECONDS * 2.0**tries, 1.0)
            # As much again by chance: writers that met once would else meet at each try.
            wait += random.uniform(0, wait + 0.1)  # noqa: S311 - spread, not secrecy
        time.sleep(wait)
    return attempt()


def write_checked(
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
    """Make a ``part`` of a client equal to ``wanted`` by ``write``, which gets the client as it was
    read just before.

    Nothing is written where the part is as ``wanted`` already, unless ``force``. ``document`` names
    the part in errors.

    Raises:
        ChangedMeanwhile: where the part is neither as ``known``, nor as ``wanted``, nor
            ``on_the_way`` from the one to the other: another writer made a change that nobody has
            reviewed.
        Unsettled: where the part is not as it was written, at each of the tries.
    """
    begun = written = False

    def attempt() -> None:
        nonlocal begun, written
        client = read()
        current = part(client)
        if current == wanted and (written or not force):
            return
        require_expected(current)
        begun = True
        write(client)
        written = True
        after = part(read())
        if after != wanted:
            require_expected(after)
            raise Unsettled(say("keycloak.unsettled", document=document))

    def require_expected(current: Value) -> None:
        if known is None or current in (known, wanted) or on_the_way(current):
            return
        changes = difference(known, current, wanted)
        name = "keycloak.someone_else" if begun else "authorities.someone_else"
        raise ChangedMeanwhile(say(name, document=document, changes=changes), changes)

    with_retries(attempt)
