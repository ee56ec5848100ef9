"""Reports for a terminal; in a file or a pipe without colour, and without an edge to fold at."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from acmidm.report.document import Document, Line, Piece, Shape, Tone
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
_NARROWEST, _WIDEST = 7, 40
"""Characters of a column of labels. The sentence of a longer label begins further right."""
_MOST_FOLDED = 20


def print_report(document: Document) -> None:
    """Print a report on standard output; of a folded section the first lines, and how many more
    there are."""
    # sys.stdout now: a test, or a command before this one, may have replaced it.
    out = Console(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())
    out.print(_inert(Text(document.title, _STYLES[document.tone])))
    for section in document.sections:
        if section.heading:
            out.print(_inert(Text(f"\n{section.heading}", "bold underline")))
        shown = section.lines
        if section.shape is Shape.FOLD:
            shown = shown[:_MOST_FOLDED]
        _print_lines(out, shown)
        if left_out := len(section.lines) - len(shown):
            more = tr("and {count} more; all of them with --output json", count=f"{left_out:,}")
            out.print(Text(more, "dim"))


def _print_lines(out: Console, lines: Sequence[Line], indent: int = 0) -> None:
    """Print each line behind its label, with the lines beneath it, and ``each`` with its members.
    An empty line is before the name of a client, or of what else lines are about."""
    lengths = [len(line.label.text) for line in lines]
    width = max([_NARROWEST, *(length for length in lengths if length <= _WIDEST)])
    for line in lines:
        start = " " * indent
        if line.label.text:
            start += f"{line.label.text:<{width}}  "
        elif line.lines and not indent:
            out.print()
        _print_line(out, Text(start, _STYLES[line.label.tone]), line.pieces)
        beneath = [*line.lines]
        if line.members:
            each = "; ".join(plain(member, WHOLE) for member in line.members)
            beneath.append(Line([Piece(each)], Piece(tr("each"), Tone.NOTICE)))
        _print_lines(out, beneath, len(start) + _INDENT)


def _print_line(out: Console, start: Text, pieces: Iterable[Piece]) -> None:
    """Print a sentence behind its ``start``; on a terminal folded into a column behind that, where
    it has half of the width."""
    sentence = Text.assemble(*((piece.text, _STYLES[piece.tone]) for piece in pieces))
    if out.is_terminal and 0 < start.cell_len <= out.width // 2:
        grid = Table.grid(padding=0)
        grid.add_column(width=start.cell_len, no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(_inert(start), _inert(sentence))
        out.print(grid)
    else:
        out.print(_inert(start + sentence))


def _inert(text: Text) -> Text:
    """Return a text without characters that move a cursor or are a command to a pipeline. A text
    that has such characters loses its colours."""
    inert = "\n".join(map(on_one_line, text.plain.split("\n")))
    return text if inert == text.plain else Text(inert)
