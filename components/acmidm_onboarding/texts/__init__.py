"""Every sentence for people, in Dutch and in English.

One file per subject and language, ``<subject>.<language>.yaml``: texts by name, flat, with blanks as ``str.format`` has
them. ``say`` gives one to whoever runs the command; ``texts`` gives those of a subject in the language of an
organisation, which a mail or a board is for. A test holds the languages alike and finds texts that nothing says.
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
    """In which language an organisation is addressed (RFC 5646): the first of these where it does not say."""

    NL = "nl"
    EN = "en"


@dataclass(frozen=True)
class Texts:
    """The texts of one subject in one language."""

    language: Language
    templates: Mapping[str, str]

    def __call__(self, name: str, /, **values: object) -> str:
        """Return a text with its blanks filled in. Raises KeyError where there is none of that name."""
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
    sentences: dict[str, str] = yaml.load(
        (FOLDER / f"{subject}.{language}.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader
    )
    return sentences


_READER = {"language": Language.EN}
"""Whoever runs this process: one person or pipeline, in all of its threads."""


def speak(language: Language) -> None:
    """Set the language in which this process speaks to whoever runs it; the default is English."""
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
