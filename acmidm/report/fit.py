"""Makes a page fit: what matters least is left out first, and the page says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

LIMIT = 64_000
"""Characters: what a pull-request comment or an issue of GitHub holds (65,536), with a margin for what a pipeline adds."""

ROWS, DETAILS, STAYS, PROBLEMS, KEYS, UNMANAGED, DIFFERENCES = "rows", "details", "stays", "problems", "keys", "unmanaged", "differences"
"""What a part is one of, for the order in which parts are left out and the sentence about it."""
SHORTENED = "shortened"
"""What that sentence also counts: parts that are there in their short form."""

_ROWS_PER_DETAIL = 4
_LAST = 1_000_000


@dataclass(frozen=True)
class Part:
    """A piece of a page, in its place. ``rank`` is None for what must be there; else the lower goes in first."""

    text: str
    rank: float | None = None
    what: str = ""
    """``ROWS``, ``DETAILS`` and so on."""
    short: str = ""
    """What stands there instead where the page does not fit whole: one part must not take the room of all others."""
    around: str = ""
    """What it is the frame of, for a part that is nothing without: it must be there only where one of these is."""


def row_rank(place: int) -> float:
    """The rank of the row of the ``place``th most dangerous client."""
    return place


def detail_rank(place: int) -> float:
    """The rank of its details: after a few rows, so that neither pushes the other out altogether."""
    return place * _ROWS_PER_DETAIL + 0.5


def stays_rank(place: int) -> float:
    """The rank of the line about what it keeps: worth least."""
    return 2 * detail_rank(place)


def problem_rank(place: int) -> float:
    """The rank of what the engine refused: before a row, but not all of them before the first."""
    return place * _ROWS_PER_DETAIL - 1


def key_rank(place: int) -> float:
    """The rank of a key that ends soon: as that of details."""
    return detail_rank(place)


def unmanaged_rank(place: int) -> float:
    """The rank of a client that nobody declares: anybody can make those, and give them long names."""
    return _LAST + place


def fitted(parts: Sequence[Part], left_out: Callable[[Counter[str]], str], limit: int = LIMIT) -> str:
    """The page, at most ``limit`` characters. ``left_out`` writes the sentence about what is not there; its length counts."""
    everything = Counter(part.what for part in parts if part.rank is not None)
    if sum(len(part.text) for part in parts) <= limit:
        return _joined(parts, set(range(len(parts))))
    shortened = {place for place, part in enumerate(parts) if part.short}
    parts = [replace(part, text=part.short or part.text) for part in parts]
    room = limit - sum(len(part.text) for part in parts if part.rank is None)
    room -= len(left_out(everything + Counter({SHORTENED: len(shortened)})))
    taken: set[int] = set()
    full: set[str] = set()
    for place, part in sorted(enumerate(parts), key=lambda item: item[1].rank or 0):
        if part.rank is None or part.what in full:
            continue
        if len(part.text) > room:
            if part.what == ROWS:
                break  # details without their row would be about nobody
            full.add(part.what)  # a gap in the order would look as if there were nothing
            continue
        taken.add(place)
        room -= len(part.text)
    missing = everything - Counter(parts[place].what for place in taken)
    missing[SHORTENED] = len(shortened & taken)
    return _joined(parts, taken) + left_out(missing)


def _joined(parts: Sequence[Part], taken: Collection[int]) -> str:
    """The parts that must be there and those at the places that were ``taken``, in their order."""
    there = {parts[place].what for place in taken} | {""}
    return "".join(part.text for place, part in enumerate(parts) if (place in taken or part.rank is None) and part.around in there)
