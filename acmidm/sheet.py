"""Reads a spreadsheet of organisations: xlsx or csv, tolerant of how people write headings."""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from itertools import islice
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.cell.cell import ERROR_CODES
from openpyxl.formula.tokenizer import TokenizerError
from openpyxl.formula.translate import TranslatorError
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from acmidm_onboarding.texts import say
from acmidm_onboarding.values.problems import Failure, both, either

SUFFIXES = (".csv", ".xlsx")
_HEADING_ROWS = 20
"""Titles and remarks may be above the headings."""
_LARGEST = 64 * 1024 * 1024
"""Bytes of a file, also once it is unpacked; and about those that its rows take, of which a line
can say that there are a billion."""
_ROW, _CELL = 512, 64
"""What each counts for, in bytes, also where it is empty: a hundred thousand rows are no list of
organisations."""
_DELIMITERS = (";", ",", "\t")
_NO_WORKBOOK = (
    InvalidFileException,
    zipfile.BadZipFile,
    zlib.error,
    SyntaxError,  # of XML
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    EOFError,
    RuntimeError,  # a password, a kind of compression
    TokenizerError,
    TranslatorError,
)
"""What openpyxl raises for a file that is no workbook."""
_PLACEHOLDERS = frozenset({"-", "\u2013", "\u2014", "/", "n/a", "nvt", "n.v.t.", "n.v.t"})
"""What people write into a cell that they mean to leave empty."""


@dataclass(frozen=True)
class Headings:
    """The columns that are read; any others are left alone."""

    columns: Sequence[str]
    needed: Sequence[Sequence[str]]
    """Groups of columns: one column of each group has to be there. A sheet with one of the last
    group is meant."""
    unmissed: Sequence[str] = ()
    """Further columns, whose lack nobody has to hear of."""

    def are_in(self, places: Collection[str]) -> bool:
        """Return whether these columns suffice."""
        return all(any(column in places for column in group) for group in self.needed)

    def rank(self, places: Collection[str]) -> tuple[bool, int]:
        """Return what is higher the more of these columns there are."""
        return self.are_in(places), len(places)

    def in_words(self, places: Collection[str] = ()) -> str:
        """Name what a sheet with these columns lacks."""
        return both(
            either(group) for group in self.needed if not any(column in places for column in group)
        )


Table = Sequence[Sequence[str]]


@dataclass(frozen=True)
class SheetRow:
    """One row below the headings. ``number`` counts from 1, as spreadsheet programs do."""

    sheet: str | None
    """The sheet's name where the file has several of them."""
    number: int
    values: Mapping[str, str]
    letters: Mapping[str, str]
    faults: tuple[str, ...] = ()
    """What is wrong with cells, a sentence each; such a cell has no value."""

    def __str__(self) -> str:
        name = "import.row_of_sheet" if self.sheet else "import.row"
        return say(name, number=self.number, sheet=self.sheet)

    def named(self, column: str) -> str:
        """Name a column in a message about this row."""
        return say("import.column", letters=self.letters[column], column=column)


@dataclass(frozen=True)
class Sheets:
    """All rows of a file."""

    rows: tuple[SheetRow, ...]
    remarks: tuple[str, ...] = ()
    """Columns that are not there, and sheets that are not about clients, a sentence each."""
    unplaced: tuple[str, ...] = ()
    """Sheets that are meant and cannot be read, a sentence each."""
    unread: tuple[str, ...] = ()
    """The headings of columns that were left alone."""


@dataclass
class _Room:
    """What is left of the largest file that is read: a list of organisations is a thousandth of
    it."""

    file: Path
    left: int = _LARGEST

    def take(self, size: int) -> None:
        """Raise Failure where that much is not left."""
        self.left -= size
        if self.left < 0:
            raise Failure(say("import.too_large", file=self.file))


def read_sheets(file: Path, wanted: Headings) -> Sheets:
    """Read the rows of a spreadsheet that have anything in them. Raises Failure."""
    try:
        _Room(file).take(file.stat().st_size)
        if file.suffix.lower() == ".csv":
            return _sheets(file, {None: _of_csv(file, wanted)}, wanted)
        if file.suffix.lower() == ".xlsx":
            tables = _of_workbook(file)
            return _sheets(
                file,
                {title if len(tables) > 1 else None: table for title, table in tables.items()},
                wanted,
            )
    except OSError as error:
        raise Failure(say("import.unreadable", file=file, reason=error.strerror)) from None
    raise Failure(say("import.no_spreadsheet", file=file))


