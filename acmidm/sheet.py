"""Reads a spreadsheet of organisations: xlsx or csv, tolerant of how people write headings."""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from openpyxl import load_workbook
from openpyxl.cell.cell import ERROR_CODES
from openpyxl.utils import get_column_letter

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
_FORMULA = "="
"""What a cell begins with whose formula has no value."""
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
    """Further columns, which no message asks for."""

    def rank(self, table: _Table) -> tuple[bool, int]:
        """Return what is higher the more of these columns a sheet has."""
        return not self.lacking(table.known), len(table.known)

    def lacking(self, columns: Collection[str]) -> str:
        """Name what a sheet with these columns lacks; empty where they suffice."""
        return both(either(group) for group in self.needed if set(group).isdisjoint(columns))


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

    def __getitem__(self, column: str) -> str:
        """Return what a cell has, empty where it has nothing, or its column is not there."""
        return self.values.get(column, "")

    def named(self, column: str) -> str:
        """Name a column in a message about this row."""
        return f"column {self.letters[column]} ({column})"


class Sheets(NamedTuple):
    """All rows of a file."""

    rows: list[SheetRow]
    remarks: list[str]
    """What was left alone, a sentence each: sheets that are not meant, and columns."""
    unplaced: list[str]
    """Sheets that are meant and cannot be read, a sentence each."""


class _Table(NamedTuple):
    """A sheet, from the row that has most of the headings, and which column each cell of that row
    heads: none where it is empty."""

    title: str | None
    heading: int
    cells: Cells
    columns: Sequence[str]

    def __str__(self) -> str:
        return f"sheet {self.title}" if self.title else tr("the file")

    @property
    def known(self) -> Collection[str]:
        """The columns that there are, in their order."""
        return dict.fromkeys(filter(None, self.columns))

    def rows(self) -> Iterator[SheetRow]:
        """Yield each row below the headings that has anything in it."""
        letters = {column: _letter(self.columns.index(column)) for column in self.known}
        for number, cells in enumerate(self.cells[1:], self.heading + 2):
            if not any(cells):
                continue
            values, faults = {}, []
            for column, text in zip(self.columns, cells, strict=False):
                if not column or not text:
                    continue
                if fault := _fault(text):
                    faults.append(f"column {letters[column]} ({column}) {fault}")
                else:
                    values[column] = text
            yield SheetRow(self.title, number, values, letters, tuple(faults))

    @property
    def unread(self) -> str:
        """The headings of columns that are left alone."""
        places = zip(self.columns, self.cells[0], strict=True)
        return ", ".join(heading for column, heading in places if heading and not column)


def read_sheets(file: Path, wanted: Headings) -> Sheets:
    """Read the rows that have anything in them, of each sheet with the headings that are wanted; of
    other sheets say why they were left out. Raises Failure where no sheet has those headings, two
    columns have one heading, or the file cannot be read or is too large."""
    try:
        _require_small(file, file.stat().st_size)
        tables = _tables(file, wanted)
    except OSError as error:
        raise Failure(
            f"{file} cannot be read: {error.strerror}; check the name and its rights"
        ) from None
    if all(wanted.lacking(table.known) for table in tables):
        raise Failure(_no_headings(file, tables, wanted))
    sheets = Sheets([], [], [])
    for table in tables:
        lacking = wanted.lacking(table.known)
        if not lacking:
            _refuse_twins(file, table)
            sheets.rows.extend(table.rows())
            if columns := table.unread:
                unread = tr(
                    "{sheet} has columns that were not read: {columns}",
                    sheet=table,
                    columns=columns,
                )
                sheets.remarks.append(unread)
        elif set(wanted.needed[-1]).isdisjoint(table.columns):
            left_out = tr(
                "{sheet} has no columns {columns} and was left out",
                sheet=table,
                columns=wanted.lacking(()),
            )
            sheets.remarks.append(left_out)
        else:
            sheets.unplaced.append(
                f"{table} has the columns {', '.join(table.known)}, and no {lacking} in that row:"
                " head a column so"
            )
    return sheets


def _tables(file: Path, wanted: Headings) -> list[_Table]:
    """Return the sheets of a file. Raises Failure and OSError."""
    match file.suffix.lower():
        case ".csv":
            return [_of_csv(file, wanted)]
        case ".xlsx":
            sheets = _of_workbook(file)
        case _:
            raise Failure(f"{file} is neither .xlsx nor .csv; save the spreadsheet as one of these")
    is_alone = len(sheets) == 1  # such a sheet is not named
    return [_table(None if is_alone else title, cells, wanted) for title, cells in sheets.items()]


def _table(title: str | None, cells: Cells, wanted: Headings) -> _Table:
    """Return a sheet by the row of its first ones that has most of the headings."""
    known = {_plain(column): column for column in (*wanted.columns, *wanted.unmissed)}
    tables = [_Table(title, 0, cells, ())]
    for index, row in enumerate(cells[:_HEADING_ROWS]):
        columns = [known.get(_plain(cell), "") for cell in row]
        tables.append(_Table(title, index, cells[index:], columns))
    return max(tables, key=wanted.rank)


