"""How a document at an authority is replaced: read it, decide, write, and begin anew where another
writer was first."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from acmidm_onboarding.authorities.differences import difference
from acmidm_onboarding.authorities.errors import ChangedMeanwhile, Stale, Unsettled
from acmidm_onboarding.texts import tr

TRIES = 6
_FIRST_WAIT_SECONDS = 0.05

Document = TypeVar("Document")
Value = TypeVar("Value")
Result = TypeVar("Result")


def replace_part(
    read: Callable[[], Document],
    part: Callable[[Document], Value],
    write: Callable[[Document], None],
    *,
    known: Value | None,
    wanted: Value,
    name: str,
    is_expected: Callable[[Value], bool] = lambda _: False,
    always: bool = False,
    reads_back: bool = False,
    conflicts: tuple[type[Exception], ...] = (Stale,),
) -> None:
    """Make a ``part`` of a document as ``wanted`` by ``write``, which gets the document as it was
    read just before.

    Nothing is written where the part is as ``wanted`` already, unless ``always``. A part that is
    neither as ``known``, nor as ``wanted``, nor ``is_expected``, was changed by another writer
    since the state was last refreshed: to overwrite it would undo what nobody has reviewed.
    ``known=None`` expects anything. ``name`` is the document's, in errors.

    An authority that refuses to overwrite what changed since it was read (as by an ETag, which
    ``write`` sends) answers with one of the ``conflicts``: then all begins anew. Of one that does
    not, the part ``reads_back`` what it wrote.

    Raises:
        ChangedMeanwhile: where the part was changed by another writer, saying how.
        Unsettled: where the part is not as it was written, at each of the TRIES.
    """
    begun = written = False

    def attempt() -> None:
        nonlocal begun, written
        document = read()
        current = part(document)
        if current == wanted and (written or not always):
            return
        require_expected(current)
        begun = reads_back
        write(document)
        written = True
        if reads_back and (after := part(read())) != wanted:
            require_expected(after)
            raise Unsettled(
                tr(
                    "{document} is not as it was written; see who else writes to this client, and"
                    " whether the server's version is supported, then run the same command again",
                    document=name,
                )
            )

    def require_expected(current: Value) -> None:
        if known is None or current in (known, wanted) or is_expected(current):
            return
        changes = difference(known, current, wanted)
        sentence = tr(
            "someone else changed {document} since the last refresh: {changes}, and nothing was"
            " written; run pulumi refresh, see the change in a preview, then run pulumi up",
            document=name,
            changes=changes,
        )
        if begun:
            sentence = tr(
                "someone else changed {document} while this run wrote to it: {changes} since the"
                " last refresh, and the authority may have some of both changes; run pulumi"
                " refresh, see the change in a preview, then run pulumi up",
                document=name,
                changes=changes,
            )
        raise ChangedMeanwhile(sentence, changes)

    with_retries(attempt, (*conflicts, Unsettled))


def with_retries(
    attempt: Callable[[], Result], on: tuple[type[Exception], ...] = (Stale,)
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
