"""A mistake that was found, in no language yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from acmidm_onboarding.texts import N_, Language
from acmidm_onboarding.values.problems import on_one_line

_LONGEST_NAME = 200
_ENVIRONMENTS = {"tni": N_("TNI"), "prod": N_("production")}


@dataclass(frozen=True)
class Said:
    """A sentence, and the values of its blanks, which may be such sentences too."""

    sentence: str
    values: Mapping[str, object] = field(default_factory=dict)

    def in_words(self, language: Language) -> str:
        """Return the sentence in a language."""
        return language.translated(
            self.sentence,
            **{
                name: value.in_words(language) if isinstance(value, Said) else value
                for name, value in self.values.items()
            },
        )


@dataclass(frozen=True)
class Finding:
    """A mistake: one sentence, and what to do. ``id`` is its row in the table, and one may show in
    several ways."""

    id: str
    sentence: str
    remedy_sentence: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def what(self) -> Said:
        return Said(self.sentence, self.values)

    @property
    def remedy(self) -> Said:
        return Said(self.remedy_sentence, self.values)


def finding(mistake: str, what: str, remedy: str, /, **values: object) -> Finding:
    """Return a mistake with the values of the blanks of its sentences."""
    return Finding(mistake, what, remedy, values)


def said(sentence: str, /, **values: object) -> Said:
    """Return a sentence with the values of its blanks."""
    return Said(sentence, values)


def environment(name: str) -> Said:
    """Return what people call an environment."""
    return Said(_ENVIRONMENTS[name])


def named(kid: str) -> str:
    """Quote the name of a key that is ours: it is no secret, though a thumbprint looks like one."""
    return f'"{on_one_line(kid[:_LONGEST_NAME])}"'
