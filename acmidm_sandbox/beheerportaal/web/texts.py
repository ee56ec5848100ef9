"""The texts, one file per language. A page is in Dutch until somebody chooses another language."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

DEFAULT = "nl"
BRUSSELS = ZoneInfo("Europe/Brussels")


@dataclass(frozen=True, slots=True)
class Texts:
    """One language: `language` is its tag (RFC 5646), `messages` are templates of `str.format`."""

    language: str
    messages: Mapping[str, str]

    def __call__(self, key: str, **values: str | int) -> str:
        """Return a text with its blanks filled in."""
        return self.messages[key].format(**values)

    def counted(self, key: str, count: int) -> str:
        """Return a text that has another form for one: `<key>.one` and `<key>.many`."""
        return self(f"{key}.{'one' if count == 1 else 'many'}", count=count)

    def date(self, at: datetime) -> str:
        """For example 3 maart 2027, as it is in Brussels."""
        at = at.astimezone(BRUSSELS)
        return f"{at.day} {self(f'month.{at.month}')} {at.year}"

    def moment(self, at: datetime) -> str:
        """Return a date and time, as they are in Brussels."""
        return f"{self.date(at)}, {at.astimezone(BRUSSELS):%H:%M}"


def load() -> dict[str, Texts]:
    """Return every language that there is a file for."""
    folder = Path(__file__).parent / "languages"
    return {
        file.stem: Texts(file.stem, json.loads(file.read_text(encoding="utf-8")))
        for file in sorted(folder.glob("*.json"))
    }


LANGUAGES = load()