def _refuse_twins(file: Path, table: _Table) -> None:
    """Raise Failure for two columns with one heading: nobody can tell which is meant."""
    for column in table.known:
        twins = [place for place, heading in enumerate(table.columns) if heading == column]
        if len(twins) > 1:
            raise Failure(
                f"{file}: {table} has columns {both(map(_letter, twins))}, both headed {column};"
                " rename all but the one that counts"
            )


def _no_headings(file: Path, tables: Sequence[_Table], wanted: Headings) -> str:
    """Return why no sheet of a file can be read, with the headings of the sheet that has most of
    them."""
    best = max(tables, key=wanted.rank, default=None)
    but = f", but one with {', '.join(best.known)}" if best and best.known else ""
    return (
        f"{file} has no row of headings with {wanted.lacking(())} in its first {_HEADING_ROWS}"
        f" rows{but}; name the columns {', '.join(wanted.columns)}"
    )


def _of_workbook(file: Path) -> Mapping[str, Cells]:
    """Return the cells of each sheet as text: a formula's value, and the formula itself where the
    file lacks its value."""
    try:
        with zipfile.ZipFile(file) as archive:
            _require_small(file, sum(part.file_size for part in archive.infolist()))
        values = load_workbook(file, read_only=True, data_only=True).worksheets
        formulas = load_workbook(file, read_only=True).worksheets
        sheets: dict[str, Cells] = {}
        size = 0
        for sheet, twin in zip(values, formulas, strict=True):
            sheets[sheet.title] = rows = list[list[str]]()
            for row in _rows_of(sheet, twin):
                rows.append(row)
                size += _ROW + _CELL * len(row) + sum(map(len, row))
                _require_small(file, size)
        return sheets
    except (Failure, OSError):
        raise
    except Exception as error:
        # Broken files raise ParseError, BadZipFile, zlib.error, KeyError, TypeError, ValueError and
        # others: openpyxl names none, and whoever sends a sheet chooses which.
        raise Failure(
            f"{file} is no Excel workbook ({type(error).__name__}); open it in Excel and save it"
            " as .xlsx again"
        ) from None


def _rows_of(values: Any, formulas: Any) -> Iterator[list[str]]:
    for sheet in (values, formulas):
        # Some programs write a range that is too small: the rows beyond it would not be read.
        sheet.reset_dimensions()
    for cells in zip(values.iter_rows(), formulas.iter_rows(), strict=True):
        yield list(map(_text_of_cells, *cells))


def _text_of_cells(value: Any, formula: Any) -> str:
    """Return a cell's value, or its formula where the file lacks its value: an empty text, of type
    ``str``, is one."""
    if formula.data_type != "f" or value.value is not None or value.data_type == "str":
        return _text(value.value)
    written = getattr(formula.value, "text", formula.value) or _FORMULA
    return _text(written) if isinstance(written, str) else _FORMULA  # a table of data has no text


def _of_csv(file: Path, wanted: Headings) -> _Table:
    """Return the sheet of a file, by the delimiter that gives the best headings."""
    text = _decoded(file)

    def rank(delimiter: str) -> tuple[bool, int]:
        top = csv.reader(io.StringIO(text[:_HEADING_TEXT], newline=""), delimiter=delimiter)
        return wanted.rank(_table(None, list(islice(top, _HEADING_ROWS)), wanted))

    delimiter = max(_DELIMITERS, key=rank)
    lines = max(text.count("\n"), text.count("\r")) + 1
    _require_small(file, len(text) + (_ROW + _CELL) * lines + _CELL * text.count(delimiter))
    cells: list[list[str]] = []
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        for row in rows:
            cells.append(list(map(_text, row)))  # noqa: PERF401 - keeps those above one that raises
    except csv.Error as error:  # it may have swallowed later rows
        raise Failure(
            f"{file}, row {len(cells) + 1}: {error}; close its quotation marks, or save the"
            " spreadsheet as .xlsx"
        ) from None
    return _table(None, cells, wanted)


def _decoded(file: Path) -> str:
    """Return a file as text: UTF-16, UTF-8 or what Excel writes on Windows. Raises Failure for a
    file that is no text."""
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


def _require_small(file: Path, size: int) -> None:
    """Raise Failure for what takes more than a thousand lists of organisations do."""
    if size > _LARGEST:
        raise Failure(
            f"{file} is too large to be a list of organisations; copy the rows that are meant into"
            " a new file"
        )


def _letter(place: int) -> str:
    return str(get_column_letter(place + 1))


def _fault(value: str) -> str | None:
    """Return why a cell has no value although something is in it."""
    if value.startswith(_FORMULA):
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
