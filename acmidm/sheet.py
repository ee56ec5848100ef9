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
from dataclasses import dataclass
from datetime import datetime, time
from itertools import chain, islice
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.cell.cell import ERROR_CODES
from openpyxl.formula.tokenizer import TokenizerError
from openpyxl.formula.translate import TranslatorError
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.problems import Failure, both, either

SUFFIXES = (".csv", ".xlsx")
_HEADING_ROWS = 20
"""Titles and remarks may be above the headings."""
_HEADING_TEXT = 128 * 1024
"""Characters in which the delimiter is looked for: no more than csv reads as one cell."""
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


Cells = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Headings:
    """The columns that are read; any others are left alone."""

    columns: Sequence[str]
    needed: Sequence[Sequence[str]]
    """Groups of columns: one column of each group has to be there. A sheet with one of the last
    group is meant."""
    unmissed: Sequence[str] = ()
    """Further columns, whose lack nobody has to hear of."""

    def rank(self, places: Collection[str]) -> tuple[bool, int]:
        """Return what is higher the more of these columns there are."""
        return not self.lacking(places), len(places)

    def lacking(self, places: Collection[str]) -> str:
        """Name what a sheet with these columns lacks; empty where they suffice."""
        return both(either(group) for group in self.needed if set(group).isdisjoint(places))


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
        return f"row {self.number} of sheet {self.sheet}" if self.sheet else f"row {self.number}"

    def named(self, column: str) -> str:
        """Name a column in a message about this row."""
        return f"column {self.letters[column]} ({column})"


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
            raise Failure(
                f"{self.file} is too large to be a list of organisations; copy the rows that are"
                " meant into a new file"
            )


@dataclass(frozen=True)
class _Table:
    """A sheet, with the row that has most of the headings, and which cells of it each column
    heads."""

    title: str | None
    cells: Cells
    heading: int
    places: Mapping[str, Sequence[int]]

    def __str__(self) -> str:
        return f"sheet {self.title}" if self.title else tr("the file")

    def rows(self) -> Iterator[SheetRow]:
        """Yield each row below the headings that has anything in it."""
        letters = {name: get_column_letter(first + 1) for name, (first, *_) in self.places.items()}
        for number, cells in enumerate(self.cells[self.heading + 1 :], self.heading + 2):
            if not any(cells):
                continue
            values, faults = {}, []
            for column, (place, *_) in self.places.items():
                text = cells[place] if place < len(cells) else ""
                if fault := _fault(text):
                    faults.append(f"column {letters[column]} ({column}) {fault}")
                elif text:
                    values[column] = text
            yield SheetRow(self.title, number, values, letters, tuple(faults))

    def unread(self) -> Iterator[str]:
        """Yield the headings of columns that are left alone."""
        read = set(chain.from_iterable(self.places.values()))
        for place, cell in enumerate(self.cells[self.heading]):
            if cell and place not in read:
                yield cell


def read_sheets(file: Path, wanted: Headings) -> Sheets:
    """Read the rows of a spreadsheet that have anything in them. Raises Failure."""
    try:
        tables = _tables(file, wanted)
    except OSError as error:
        raise Failure(
            f"{file} cannot be read: {error.strerror}; check the name and its rights"
        ) from None
    if all(wanted.lacking(table.places) for table in tables):
        raise Failure(_no_headings(file, tables, wanted))
    rows: list[SheetRow] = []
    remarks, unplaced, unread = list[str](), list[str](), list[str]()
    for table in tables:
        lacking = wanted.lacking(table.places)
        if not lacking:
            _refuse_twins(file, table)
            rows += table.rows()
            unread += table.unread()
            if missing := [column for column in wanted.columns if column not in table.places]:
                remarks.append(f"{table} has no column {', '.join(missing)}")
        elif table.places.keys().isdisjoint(wanted.needed[-1]):
            remarks.append(f"{table} has no columns {wanted.lacking(())} and was left out")
        else:
            unplaced.append(
                f"{table} has the columns {', '.join(table.places)}, and no {lacking} in that row:"
                " head a column so"
            )
    return Sheets(tuple(rows), tuple(remarks), tuple(unplaced), tuple(dict.fromkeys(unread)))


