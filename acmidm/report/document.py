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

from acmidm_onboarding.texts import NN_, Counted, tr


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
    names: Sequence[Piece] = ()
    """What its subject is called besides: values, with words that explain them."""
    lines: Sequence[Line] = ()
    brief: Sequence[Piece] = ()
    """The sentence without what the lines beneath say."""
    is_listed: bool = True
    """Whether the lines beneath are to be read; else the sentence has what matters of them."""
    members: Sequence[str] = ()
    """Where the line is about several clients or organisations: each with what only it has,
    ``wingene/loket (loket@wingene.example)``."""
    details: str = ""
    """The title of the folded part of a page that has what does not fit into the line; empty where
    there is no such part."""

    @property
    def sentence(self) -> Sequence[Piece]:
        """Its sentence: the brief one where the lines beneath are read too."""
        return self.brief if self.brief and self.is_listed else self.pieces

    @property
    def beneath(self) -> Sequence[Line]:
        """The lines beneath, where they are to be read."""
        return self.lines if self.is_listed else ()

    @property
    def changes(self) -> Sequence[Line]:
        """The lines beneath that have a label: what changes of a client."""
        return [line for line in self.lines if line.label.text]

    @property
    def loudest(self) -> Piece | None:
        """The label of its most dangerous change; None where all are notices, or undone."""
        for tone in (Tone.DANGER, Tone.WARNING):
            for line in self.lines:
                if line.label.tone is tone:
                    return line.label
        return None


class Shape(Enum):
    """What becomes of the lines of a section on a page."""

    LIST = auto()
    TABLE = auto()
    """Of two columns: a line, and the lines beneath it; with its details folded."""
    ROWS = auto()
    """Of ``Row``: on a page a table or a board that filters narrow down."""
    QUOTES = auto()
    PARAGRAPHS = auto()
    FOLD = auto()
    """Hidden until somebody opens it, and at the end: it may be long."""
    OPEN_FOLD = auto()


LINES = NN_("{count} line", "{count} lines")


@dataclass(frozen=True)
class Section:
    """Lines of one kind. One without lines is its heading alone."""

    lines: Sequence[Line]
    heading: str = ""
    shape: Shape = Shape.LIST
    left_out: Counted = LINES
    """What its lines are, in the sentence about those that a page has no room for."""
    share: float = 1
    """How much of such a page they may take."""
    columns: tuple[str, str] = ("", "")
    """What the two columns of a table are called."""
    details_left_out: Counted = LINES
    """What the details of its lines are, in the same sentence."""
    label_width: int = 9
    """How wide labels are on a terminal, with the blank behind them; those of changes fit."""
    is_spaced: bool = False
    """Whether an empty line is before each line."""

    @property
    def is_folded(self) -> bool:
        return self.shape in (Shape.FOLD, Shape.OPEN_FOLD)


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
    """Where all of it is, for a page that has no room for it."""
    note: str = ""
    """As of when it is, for a page."""
    summary: Sequence[Piece] = ()
    """What counts, at the top of a page."""
    filters: Sequence[Filter] = ()
    groups: Sequence[Group] = ()
    """The rows as the cards of a board, where they are no table."""


_NOTES = NN_("{count} note", "{count} notes")
_REFUSALS = NN_("{count} refusal", "{count} refusals")


class Readable(Protocol):
    """What is read as a line."""

    def as_line(self) -> Line: ...


def lines_of(things: Iterable[Readable]) -> list[Line]:
    """Return the line of each."""
    return [thing.as_line() for thing in things]


def as_text(pieces: Iterable[Piece]) -> str:
    """Return the text of pieces, without their tones."""
    return "".join(piece.text for piece in pieces)


def notes(
    sentences: Iterable[str], tone: Tone | None = Tone.NOTICE, *, is_spaced: bool = False
) -> Section:
    """Return a section with a paragraph for each sentence."""
    lines = _lines(sentences, tone)
    return Section(lines, shape=Shape.PARAGRAPHS, left_out=_NOTES, is_spaced=is_spaced)


def refused(sentences: Iterable[str]) -> Section:
    """Return a section of what is refused, a sentence each."""
    label = Piece(tr("refused"), Tone.DANGER)
    lines = _lines(sentences, label=label)
    width = len(label.text) + 2
    return Section(lines, shape=Shape.QUOTES, left_out=_REFUSALS, share=0.25, label_width=width)


def _lines(
    sentences: Iterable[str], tone: Tone | None = None, label: Piece = Piece("")
) -> list[Line]:
    return [Line([Piece(sentence, tone)], label) for sentence in sentences]


def in_line(items: Items, separator: str) -> list[Piece]:
    """Return items behind each other, with a separator between two."""
    pieces: list[Piece] = []
    for item in items:
        pieces += [Piece(separator), *item]
    return pieces[1:]
