"""What organisations read is there in each language, with the same blanks."""

from __future__ import annotations

import string
from datetime import date

import pytest

from acmidm_onboarding.texts import FOLDER, Language, texts

OF_OPERATORS = {
    "deploy",
    "engine",
    "github",
    "import",
    "installed",
    "program",
    "project",
    "sandbox",
    "settings",
    "state",
}
"""What only the operator of a stack reads, in English alone."""
ROOMS = sorted({file.name.partition(".")[0] for file in FOLDER.glob("*.yaml")})


def blanks(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def test_what_only_operators_read_is_in_english_alone() -> None:
    files = {file.name.removesuffix(".yaml") for file in FOLDER.glob("*.yaml")}
    assert files == {
        f"{room}.{language}"
        for room in ROOMS
        for language in Language
        if language is Language.EN or room not in OF_OPERATORS
    }


@pytest.mark.parametrize("room", ROOMS)
def test_each_language_says_the_same(room: str) -> None:
    """The same texts, in the same order, with the same blanks; none is empty."""
    found = {language: texts(room, language) for language in Language}
    first = found[Language.NL]
    for other in found.values():
        assert list(other) == list(first)
        assert {name: blanks(text) for name, text in other.items()} == {
            name: blanks(text) for name, text in first.items()
        }
        assert all(
            isinstance(text, str) and text.strip() == text and text for text in other.values()
        )


def test_a_day_as_people_write_it() -> None:
    assert Language.NL.day(date(2027, 3, 1)) == "1 maart 2027"
    assert Language.EN.day(date(2027, 3, 1)) == "1 March 2027"
