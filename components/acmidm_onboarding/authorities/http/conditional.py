"""How a document is replaced: read it, decide, write under its ETag, and begin anew where another
writer was first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from acmidm_onboarding.authorities.differences import must_write
from acmidm_onboarding.authorities.errors import Stale

Value = TypeVar("Value")
Result = TypeVar("Result")


def replace(
    read: Callable[[], tuple[Value, str]],
    write: Callable[[Value, str], None],
    *,
    known: Value | None,
    wanted: Value,
    document: str,
) -> None:
    """Replace a document by ``wanted``, where ``must_write`` says so. Raises ChangedMeanwhile,
    Stale."""

    def attempt() -> None:
        current, etag = read()
        if must_write(current, known, wanted, document):
            write(wanted, etag)

    if_current(attempt)


def if_current(write: Callable[[], Result], tries: int = 5) -> Result:
    """Run ``write``, which reads, decides and writes under an ETag, once more where another writer
    was first. Raises Stale where that happens at each of the ``tries``."""
    for _ in range(tries - 1):
        try:
            return write()
        except Stale:
            continue
    return write()
