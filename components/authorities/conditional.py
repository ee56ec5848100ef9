"""The one way a document is replaced: read it, decide, write under its ETag; and again where another writer came in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from components.authorities import differences
from components.authorities.errors import ChangedMeanwhile
from components.authorities.http import if_current

Value = TypeVar("Value")


def replace(
    read: Callable[[], tuple[Value, str]],
    write: Callable[[Value, str], None],
    *,
    known: Value | None,
    wanted: Value,
    document: str,
    force: bool = False,
) -> None:
    """Replaces a document by ``wanted``.

    Nothing is written where ``wanted`` is there already, unless ``force``. What is neither ``known`` nor ``wanted`` was
    changed by someone else since the state was last refreshed: overwriting it would undo a change nobody has reviewed.
    Raises ChangedMeanwhile.
    """

    def attempt() -> None:
        current, etag = read()
        if current == wanted and not force:
            return
        if known is not None and current not in (known, wanted):
            raise changed(document, differences.between(known, current, wanted))
        write(wanted, etag)

    if_current(attempt)


def changed(document: str, difference: str) -> ChangedMeanwhile:
    """The refusal to overwrite what another writer changed."""
    return ChangedMeanwhile(
        f"someone else changed {document} since the last refresh: {difference}, and nothing was written; "
        "run pulumi refresh, see the change in a preview, then run pulumi up",
        difference,
    )
