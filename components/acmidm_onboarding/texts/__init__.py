"""Sentences for people: English where they are reported, marked for translation; Dutch in
``nl.po``, gettext's catalogue, compiled to ``nl.mo`` by ``make venv``.

``tr("scope {name} is not offered", name=name)`` returns a sentence for whoever runs the command,
``ntr`` one that has another form for one; ``Language.tr`` and ``Language.ntr`` do so in the
language of an organisation, for a mail or a board. Their first argument is the sentence itself.
One that a row of a table has is marked by ``N_``, or ``NN_`` with its two forms; ``translated``
and ``ntranslated`` take such a row's. What only the operator of a stack reads is in English
alone, and not marked. The engine's programs speak English, also under a command that speaks Dutch:
their sentences get into states and into the engine's output.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

FOLDER = Path(__file__).parent
Counted = tuple[str, str]
"""The two forms of a sentence, for one and for many."""


def N_(sentence: str) -> str:  # noqa: N802 - as gettext's users call it
    """Mark a sentence of a row for translation, and return it as it is."""
    return sentence


def NN_(one: str, many: str) -> Counted:  # noqa: N802
    """Mark the two forms of a sentence of a row, for one and for many, with ``{count}``."""
    return one, many


MONTHS = (
    N_("January"),
    N_("February"),
    N_("March"),
    N_("April"),
    N_("May"),
    N_("June"),
    N_("July"),
    N_("August"),
    N_("September"),
    N_("October"),
    N_("November"),
    N_("December"),
)


class Language(StrEnum):
    """The language in which an organisation is addressed (RFC 5646): the first one by default."""

    NL = "nl"
    EN = "en"

    def tr(self, sentence: str, /, **values: object) -> str:
        """Return a sentence with its blanks filled in."""
        return self.template(sentence).format(**values)

    def ntr(self, one: str, many: str, count: int, /, **values: object) -> str:
        """Return a sentence that has another form for one, with ``{count}``."""
        template = _catalogue(self).ngettext(one, many, count)
        return template.format(count=f"{count:,}", **values)

    def translated(self, sentence: str, /, **values: object) -> str:
        """Return the sentence of a row, which ``N_`` marks."""
        return self.tr(sentence, **values)

    def ntranslated(self, forms: Counted, count: int, /, **values: object) -> str:
        """Return the sentence of a row, which ``NN_`` marks."""
        return self.ntr(*forms, count, **values)

    def template(self, sentence: str) -> str:
        """Return a sentence with its blanks open."""
        return _catalogue(self).gettext(sentence) if sentence else ""

    def day(self, day: date) -> str:
        """Return a day as people write it, such as 3 maart 2027."""
        return f"{day.day} {self.translated(MONTHS[day.month - 1])} {day.year}"


@cache
def _catalogue(language: Language) -> NullTranslations:
    if language is Language.EN:
        return NullTranslations()
    with (FOLDER / f"{language}.mo").open("rb") as file:
        return GNUTranslations(file)


_READER = {"language": Language.EN}
"""The person or pipeline that runs this process, in all of its threads."""


def speak(language: Language) -> None:
    """Set the language in which this process speaks to whoever runs it, which is English until
    then."""
    _READER["language"] = language


def spoken() -> Language:
    """Return the language in which this process speaks to whoever runs it."""
    return _READER["language"]


def tr(sentence: str, /, **values: object) -> str:
    """Return a sentence for whoever runs the command, with its blanks filled in."""
    return spoken().tr(sentence, **values)


def ntr(one: str, many: str, count: int, /, **values: object) -> str:
    """Return a sentence that has another form for one, with ``{count}``."""
    return spoken().ntr(one, many, count, **values)


def translated(sentence: str, /, **values: object) -> str:
    """Return the sentence of a row, which ``N_`` marks, for whoever runs the command."""
    return spoken().tr(sentence, **values)


def ntranslated(forms: Counted, count: int, /, **values: object) -> str:
    """Return the sentence of a row, which ``NN_`` marks, for whoever runs the command."""
    return spoken().ntr(*forms, count, **values)


def plural(one: str, many: str, count: int, /, **values: object) -> str:
    """Return a sentence for the operator of a stack, in English alone, with ``{count}``."""
    return Language.EN.ntr(one, many, count, **values)