def _of_workbook(file: Path) -> Mapping[str, Table]:
    """Return the cells of each sheet as text: a formula's value, and the formula itself where the
    file lacks its value."""
    try:
        with zipfile.ZipFile(file) as archive:
            _Room(file).take(sum(part.file_size for part in archive.infolist()))
        room = _Room(file)
        values, formulas = (
            load_workbook(file, read_only=True, data_only=data_only).worksheets
            for data_only in (True, False)
        )
        for sheet in (*values, *formulas):
            # Some programs write a range that is too small, and the rows beyond it would not be
            # read.
            sheet.reset_dimensions()
        return {
            sheet.title: _of_sheet(sheet, twin, room)
            for sheet, twin in zip(values, formulas, strict=True)
        }
    except _NO_WORKBOOK as error:
        raise Failure(say("import.no_workbook", file=file, name=type(error).__name__)) from None


def _of_sheet(values: Any, formulas: Any, room: _Room) -> Table:
    table: list[list[str]] = []
    for cells in zip(values.iter_rows(), formulas.iter_rows(), strict=True):
        room.take(_ROW)
        table.append([])
        for text in map(_text_of_cells, *cells):
            room.take(_CELL + len(text))
            table[-1].append(text)
    return table


def _text_of_cells(value: Any, formula: Any) -> str:
    """Return a cell's value, or its formula where the file lacks its value: an empty text, of type
    ``str``, is one."""
    if formula.data_type != "f" or value.value is not None or value.data_type == "str":
        return _text(value.value)
    return _text(getattr(formula.value, "text", formula.value) or "=")


def _of_csv(file: Path, wanted: Headings) -> Table:
    """Return the cells, by the delimiter that gives the best headings."""
    text = _decoded(file)

    def rank(delimiter: str) -> tuple[bool, int]:
        top, _ = _parsed(file, text, delimiter, _HEADING_ROWS)
        return wanted.rank(_headings(top, wanted)[1])

    table, fault = _parsed(file, text, max(_DELIMITERS, key=rank))
    if fault and wanted.are_in(_headings(table, wanted)[1]):
        raise Failure(say("import.wrong_csv", file=file, fault=fault))
    return table


def _decoded(file: Path) -> str:
    content = file.read_bytes()
    # Excel's "Unicode text".
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")  # what Excel writes on Windows
    if "\0" in text:
        raise Failure(say("import.not_utf8", file=file))
    return text


def _parsed(
    file: Path, text: str, delimiter: str, most: int | None = None
) -> tuple[Table, str | None]:
    """Return the rows, or the first ``most``, and what is wrong with the first one that cannot be
    parsed: it may have swallowed later rows. Raises Failure."""
    table: list[list[str]] = []
    rows = csv.reader(_lines(file, text, delimiter), delimiter=delimiter, strict=True)
    try:
        # extend keeps the rows above one that raises.
        table.extend([_text(cell) for cell in cells] for cells in islice(rows, most))
    except csv.Error as error:
        return table, say("import.row_fault", number=len(table) + 1, error=error)
    return table, None


def _lines(file: Path, text: str, delimiter: str) -> Iterator[str]:
    """Yield the lines of a text, as long as its cells are not too many. Raises Failure."""
    room = _Room(file)
    for line in io.StringIO(text, newline=""):
        room.take(_ROW + _CELL * (line.count(delimiter) + 1) + len(line))
        yield line


