"""A mistake that was found, in no language: the texts ``probe`` have its sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from acmidm_onboarding.texts import Language, Texts, texts
from acmidm_onboarding.values.problems import on_one_line

_LONGEST_NAME = 200


@dataclass(frozen=True)
class Said:
    """A text of room ``probe`` by its name, and the values of its blanks, which may be such texts
    too."""

    name: str
    values: Mapping[str, object] = field(default_factory=dict)

    def in_words(self, texts: Texts) -> str:
        """Return the text in a language."""
        return texts(
            self.name,
            **{
                name: value.in_words(texts) if isinstance(value, Said) else value
                for name, value in self.values.items()
            },
        )


@dataclass(frozen=True)
class Finding:
    """A mistake. ``id`` is its row in the table; ``text`` names its sentence and its remedy, where
    one mistake shows in several ways."""

    id: str
    text: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def what(self) -> Said:
        return Said(f"{self.text}.what", self.values)

    @property
    def remedy(self) -> Said:
        return Said(f"{self.text}.remedy", self.values)


def words_in(language: Language) -> Texts:
    """Return the texts that findings are in."""
    return texts("probe", language)


def finding(mistake: str, text: str = "", /, **values: object) -> Finding:
    """Return a mistake; without ``text`` its sentences have its own name."""
    return Finding(mistake, text or mistake, values)


def say(name: str, /, **values: object) -> Said:
    """Return a text with the values of its blanks."""
    return Said(name, values)


def named(kid: str) -> str:
    """Quote the name of a key that is ours: it is no secret, though a thumbprint looks like one."""
    return f'"{on_one_line(kid[:_LONGEST_NAME])}"'
