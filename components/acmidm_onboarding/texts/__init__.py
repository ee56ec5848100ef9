"""Every sentence for people, in Dutch and in English.

One file per subject and language, ``<subject>.<language>.yaml``: texts by name, flat, with the blanks of
``str.format``. ``say`` returns one in the language of whoever runs the command, ``texts`` all of a subject in the
language of an organisation, for a mail or a board. A test finds texts that one language lacks, or that nothing uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent


class Language(StrEnum):
    """The language in which an organisation is addressed (RFC 5646): the first one by default."""

    NL = "nl"
    EN = "en"


@dataclass(frozen=True)
class Texts:
    """The texts of one subject in one language."""

    language: Language
    templates: Mapping[str, str]

    def __call__(self, name: str, /, **values: object) -> str:
        """Return a text with its blanks filled in. Raises KeyError for an unknown name."""
        return self.templates[name].format(**values)

    def __contains__(self, name: str) -> bool:
        return name in self.templates

    def counted(self, name: str, count: int, **values: object) -> str:
        """Return a text that has another form for one: ``<name>.one`` and ``<name>.many``, with ``{count}``."""
        return self(f"{name}.{'one' if count == 1 else 'many'}", count=count, **values)

    def day(self, day: date) -> str:
        """Return a day as people write it, such as 3 maart 2027."""
        return f"{day.day} {_read('common', self.language)[f'month.{day.month}']} {day.year}"


@cache
def texts(subject: str, language: Language) -> Texts:
    """Return the texts of a subject, and those that all subjects have."""
    return Texts(language, {**_read("common", language), **_read(subject, language)})


@cache
def _read(subject: str, language: Language) -> Mapping[str, str]:
    file = FOLDER / f"{subject}.{language}.yaml"
    templates: dict[str, str] = yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader)
    return templates


_READER = {"language": Language.EN}
"""The person or pipeline that runs this process, in all of its threads."""


def speak(language: Language) -> None:
    """Set the language in which this process speaks to whoever runs it: English where nobody says otherwise."""
    _READER["language"] = language


def spoken() -> Language:
    """Return the language in which this process speaks to whoever runs it."""
    return _READER["language"]


def say(name: str, /, **values: object) -> str:
    """Return a sentence for whoever runs the command; its name is ``<subject>.<name>``. Raises KeyError."""
    subject, _, own = name.partition(".")
    return texts(subject, spoken())(own, **values)


def say_counted(name: str, count: int, /, **values: object) -> str:
    """Return a sentence that has another form for one: ``<name>.one`` and ``<name>.many``, with ``{count}``."""
    return say(f"{name}.{'one' if count == 1 else 'many'}", count=f"{count:,}", **values)
