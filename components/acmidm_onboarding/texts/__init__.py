"""What organisations read, in their language: Dutch first, English by choice.

One file per room and language, ``<room>.<language>.yaml``: texts by name, flat, with blanks as ``str.format`` has them.
A test keeps the languages alike. Code and what the team reads stay English.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import yaml

from acmidm_onboarding.values.terms import Language

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Texts:
    """The texts of one room in one language."""

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


def texts(room: str, language: Language) -> Texts:
    """Return the texts of a room, and those that all rooms have."""
    return Texts(language, {**_read("common", language), **_read(room, language)})


@cache
def _read(room: str, language: Language) -> Mapping[str, str]:
    found: dict[str, str] = yaml.load((FOLDER / f"{room}.{language}.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    return found
