"""Every sentence for people, in Dutch and in English.

One file per subject and language, ``<subject>.<language>.yaml``: flat, each text by its name, with
blanks as ``str.format`` has them; its whole name is ``<subject>.<name>``. ``say`` returns a text
for whoever runs the command, ``Language.say`` in the language of an organisation, for a mail or a
board. The engine's
programs speak English, also under a command that speaks Dutch: their sentences get into states and
into the engine's output. What only the operator of a stack reads is in English alone: such a
subject has one file. A test checks that the languages have the same texts, and that
each text is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent
Counted = str
"""The name of a sentence that has another form for one."""


class Language(StrEnum):
    """The language in which an organisation is addressed (RFC 5646): the first one by default."""

    NL = "nl"
    EN = "en"

    def say(self, name: str, /, **values: object) -> str:
        """Return a sentence with its blanks filled in. Raises KeyError for an unknown name."""
        return self.template(name).format(**values)

    def say_counted(self, name: str, count: int, /, **values: object) -> str:
        """Return a sentence that has another form for one: ``<name>.one`` and ``<name>.many``, with
        ``{count}``."""
        form = "one" if count == 1 else "many"
        return self.say(f"{name}.{form}", count=f"{count:,}", **values)

    def template(self, name: str) -> str:
        """Return a sentence with its blanks open."""
        subject, _, name_there = name.partition(".")
        return texts(subject, self)[name_there]

    def day(self, day: date) -> str:
        """Return a day as people write it, such as 3 maart 2027."""
        return f"{day.day} {self.template(f'common.month.{day.month}')} {day.year}"


@cache
def texts(subject: str, language: Language) -> Mapping[str, str]:
    """Return the texts of a subject by their names."""
    file = FOLDER / f"{subject}.{language}.yaml"
    if not file.exists():
        file = FOLDER / f"{subject}.{Language.EN}.yaml"
    templates: dict[str, str] = yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader)
    return templates


_READER = {"language": Language.EN}
"""The person or pipeline that runs this process, in all of its threads."""


def speak(language: Language) -> None:
    """Set the language in which this process speaks to whoever runs it, which is English until
    then."""
    _READER["language"] = language


def spoken() -> Language:
    """Return the language in which this process speaks to whoever runs it."""
    return _READER["language"]


def say(name: str, /, **values: object) -> str:
    """Return a sentence for whoever runs the command; its name is ``<subject>.<name>``. Raises
    KeyError."""
    return spoken().say(name, **values)


def say_counted(name: str, count: int, /, **values: object) -> str:
    """Return a sentence that has another form for one: ``<name>.one`` and ``<name>.many``, with
    ``{count}``."""
    return spoken().say_counted(name, count, **values)
