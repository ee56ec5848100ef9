"""Reports for a terminal; in a file or a pipe without colour, and without an edge to fold at."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from acmidm.report.document import Document, Line, Piece, Section, Tone, as_text
from acmidm.words import WHOLE, plain
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.problems import on_one_line

_STYLES = {
    Tone.DANGER: "bold red",
    Tone.WARNING: "yellow",
    Tone.NOTICE: "dim",
    Tone.GOOD: "bold green",
    Tone.STRONG: "bold",
    Tone.VALUE: "cyan",
    None: "",
}
_INDENT = 2
_MOST_FOLDED = 20

Printed = Text | tuple[Text, Text]
"""A line; or its label and its sentence, which on a terminal is folded into a column behind the
label."""


def print_report(document: Document) -> None:
    """Print a report on standard output."""
    # sys.stdout now: a test, or a command before this one, may have replaced it.
    out = Console(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())
    for line in _printed(document):
        if isinstance(line, Text):
            out.print(_inert(line))
        elif not out.is_terminal:
            out.print(_inert(line[0] + line[1]))
        else:
            grid = Table.grid(padding=0)
            grid.add_column(width=line[0].cell_len, no_wrap=True)
            grid.add_column(overflow="fold")
            grid.add_row(*map(_inert, line))
            out.print(grid)


def _inert(text: Text) -> Text:
    """Return a text without characters that move a cursor or are a command to a pipeline. A text
    that has such characters loses its colours."""
    inert = "\n".join(map(on_one_line, text.plain.split("\n")))
    return text if inert == text.plain else Text(inert)


def _printed(document: Document) -> Iterator[Printed]:
    """Yield a document line by line; of a folded section the first lines, and how many more there
    are."""
    yield Text(document.title, style=_STYLES[document.tone])
    for section in document.sections:
        if section.heading:
            yield Text(f"\n{section.heading}", style="bold underline")
        shown = section.lines
        if section.is_folded:
            shown = shown[:_MOST_FOLDED]
        for line in shown:
            if section.is_spaced:
                yield Text()
            yield from _printed_line(line, section)
        if left_out := len(section.lines) - len(shown):
            yield Text(
                tr("and {count} more; all of them with --output json", count=f"{left_out:,}"),
                style="dim",
            )


def _printed_line(line: Line, section: Section) -> Iterator[Printed]:
    """Yield a line of a section, the lines beneath it, and ``each`` with its members."""
    width = section.label_width
    if line.label.text:
        indent = _INDENT if section.heading else 0
        yield from _labelled(line, indent, width)
    else:
        if line.pieces:
            pieces = [*line.pieces]
            if names := as_text(line.names):
                pieces.append(Piece(f"  {names}", Tone.NOTICE))
            yield _in_colour(pieces)
        for part in line.lines:
            yield from _labelled(part, _INDENT, width)
    if line.members:
        each = "; ".join(plain(member, WHOLE) for member in line.members)
        label = Piece(tr("each"), Tone.NOTICE)
        yield from _labelled(Line([Piece(each)], label), _INDENT, width)


def _labelled(line: Line, indent: int, width: int) -> Iterator[Printed]:
    """Yield the sentence of a line behind its label, ``width`` characters wide, and beneath it the
    lines that are to be read."""
    start = f"{'':{indent}}{line.label.text:<{width - 1}} "
    yield Text(start, style=_STYLES[line.label.tone]), _in_colour(line.sentence)
    for value in line.beneath:
        beneath = f"{'':{indent + width + _INDENT}}{value.label.text}: "
        yield Text(beneath), _in_colour(value.pieces)


def _in_colour(pieces: Iterable[Piece]) -> Text:
    return Text.assemble(*((piece.text, _STYLES[piece.tone]) for piece in pieces))
