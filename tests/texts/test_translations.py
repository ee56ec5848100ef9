"""Each English sentence of the code has its Dutch, with the same blanks, and no Dutch is left."""

from __future__ import annotations

import string
from datetime import date
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message

from acmidm_onboarding.texts import Language
from toolchain.install_venv import COMPILED
from toolchain.translations import (
    NotLiteral,
    compile_dutch,
    forms_of,
    read,
    sentences,
    sentences_in,
    updated,
)


def blanks(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def wrong_in(catalogue: Catalog) -> list[str]:
    """What is wrong with the catalogue, a sentence each."""
    found: list[str] = []
    for message in catalogue:
        if not message.id:
            continue
        found += [f"{message.id!r}: {what}" for what in _wrong_in(message)]
    return found


def _wrong_in(message: Message) -> list[str]:
    found: list[str] = []
    english, dutch = forms_of(message.id), forms_of(message.string)
    if message.fuzzy:
        found.append("is fuzzy: somebody has to look at it")
    if len(english) != len(dutch) or not all(dutch):
        return [*found, "has no Dutch"]
    for one, other in zip(english, dutch, strict=True):
        if blanks(one) - {"count"} != blanks(other) - {"count"}:
            found.append(f"its Dutch has other blanks: {other!r}")
        if other.strip() != other:
            found.append(f"its Dutch begins or ends with a space: {other!r}")
    return found


def test_every_sentence_has_its_dutch_with_the_same_blanks() -> None:
    assert wrong_in(read()) == []


def test_the_catalogue_has_the_sentences_of_the_code_and_no_other() -> None:
    """An English sentence that was changed is a new one: make schema adds it, without Dutch."""
    there = {message.id for message in read() if message.id}
    assert there == {message.id for message in updated(read()) if message.id}


def test_a_sentence_stays_where_it_is_when_its_code_moves() -> None:
    """Else a call that is nested deeper moves its Dutch, and two branches would not merge."""
    catalogue = Catalog(locale="nl")
    for message in reversed([message for message in read() if message.id]):
        catalogue[message.id] = message
    assert [message.id for message in updated(catalogue)] == [message.id for message in catalogue]


def test_what_is_changed_or_lost_is_found() -> None:
    catalogue = Catalog(locale="nl")
    catalogue.add("{file} is missing", "{bestand} ontbreekt")
    catalogue.add("is missing", "ontbreekt", flags=["fuzzy"])
    catalogue.add(("{count} key", "{count} keys"), ("{count} sleutel", ""))
    assert wrong_in(catalogue) == [
        "'{file} is missing': its Dutch has other blanks: '{bestand} ontbreekt'",
        "'is missing': is fuzzy: somebody has to look at it",
        "('{count} key', '{count} keys'): has no Dutch",
    ]


@pytest.mark.parametrize(
    "source",
    ['tr("a" if x else "b")', "language.tr(name)", 'tr(f"{a}")', 'ntr("one", many, 2)', "N_(name)"],
)
def test_a_sentence_that_is_no_literal_is_refused(source: str) -> None:
    with pytest.raises(NotLiteral, match="is no literal text"):
        list(sentences_in(source, "a.py"))


def test_sentences_are_found_wherever_they_are() -> None:
    """In an f-string, within another, over several lines, in two forms."""
    source = 'x = f"{tr(\'a\')}"\ntr("b" \n"c", y=language.tr("d"))\nNN_("one", "many")\nother("e")'
    assert set(sentences_in(source, "a.py")) == {"a", "bc", "d", ("one", "many")}


def test_templates_are_looked_through_too() -> None:
    assert {file.rpartition(".")[2] for file, _ in sentences()} == {"py", "j2", "txt", "html"}


def test_the_dutch_that_is_compiled_is_that_of_the_catalogue(tmp_path: Path) -> None:
    """As Python's own gettext reads it, what make venv made."""
    compile_dutch(tmp_path / "nl.mo")
    assert (tmp_path / "nl.mo").read_bytes() == COMPILED.read_bytes()
    for message in read():
        if isinstance(message.id, str) and message.id:
            assert Language.NL.template(message.id) == message.string


def test_a_day_as_people_write_it() -> None:
    assert Language.NL.day(date(2027, 3, 1)) == "1 maart 2027"
    assert Language.EN.day(date(2027, 3, 1)) == "1 March 2027"
