"""Texts for people: pieces of a sentence, and the values of others, cut so that two that differ never look the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from os.path import commonprefix

from components.model.form import Environment
from components.model.problems import on_one_line

ENVIRONMENTS = {Environment.PROD: "production", Environment.TNI: "TNI"}
"""In the order of reports: production first."""
LONGEST = 200
WHOLE = 600
"""For what was cut by its meaning before, and for what the engine or a check reports: its remedy is at its end."""
SOON_DAYS = 30
"""How many days before its end a key ends soon, where nobody sets another number."""
_SHARED = 20
"""How many characters that both values have are shown before the first that differs."""
_SEPARATOR = ", "
_REFERENCE = 102
"""The longest that a form accepts, with its brackets."""


@dataclass(frozen=True)
class Piece:
    """A piece of a sentence. ``value`` marks a name or a value, which is not a word of ours."""

    text: str
    value: bool = False


def plain(text: str, longest: int = LONGEST) -> str:
    """Make a text of others fit for a terminal and a report: control characters spelled out, what is too long cut."""
    if len(text) > longest:
        text = f"{text[: longest - 1]}…"
    return on_one_line(text)


def heading(environment: Environment) -> str:
    """``Production``, ``TNI``."""
    name = ENVIRONMENTS[environment]
    return name[0].upper() + name[1:]


def day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def days(left: int) -> str:
    """How long something still lasts, in whole days."""
    return {0: "less than a day left", 1: "1 day left"}.get(left, f"{left} days left")


def number(count: int, forms: str) -> str:
    """``2 keys`` from ``key|keys``."""
    one, _, many = forms.partition("|")
    return f"{count:,} {one if count == 1 else many}"


def who(author: str | None, at: datetime | None, how: str = "") -> Iterator[Piece]:
    """``by `helpdesk` at 2026-11-25 03:17 UTC``; ``how`` goes before ``at``."""
    if author:
        yield Piece("by ")
        yield Piece(plain(author), value=True)
    if at:
        yield Piece(f"{how} at {at:%Y-%m-%d %H:%M} UTC" if author else f"at {at:%Y-%m-%d %H:%M} UTC")


def cut(text: str, longest: int) -> str:
    """Cut a text to about ``longest`` characters. A list shows how many more there are; a reason keeps its reference."""
    items = text.split(_SEPARATOR)
    if len(text) > longest and _is_list(items):
        return _first(items, longest)
    return _cut(text, longest)


def side_by_side(old: str | None, new: str | None, longest: int) -> tuple[str | None, str | None]:
    """Cut an old and a new value to about ``longest`` characters: of lists what only one has, of texts from where they differ."""
    if old is None or new is None or max(len(old), len(new)) <= longest:
        return (None if old is None else cut(old, longest)), (None if new is None else cut(new, longest))
    one, other = old.split(_SEPARATOR), new.split(_SEPARATOR)
    if _is_list(one) or _is_list(other):
        shown = _only(one, other, longest), _only(other, one, longest)
        if shown[0] != shown[1]:
            return shown
    start = max(0, len(commonprefix([old, new])) - _SHARED)  # noqa: RUF071 - of characters, not of a path's parts
    old, new = (f"…{text[start:]}" if start else text for text in (old, new))
    return _cut(old, longest), _cut(new, longest)


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    reason, bracket, reference = text.rpartition(" (")
    if not bracket or not text.endswith(")") or len(bracket + reference) > _REFERENCE:
        return f"{text[: longest - 1]}…"
    return f"{reason if len(reason) <= longest else f'{reason[: longest - 1]}…'}{bracket}{reference}"


def _is_list(items: list[str]) -> bool:
    """Whether it was a list of names: a sentence has commas too, and blanks."""
    return len(items) > 1 and not any(" " in item for item in items)


def _only(mine: list[str], others: list[str], longest: int) -> str:
    """How many there are, and which of them the others lack."""
    known = set(others)
    count, own = f"{len(mine):,} of them", [item for item in mine if item not in known]
    return f"{count}, with {_first(own, longest)}" if own else count


def _first(items: list[str], longest: int) -> str:
    """As many items as fit, the first of them cut where even that does not."""
    text, shown = _cut(items[0], longest), 1
    for item in items[1:]:
        if len(text) + len(_SEPARATOR) + len(item) > longest:
            break
        text, shown = text + _SEPARATOR + item, shown + 1
    return f"{text} and {len(items) - shown:,} more" if shown < len(items) else text