def _sheets(file: Path, tables: Mapping[str | None, Table], wanted: Headings) -> Sheets:
    headings = {title: _headings(table, wanted) for title, table in tables.items()}
    if not any(wanted.are_in(places) for _, places in headings.values()):
        best = max((places for _, places in headings.values()), key=wanted.rank, default={})
        but = f", {say('import.headings_but', best=', '.join(best))}" if best else ""
        raise Failure(
            say(
                "import.no_headings",
                file=file,
                needed=wanted.in_words(),
                rows=_HEADING_ROWS,
                but=but,
                columns=", ".join(wanted.columns),
            )
        )
    rows: list[SheetRow] = []
    remarks, unplaced, unread = list[str](), list[str](), list[str]()
    for title, (heading, places) in headings.items():
        where = say("import.sheet", title=title) if title else say("forms.the_file")
        if wanted.are_in(places):
            _refuse_twins(file, where, places)
            rows += _rows(
                title,
                tables[title],
                heading,
                {column: first for column, (first, *_) in places.items()},
            )
            if lacking := [column for column in wanted.columns if column not in places]:
                remarks.append(
                    say("import.column_lacking", where=where, lacking=", ".join(lacking))
                )
            read = {position for positions in places.values() for position in positions}
            unread += [
                cell
                for position, cell in enumerate(tables[title][heading])
                if cell and position not in read
            ]
        elif not places.keys().isdisjoint(wanted.needed[-1]):
            names = {"places": ", ".join(places), "lacking": wanted.in_words(places)}
            unplaced.append(say("import.column_needed", where=where, **names))
        else:
            remarks.append(say("import.left_out", where=where, needed=wanted.in_words()))
    return Sheets(tuple(rows), tuple(remarks), tuple(unplaced), tuple(dict.fromkeys(unread)))


def _refuse_twins(file: Path, where: str, places: Mapping[str, Sequence[int]]) -> None:
    """Raise Failure for two columns with one heading: nobody can tell which is meant."""
    for column, twins in places.items():
        if len(twins) > 1:
            letters = both(get_column_letter(index + 1) for index in twins)
            raise Failure(
                say("import.column_twice", file=file, where=where, letters=letters, column=column)
            )


def _rows(
    sheet: str | None, table: Table, heading: int, places: Mapping[str, int]
) -> Iterator[SheetRow]:
    letters = {column: get_column_letter(position + 1) for column, position in places.items()}
    for index, cells in enumerate(table[heading + 1 :], heading + 2):
        if any(cells):
            filled = {
                column: index
                for column, index in places.items()
                if index < len(cells) and cells[index]
            }
            values = {column: cells[index] for column, index in filled.items()}
            row = SheetRow(sheet, index, values, letters)
            faults = {column: fault for column, value in values.items() if (fault := _fault(value))}
            yield replace(
                row,
                values={column: value for column, value in values.items() if column not in faults},
                faults=tuple(f"{row.named(column)} {fault}" for column, fault in faults.items()),
            )


def _fault(value: str) -> str | None:
    """Return why a cell has no value although something is in it."""
    if value.startswith("="):
        return say("import.formula")
    return say("import.cell_error", value=value) if value in ERROR_CODES else None


def _headings(table: Table, wanted: Headings) -> tuple[int, Mapping[str, Sequence[int]]]:
    """Return the index of the row with most of the headings, and the positions of each column that
    it heads."""
    columns = {_plain(column): column for column in (*wanted.columns, *wanted.unmissed)}
    rows = ((index, _places(cells, columns)) for index, cells in enumerate(table[:_HEADING_ROWS]))
    return max(rows, key=lambda row: wanted.rank(row[1]), default=(0, {}))


def _places(cells: Sequence[str], columns: Mapping[str, str]) -> Mapping[str, Sequence[int]]:
    places: dict[str, list[int]] = defaultdict(list)
    for index, cell in enumerate(cells):
        if (column := columns.get(_plain(cell))) is not None:
            places[column].append(index)
    return places


def _plain(heading: str) -> str:
    """Return a heading without case, accents, spaces and punctuation."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", heading).casefold()))


def _text(value: object) -> str:
    """Return a cell as text on one line. A number that Excel keeps as 6776.0 is 6776; a day has no
    time."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    elif isinstance(value, datetime):
        value = value.date() if value.time() == time() else value
    text = " ".join(str(value).split())
    return "" if text.casefold() in _PLACEHOLDERS else text


def whole_kbo(text: str) -> str:
    """Return a KBO number with its leading 0, which Excel drops of a number."""
    return f"0{text}" if text.isdecimal() and len(text) == 9 else text
