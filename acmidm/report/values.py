"""Values that others chose, as long as they may be: cut where a reader sees it, and never so that two of them look the same."""

from __future__ import annotations

from os.path import commonprefix

_SHARED = 20
"""How many characters that both values have are shown before the first that differs."""
_SEPARATOR = ", "
_REFERENCE = 102
"""The longest that a form accepts, with its brackets."""


def cut(text: str, longest: int) -> str:
    """A text of about ``longest`` characters. A list says how many more there are; a reason keeps its reference, which people look for."""
    items = text.split(_SEPARATOR)
    if len(text) > longest and _is_list(items):
        return _first(items, longest)
    return _cut(text, longest)


def side_by_side(old: str | None, new: str | None, longest: int) -> tuple[str | None, str | None]:
    """An old and a new value, each of about ``longest`` characters: of lists what only one has, of texts from where they differ."""
    if old is None or new is None or max(len(old), len(new)) <= longest:
        return (None if old is None else cut(old, longest)), (None if new is None else cut(new, longest))
    one, other = old.split(_SEPARATOR), new.split(_SEPARATOR)
    if _is_list(one) or _is_list(other):
        told = _only(one, other, longest), _only(other, one, longest)
        if told[0] != told[1]:
            return told
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
    told, shown = _cut(items[0], longest), 1
    for item in items[1:]:
        if len(told) + len(_SEPARATOR) + len(item) > longest:
            break
        told, shown = told + _SEPARATOR + item, shown + 1
    return f"{told} and {len(items) - shown:,} more" if shown < len(items) else told