def _tables(file: Path, wanted: Headings) -> list[_Table]:
    """Return the sheets of a file. Raises Failure and OSError."""
    _Room(file).take(file.stat().st_size)
    if file.suffix.lower() not in SUFFIXES:
        raise Failure(f"{file} is neither .xlsx nor .csv; save the spreadsheet as one of these")
    if file.suffix.lower() == ".csv":
        return [_of_csv(file, wanted)]
    sheets = _of_workbook(file)
    if len(sheets) == 1:
        return [_table(None, cells, wanted) for cells in sheets.values()]
    return [_table(title, cells, wanted) for title, cells in sheets.items()]


def _table(title: str | None, cells: Cells, wanted: Headings) -> _Table:
    """Return a sheet by the row of its first ones that has most of the headings."""
    columns = {_plain(column): column for column in (*wanted.columns, *wanted.unmissed)}
    tables = [_Table(title, cells, 0, {})]
    for index, row in enumerate(cells[:_HEADING_ROWS]):
        places: dict[str, list[int]] = defaultdict(list)
        for place, cell in enumerate(row):
            if column := columns.get(_plain(cell)):
                places[column].append(place)
        tables.append(_Table(title, cells, index, places))
    return max(tables, key=lambda table: wanted.rank(table.places))


def _refuse_twins(file: Path, table: _Table) -> None:
    """Raise Failure for two columns with one heading: nobody can tell which is meant."""
    for column, twins in table.places.items():
        if len(twins) > 1:
            letters = both(get_column_letter(index + 1) for index in twins)
            raise Failure(
                f"{file}: {table} has columns {letters}, both headed {column}; rename all but the"
                " one that counts"
            )


def _no_headings(file: Path, tables: Sequence[_Table], wanted: Headings) -> str:
    best = max((table.places for table in tables), key=wanted.rank, default={})
    but = f", but one with {', '.join(best)}" if best else ""
    return (
        f"{file} has no row of headings with {wanted.lacking(())} in its first {_HEADING_ROWS}"
        f" rows{but}; name the columns {', '.join(wanted.columns)}"
    )


def _of_workbook(file: Path) -> Mapping[str, Cells]:
    """Return the cells of each sheet as text: a formula's value, and the formula itself where the
    file lacks its value."""
    try:
        with zipfile.ZipFile(file) as archive:
            _Room(file).take(sum(part.file_size for part in archive.infolist()))
        room = _Room(file)
        values = load_workbook(file, read_only=True, data_only=True).worksheets
        formulas = load_workbook(file, read_only=True).worksheets
        twins = zip(values, formulas, strict=True)
        return {sheet.title: _of_sheet(sheet, twin, room) for sheet, twin in twins}
    except _NO_WORKBOOK as error:
        raise Failure(
            f"{file} is no Excel workbook ({type(error).__name__}); open it in Excel and save it"
            " as .xlsx again"
        ) from None


def _of_sheet(values: Any, formulas: Any, room: _Room) -> Cells:
    table: list[list[str]] = []
    for sheet in (values, formulas):
        # Some programs write a range that is too small: the rows beyond it would not be read.
        sheet.reset_dimensions()
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


def _of_csv(file: Path, wanted: Headings) -> _Table:
    """Return the sheet of a file, by the delimiter that gives the best headings."""
    text = _decoded(file)

    def rank(delimiter: str) -> tuple[bool, int]:
        top = csv.reader(io.StringIO(text[:_HEADING_TEXT], newline=""), delimiter=delimiter)
        return wanted.rank(_table(None, list(islice(top, _HEADING_ROWS)), wanted).places)

    delimiter = max(_DELIMITERS, key=rank)
    lines = max(text.count("\n"), text.count("\r")) + 1
    _Room(file).take(len(text) + (_ROW + _CELL) * lines + _CELL * text.count(delimiter))
    cells: list[list[str]] = []
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        cells.extend(list(map(_text, row)) for row in rows)  # keeps those above one that raises
    except csv.Error as error:  # it may have swallowed later rows
        raise Failure(
            f"{file}, row {len(cells) + 1}: {error}; close its quotation marks, or save the"
            " spreadsheet as .xlsx"
        ) from None
    return _table(None, cells, wanted)


def _decoded(file: Path) -> str:
    content = file.read_bytes()
    # Excel's "Unicode text".
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if is_utf16 else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")  # what Excel writes on Windows
    if "\0" in text:
        raise Failure(f"{file} is not UTF-8 text; save the spreadsheet as CSV UTF-8, or as .xlsx")
    return text


def _fault(value: str) -> str | None:
    """Return why a cell has no value although something is in it."""
    if value.startswith("="):
        return "has a formula without its value: open the file in Excel, and save it"
    return f"has the error {value}: correct it in Excel" if value in ERROR_CODES else None


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
