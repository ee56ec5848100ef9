"""What every report comes to: a title, and sections of lines. A report makes it once; text,
Markdown and pages render it, and know no report by name.

A text of others is made plain before it is in a piece; what else a terminal or a page needs is the
renderer's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Protocol

from acmidm_onboarding.texts import tr


class Tone(StrEnum):
    """How a piece stands out."""

    DANGER = "danger"
    WARNING = "warning"
    NOTICE = "notice"
    GOOD = "good"
    STRONG = "strong"
    VALUE = "value"
    """A name or a value, which is not a word of ours."""


@dataclass(frozen=True)
class Piece:
    """A piece of a sentence."""

    text: str
    tone: Tone | None = None
    copied: str = ""
    """What a page has a button for: the value itself, of which the text may be cut."""


@dataclass(frozen=True)
class Line:
    """A sentence, or the name of what the lines beneath it are about."""

    pieces: Sequence[Piece] = ()
    label: Piece = Piece("")
    """What stands before the sentence: how dangerous it is, or the name of a field."""
    lines: Sequence[Line] = ()
    members: Sequence[str] = ()
    """Where the line is about several clients or organisations: each with what only it has,
    ``wingene/loket (loket@wingene.example)``. A page folds them."""


class Shape(Enum):
    """What becomes of the lines of a section."""

    LIST = auto()
    FOLD = auto()
    """A list that may be long: a page hides it until somebody opens it."""
    ROWS = auto()
    """Of ``Row``: on a page a table or a board that filters narrow down."""


@dataclass(frozen=True)
class Section:
    """Lines of one kind. One without lines is its heading alone."""

    lines: Sequence[Line]
    heading: str = ""
    shape: Shape = Shape.LIST


@dataclass(frozen=True)
class Table:
    """A report for a spreadsheet. A row lacks the cells that it has nothing for."""

    columns: Sequence[str]
    rows: Sequence[Mapping[str, str]]


Items = Sequence[Sequence[Piece]]
"""What a cell has, below each other on a page and behind each other in a line."""


@dataclass(frozen=True, kw_only=True)
class Row(Line):
    """A line that a page shows as cells, where filters find it."""

    title: str
    name: str
    code: str
    where: str
    is_production: bool
    cells: Mapping[str, Items]
    """Per label."""
    folded: Mapping[str, Items]
    """What is less important, per label."""
    filter_values: Mapping[str, str]
    """By which filters find it, per filter."""
    note: str = ""
    """In what it differs from the group that it is in."""


@dataclass(frozen=True)
class Group:
    """Rows that are at the same place, those of one card together."""

    number: int
    title: str
    cards: Sequence[Sequence[Row]]


@dataclass(frozen=True)
class Filter:
    """What narrows a page down: its name in the address, and its choices by their values."""

    name: str
    label: str
    choices: Mapping[str, str]


@dataclass(frozen=True)
class Document:
    """A report as it is read."""

    title: str
    sections: Sequence[Section]
    tone: Tone = Tone.STRONG
    foot: Sequence[str] = ()
    """Sentences at the end of a page, which is read later and elsewhere."""
    whole: str = ""
    """What shows all of it, for a comment that has no room for it."""
    note: str = ""
    """As of when it is, for a page."""
    summary: Sequence[Piece] = ()
    """What counts, at the top of a page."""
    filters: Sequence[Filter] = ()
    groups: Sequence[Group] = ()
    """The rows as the cards of a board, where they are no table."""


class Readable(Protocol):
    """What is read as a line."""

    def as_line(self) -> Line: ...


def lines_of(things: Iterable[Readable]) -> list[Line]:
    """Return the line of each."""
    return [thing.as_line() for thing in things]


def as_text(pieces: Iterable[Piece]) -> str:
    """Return the text of pieces, without their tones."""
    return "".join(piece.text for piece in pieces)


def notes(sentences: Iterable[str]) -> Section:
    """Return a section of what a reader should know besides, a sentence each; an empty one where
    there is nothing."""
    lines = [Line([Piece(sentence)]) for sentence in sentences]
    return Section(lines, tr("notes") if lines else "")


def refused(sentences: Iterable[str]) -> Section:
    """Return a section of what is refused, a sentence each."""
    label = Piece(tr("refused"), Tone.DANGER)
    return Section([Line([Piece(sentence)], label) for sentence in sentences])


def in_line(items: Items, separator: str) -> list[Piece]:
    """Return items behind each other, with a separator between two."""
    pieces: list[Piece] = []
    for item in items:
        pieces += [Piece(separator), *item]
    return pieces[1:]
