"""Texts for people: counts, days, and the values of others, cut so that two that differ never look
the same."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from os.path import commonprefix
from typing import Any

from acmidm_onboarding.texts import Counted, Language, ntr, ntranslated, spoken, tr
from acmidm_onboarding.values.plain import normalised
from acmidm_onboarding.values.problems import on_one_line

LONGEST = 200
LONGEST_NAME = 64
WHOLE = 600
"""The longest sentence of the engine or of a check, whose remedy is at its end."""
_MOST_NAMED = 10
_SHARED = 20
"""How many characters that both values have are shown before the first that differs."""
_SEPARATOR = ", "
_REFERENCE = 102
"""The longest that a form accepts, with its brackets."""


def plain(text: str, longest: int = LONGEST) -> str:
    """Make a text of others fit for a terminal and a report: control characters spelled out, what
    is too long cut."""
    return on_one_line(_ended(text, longest))


def capitalised(text: str) -> str:
    """Return a sentence, or a title, that begins with a capital."""
    return text[:1].upper() + text[1:]


def first_of(
    names: Sequence[str],
    separator: str = _SEPARATOR,
    language: Language | None = None,
    most: int = _MOST_NAMED,
) -> str:
    """Return the first ``most``, and how many more there are: in the language of the sentence that
    they are in, which is the reader's where none is given."""
    named, more = separator.join(names[:most]), len(names) - most
    if more <= 0:
        return named
    language = language or spoken()
    return language.tr("{names} and {count} more", names=named, count=f"{more:,}")


def with_search(title: str, search: str) -> str:
    """Return the title of a report with the words that somebody searched for."""
    if not search:
        return title
    return tr('{title} with "{search}"', title=title, search=plain(search))


def counted(counts: Mapping[Counted, int], **facts: object) -> list[str]:
    """Return how many there are of each thing; nothing of a thing of which there is none."""
    return [ntranslated(thing, count, **facts) for thing, count in counts.items() if count]


def day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def days(left: int) -> str:
    """Return how long something still lasts, in whole days."""
    if not left:
        return tr("less than a day left")
    return ntr("{count} day left", "{count} days left", left)


def shown(value: Any) -> str:
    """Return a value as people read it: texts as they are, lists with commas, all else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return json.dumps(normalised(value), ensure_ascii=False, sort_keys=True)


def cut(text: str, longest: int) -> str:
    """Cut a text to about ``longest`` characters. A list shows how many more there are; a reason
    keeps its reference."""
    items = text.split(_SEPARATOR)
    return (
        _first(items, longest) if len(text) > longest and _is_list(items) else _cut(text, longest)
    )


def side_by_side(old: str | None, new: str | None, longest: int) -> tuple[str | None, str | None]:
    """Cut an old and a new value to about ``longest`` characters: of lists what only one has, of
    texts from where they differ."""
    if old is None or new is None or max(len(old), len(new)) <= longest:
        cut_old = None if old is None else cut(old, longest)
        cut_new = None if new is None else cut(new, longest)
        return cut_old, cut_new
    before, after = old.split(_SEPARATOR), new.split(_SEPARATOR)
    if _is_list(before) or _is_list(after):
        shown = _only(before, after, longest), _only(after, before, longest)
        if shown[0] != shown[1]:
            return shown
    shared = len(commonprefix([old, new]))  # noqa: RUF071 - of characters, not of a path's parts
    start = max(0, shared - _SHARED)
    if start:
        old, new = f"…{old[start:]}", f"…{new[start:]}"
    return _cut(old, longest), _cut(new, longest)


def _ended(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _cut(text: str, longest: int) -> str:
    reason, bracket, reference = text.rpartition(" (")
    if (
        len(text) <= longest
        or not bracket
        or not text.endswith(")")
        or len(bracket + reference) > _REFERENCE
    ):
        return _ended(text, longest)
    return f"{_ended(reason, longest)}{bracket}{reference}"


def _is_list(items: list[str]) -> bool:
    """Return whether it was a list of names: a sentence has commas too, and blanks."""
    return len(items) > 1 and not any(" " in item for item in items)


def _only(mine: list[str], others: list[str], longest: int) -> str:
    """Say how many items ``mine`` are, and which of them the others lack."""
    shared = set(others)
    count, own = f"{len(mine):,}", [item for item in mine if item not in shared]
    if not own:
        return tr("{count} of them", count=count)
    return tr("{count} of them, with {names}", count=count, names=_first(own, longest))


def _first(items: list[str], longest: int) -> str:
    """As many items as fit, the first of them cut where even that does not."""
    text, shown = _cut(items[0], longest), 1
    for item in items[1:]:
        if len(text) + len(_SEPARATOR) + len(item) > longest:
            break
        text, shown = text + _SEPARATOR + item, shown + 1
    if shown == len(items):
        return text
    return tr("{names} and {count} more", names=text, count=f"{len(items) - shown:,}")


def evidence_in_words(proven: Mapping[str, str]) -> str:
    """Say which evidence there is: ``of 2026-11-20 from
    https://authenticatie-ti.vlaanderen.be/op``."""
    if not proven:
        return tr("none any more")
    return tr("of {day} from {issuer}", day=proven["proven_at"][:10], issuer=proven["issuer"])


def slug(text: str, longest: int = LONGEST_NAME) -> str:
    """Return a text as a name of a file or an application: ``Stad Gênt (loket)`` is
    ``stad-gent-loket``, ``!`` is empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain))[:longest].strip("-")
