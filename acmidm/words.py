"""Texts for people: counts, days, and values of others, shortened so that two different values
never look the same."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from os.path import commonprefix
from typing import Any

from acmidm_onboarding.texts import Counted, Language, ntr, ntranslated, spoken, tr
from acmidm_onboarding.values.plain import normalised
from acmidm_onboarding.values.problems import on_one_line

LONGEST = 200
LONGEST_NAME = 64
WHOLE = 600
"""Characters of the longest sentence of the engine or of a check, whose remedy is at its end."""
_MOST_NAMED = 10
_SHARED = 20
"""How many equal characters of two values are shown before the first that differs."""
_SEPARATOR = ", "
_REFERENCE = 102
"""Characters of the longest reference that a form accepts, with its brackets."""


def plain(text: str, longest: int = LONGEST) -> str:
    """Return a text of others as one line for a terminal and a report: cut to ``longest``
    characters, then with its control characters spelled out."""
    return on_one_line(_shortened(text, longest))


def capitalised(text: str) -> str:
    """Return a sentence or title with a capital as its first letter."""
    return text[:1].upper() + text[1:]


def first_of(
    names: Sequence[str], language: Language | None = None, most: int = _MOST_NAMED
) -> str:
    """Return at most ``most`` names in one text, as "a, b and 38 more". Without ``language``, it is
    in the language that this process speaks."""
    named, unnamed = _SEPARATOR.join(names[:most]), len(names) - most
    if unnamed <= 0:
        return named
    language = language or spoken()
    return language.tr("{names} and {count} more", names=named, count=f"{unnamed:,}")


def with_search(title: str, search: str) -> str:
    """Return the title of a report with the words that somebody searched for; as it is where these
    are empty."""
    if not search:
        return title
    return tr('{title} with "{search}"', title=title, search=plain(search))


def counted(counts: Mapping[Counted, int], **facts: object) -> list[str]:
    """Return each thing with its number, as ["2 clients", "1 scope"]. ``facts`` fill in the rest of
    the texts; a thing whose number is 0 is left out."""
    return [ntranslated(thing, count, **facts) for thing, count in counts.items() if count]


def day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def days(count: int) -> str:
    """Return how long something still lasts, as "3 days left"."""
    if not count:
        return tr("less than a day left")
    return ntr("{count} day left", "{count} days left", count)


def shown(value: Any) -> str:
    """Return a value for people: a text as it is, a day as 2027-12-31, a list of texts with commas,
    all else as JSON."""
    if isinstance(value, str | date):
        return str(value)
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return json.dumps(normalised(value), ensure_ascii=False, sort_keys=True)


def cut(text: str, longest: int) -> str:
    """Return a text of about ``longest`` characters: of a list as many items as fit, of a reason
    its beginning and its reference."""
    items = text.split(_SEPARATOR)
    if len(text) > longest and _is_list(items):
        return _first_items(items, longest)
    return _keeping_reference(text, longest)


def side_by_side(old: str | None, new: str | None, longest: int) -> tuple[str | None, str | None]:
    """Return an old and a new value as texts of about ``longest`` characters that show the
    difference: of lists the items that the other lacks, of texts a part from shortly before the
    first character that differs. None stays None."""
    if old is None or new is None or max(len(old), len(new)) <= longest:
        cut_old = None if old is None else cut(old, longest)
        cut_new = None if new is None else cut(new, longest)
        return cut_old, cut_new
    before, after = old.split(_SEPARATOR), new.split(_SEPARATOR)
    if _is_list(before) or _is_list(after):
        differing = (
            _items_without(before, after, longest),
            _items_without(after, before, longest),
        )
        if differing[0] != differing[1]:  # else the same items stand in another order
            return differing
    shared = len(commonprefix([old, new]))  # noqa: RUF071 - of characters, not of a path's parts
    start = max(0, shared - _SHARED)
    if start:
        old, new = f"…{old[start:]}", f"…{new[start:]}"
    return _keeping_reference(old, longest), _keeping_reference(new, longest)


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _keeping_reference(text: str, longest: int) -> str:
    """Return a text of at most ``longest`` characters and, where it ends with a reference in
    brackets, that too: "house numbers in rep… (SD-4820)"."""
    reason, bracket, reference = text.rpartition(" (")
    if not bracket or not text.endswith(")") or len(bracket + reference) > _REFERENCE:
        return _shortened(text, longest)
    return f"{_shortened(reason, longest)}{bracket}{reference}"


def _is_list(items: list[str]) -> bool:
    """Return whether a text with commas was a list of names, and no sentence: that has blanks."""
    return len(items) > 1 and not any(" " in item for item in items)


def _items_without(items: list[str], others: list[str], longest: int) -> str:
    """Return how many items there are, and which of them ``others`` lack: "12 of them, with a,
    b"."""
    shared = set(others)
    count, missing = f"{len(items):,}", [item for item in items if item not in shared]
    if not missing:
        return tr("{count} of them", count=count)
    return tr("{count} of them, with {names}", count=count, names=_first_items(missing, longest))


def _first_items(items: list[str], longest: int) -> str:
    """Return as many items as fit into ``longest`` characters, and how many there are besides. The
    first always stands, shortened where it does not fit."""
    text, number_shown = _keeping_reference(items[0], longest), 1
    for item in items[1:]:
        if len(text) + len(_SEPARATOR) + len(item) > longest:
            break
        text, number_shown = text + _SEPARATOR + item, number_shown + 1
    if number_shown == len(items):
        return text
    return tr("{names} and {count} more", names=text, count=f"{len(items) - number_shown:,}")


def evidence_in_words(proven: Mapping[str, str]) -> str:
    """Return which evidence proves a client, as "of 2026-11-20 from
    https://authenticatie-ti.vlaanderen.be/op". ``proven`` is {"proven_at": …, "issuer": …}; empty
    where the evidence is gone."""
    if not proven:
        return tr("none any more")
    return tr("of {day} from {issuer}", day=proven["proven_at"][:10], issuer=proven["issuer"])


def slug(text: str, longest: int = LONGEST_NAME) -> str:
    """Return a text as a name of a file or an application: "Stad Gênt (loket)" is
    "stad-gent-loket", "!" is empty."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", ascii_text))[:longest].strip("-")
