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
    part_of: Callable[[Document], Value],
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
    """Write one part of a document, such as the scopes of a client, so that it is as ``wanted``.

    ``read`` fetches the document, ``part_of`` takes the part from it, and ``write`` gets the
    document as it was read just before. Nothing is written where the part is as ``wanted`` already,
    unless ``always``. A part that is neither as ``known`` (None: anything), nor as ``wanted``, nor
    ``is_expected``, was changed by another writer since the state was last refreshed: to overwrite
    it would undo what nobody has reviewed. ``name`` is the document's, in errors.

    An authority that refuses to overwrite what changed since it was read (as by an ETag, which
    ``write`` sends) raises one of the ``conflicts``: then all begins anew. An authority that
    cannot refuse is read once more after each write, by ``reads_back``.

    Raises:
        ChangedMeanwhile: where the part was changed by another writer, saying how.
        Unsettled: where the part is not as it was written, at each of the TRIES.
    """
    is_begun = is_written = False

    def attempt() -> None:
        nonlocal is_begun, is_written
        document = read()
        current = part_of(document)
        if current == wanted and (is_written or not always):
            return
        require_expected(current)
        is_begun = True
        write(document)
        is_written = True
        if reads_back and (after := part_of(read())) != wanted:
            require_expected(after)
            raise Unsettled(
                tr(
                    "{document} is not as it was written; see who else writes to this client, and"
                    " whether the server's version is supported, then run the same command again",
                    document=name,
                )
            )

    def require_expected(current: Value) -> None:
        """Raise ChangedMeanwhile for a part that another writer changed, with what changed."""
        if known is None or current in (known, wanted) or is_expected(current):
            return
        changes = difference(known, current, wanted)
        sentence = tr(
            "someone else changed {document} since the last refresh: {changes}, and nothing was"
            " written; run pulumi refresh, see the change in a preview, then run pulumi up",
            document=name,
            changes=changes,
        )
        if is_begun and reads_back:  # no ETag kept this write from mixing with the other writer's
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
    attempt: Callable[[], Result], conflicts: tuple[type[Exception], ...] = (Stale,)
) -> Result:
    """Return the result of ``attempt``, which reads and writes, and is repeated while it raises one
    of the ``conflicts``. The last of TRIES raises what it meets."""
    for tries in range(TRIES - 1):
        try:
            return attempt()
        except conflicts:
            wait = min(_FIRST_WAIT_SECONDS * 2.0**tries, 1.0)
            # As much again by chance: writers that met once would else meet at each try.
            wait += random.uniform(0, wait + 0.1)  # noqa: S311 - spread, not secrecy
        time.sleep(wait)
    return attempt()
