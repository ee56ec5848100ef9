"""Reads the rows of a spreadsheet, xlsx or csv, by its headings, however people write these."""

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
"""In how many first rows the headings are looked for: titles and remarks may be above them."""
_HEADING_TEXT = 128 * 1024
"""Characters in which the delimiter is looked for: no more than csv reads as one cell."""
_LARGEST = 64 * 1024 * 1024
"""Bytes that a file may have, also once it is unpacked, and that its rows may take: one line of XML
can say that there are a billion rows."""
_ROW_BYTES, _CELL_BYTES = 512, 64
"""What a row and a cell count for, also where they are empty: a hundred thousand rows are no list
of organisations."""
_DELIMITERS = (";", ",", "\t")
_FORMULA = "="
"""The beginning of the text of a cell that has a formula and no value."""
_PLACEHOLDERS = frozenset({"-", "\u2013", "\u2014", "/", "n/a", "nvt", "n.v.t.", "n.v.t"})
"""What people write into a cell that they mean to leave empty."""


Cells = Sequence[Sequence[str]]
"""The texts of a sheet's cells, row by row; empty where a cell is."""


@dataclass(frozen=True)
class Headings:
    """The columns that a command reads. Other columns are named in a remark."""

    columns: Sequence[str]
    needed: Sequence[Sequence[str]]
    """Groups of columns: a sheet is read where it has a column of each group. One with a column of
    the last group, and not of another, is a mistake; any other sheet is left out."""
    optional: Sequence[str] = ()
    """Columns that are read too, and that no message lists."""

    def rank(self, table: _Table) -> tuple[bool, int]:
        """Return what is higher the more of these columns a table has."""
        return not self.lacking(table.found), len(table.found)

    def lacking(self, columns: Collection[str]) -> str:
        """Return which needed columns are not among these, in words: "KBOnummer or OVO-code"; empty
        where they suffice."""
        return both(either(group) for group in self.needed if set(group).isdisjoint(columns))


@dataclass(frozen=True)
class SheetRow:
    """A row below the headings that has anything in it."""

    sheet: str | None
    """The sheet's name; None where the file has one sheet."""
    number: int
    """From 1, as spreadsheet programs count."""
    values: Mapping[str, str]
    """The texts of its filled cells, by column: {"KBOnummer": "0207451227"}."""
    letters: Mapping[str, str]
    """The letter of each column that the sheet has: {"KBOnummer": "B"}."""
    faults: tuple[str, ...] = ()
    """A sentence for each cell with something in it that is no value, and is not in ``values``."""

    def __str__(self) -> str:
        return f"row {self.number} of sheet {self.sheet}" if self.sheet else f"row {self.number}"

    def __getitem__(self, column: str) -> str:
        """Return the text of a cell; empty where it has none, or the sheet lacks the column."""
        return self.values.get(column, "")

    def named(self, column: str) -> str:
        """Return a column as messages name it: "column B (KBOnummer)"."""
        return f"column {self.letters[column]} ({column})"


class Sheets(NamedTuple):
    """What a file has."""

    rows: list[SheetRow]
    """Those of all sheets that are read."""
    remarks: list[str]
    """A sentence for each sheet that was left out, and for each that has columns beside those that
    are read."""
    unplaced: list[str]
    """A sentence for each sheet that lacks a needed column, and looks as if it should be read."""


class _Table(NamedTuple):
    """A sheet from its row of headings on."""

    title: str | None
    """The sheet's name; None where the file has one sheet."""
    headings_index: int
    """Where the row of headings is in the sheet, from 0."""
    cells: Cells
    """From the row of headings on."""
    columns: Sequence[str]
    """The wanted column that each cell of the row of headings names; empty where it names none."""

    def __str__(self) -> str:
        return f"sheet {self.title}" if self.title else tr("the file")

    @property
    def found(self) -> Collection[str]:
        """The wanted columns that the sheet has, in its order."""
        return dict.fromkeys(filter(None, self.columns))

    def rows(self) -> Iterator[SheetRow]:
        """Yield each row below the headings that has anything in it."""
        letters = {column: _letter(self.columns.index(column)) for column in self.found}
        for number, cells in enumerate(self.cells[1:], self.headings_index + 2):
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
        """The headings of the columns that are not read, with commas; empty where all are."""
        places = zip(self.columns, self.cells[0], strict=True)
        return ", ".join(heading for column, heading in places if heading and not column)


def read_sheets(file: Path, wanted: Headings) -> Sheets:
    """Return the rows of all sheets with the wanted headings, and why other sheets are left out.

    Raises:
        Failure: where no sheet has those headings, two columns have the same one, or the file
        cannot be read or is too large.
    """
    try:
        _require_small(file, file.stat().st_size)
        tables = _tables(file, wanted)
    except OSError as error:
        raise Failure(
            f"{file} cannot be read: {error.strerror}; check the name and its rights"
        ) from None
    if all(wanted.lacking(table.found) for table in tables):
        raise Failure(_about_headings(file, tables, wanted))
    sheets = Sheets([], [], [])
    for table in tables:
        lacking = wanted.lacking(table.found)
        if not lacking:
            _require_headings_once(file, table)
            sheets.rows.extend(table.rows())
            if columns := table.unread:
                unread = tr(
                    "{sheet} has columns that were not read: {columns}",
                    sheet=table,
                    columns=columns,
                )
                sheets.remarks.append(unread)
        elif set(wanted.needed[-1]).isdisjoint(table.columns):  # another kind of sheet
            left_out = tr(
                "{sheet} has no columns {columns} and was left out",
                sheet=table,
                columns=wanted.lacking(()),
            )
            sheets.remarks.append(left_out)
        else:
            sheets.unplaced.append(
                f"{table} has the columns {', '.join(table.found)}, and no {lacking} in that row:"
                " head a column so"
            )
    return sheets


def _tables(file: Path, wanted: Headings) -> list[_Table]:
    """Return each sheet of a file from its row of headings on. Raises Failure and OSError where it
    cannot be read."""
    match file.suffix.lower():
        case ".csv":
            return [_of_csv(file, wanted)]
        case ".xlsx":
            sheets = _of_workbook(file)
        case _:
            raise Failure(f"{file} is neither .xlsx nor .csv; save the spreadsheet as one of these")
    is_alone = len(sheets) == 1  # messages call such a sheet "the file"
    return [_table(None if is_alone else title, cells, wanted) for title, cells in sheets.items()]


def _table(title: str | None, cells: Cells, wanted: Headings) -> _Table:
    """Return a sheet from its row of headings on: that of its first rows which has most of the
    wanted headings."""
    column_by_heading = {_plain(column): column for column in (*wanted.columns, *wanted.optional)}
    tables = [_Table(title, 0, cells, ())]  # stays where no row has any of them
    for index, row in enumerate(cells[:_HEADING_ROWS]):
        columns = [column_by_heading.get(_plain(cell), "") for cell in row]
        tables.append(_Table(title, index, cells[index:], columns))
    return max(tables, key=wanted.rank)


def _require_headings_once(file: Path, table: _Table) -> None:
    """Raises Failure for two columns with the same heading: nobody can tell which one is meant."""
    for column in table.found:
        places = [place for place, heading in enumerate(table.columns) if heading == column]
        if len(places) > 1:
            raise Failure(
                f"{file}: {table} has columns {both(map(_letter, places))}, both headed {column};"
                " rename all but the one that counts"
            )


def _about_headings(file: Path, tables: Sequence[_Table], wanted: Headings) -> str:
    """Return the refusal of a file no sheet of which has the needed headings, with those of the
    sheet that has most."""
    best = max(tables, key=wanted.rank, default=None)
    but = f", but one with {', '.join(best.found)}" if best and best.found else ""
    return (
        f"{file} has no row of headings with {wanted.lacking(())} in its first {_HEADING_ROWS}"
        f" rows{but}; name the columns {', '.join(wanted.columns)}"
    )


def _of_workbook(file: Path) -> Mapping[str, Cells]:
    """Return the cells of each sheet of an xlsx file, by its name. Raises Failure for a file that
    is too large or broken, and OSError."""
    try:
        with zipfile.ZipFile(file) as archive:
            _require_small(file, sum(part.file_size for part in archive.infolist()))
        # openpyxl gives the values of formulas, or the formulas, and never both.
        values = load_workbook(file, read_only=True, data_only=True).worksheets
        formulas = load_workbook(file, read_only=True).worksheets
        sheets: dict[str, Cells] = {}
        size = 0
        for value_sheet, formula_sheet in zip(values, formulas, strict=True):
            sheets[value_sheet.title] = rows = list[list[str]]()
            for row in _rows_of(value_sheet, formula_sheet):
                rows.append(row)
                size += _ROW_BYTES + _CELL_BYTES * len(row) + sum(map(len, row))
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
    """Yield the texts of each row of a sheet, read with its values and with its formulas."""
    for sheet in (values, formulas):
        # Some programs write a range that is too small: the rows beyond it would not be read.
        sheet.reset_dimensions()
    for cells in zip(values.iter_rows(), formulas.iter_rows(), strict=True):
        yield list(map(_text_of_cells, *cells))


def _text_of_cells(value: Any, formula: Any) -> str:
    """Return the text of a cell, read with its value and with its formula: the formula only where
    the file lacks its value, so that ``_fault`` reports it."""
    # A formula whose value is an empty text has the value None, and the type "str".
    if formula.data_type != "f" or value.value is not None or value.data_type == "str":
        return _text(value.value)
    written = getattr(formula.value, "text", formula.value) or _FORMULA
    return _text(written) if isinstance(written, str) else _FORMULA  # a table of data has no text


def _of_csv(file: Path, wanted: Headings) -> _Table:
    """Return a csv file from its row of headings on, read with the delimiter by which it has most
    of the wanted headings. Raises Failure for a file that is too large or broken, and OSError."""
    text = _decoded(file)

    def rank(delimiter: str) -> tuple[bool, int]:
        top = csv.reader(io.StringIO(text[:_HEADING_TEXT], newline=""), delimiter=delimiter)
        return wanted.rank(_table(None, list(islice(top, _HEADING_ROWS)), wanted))

    delimiter = max(_DELIMITERS, key=rank)
    lines = max(text.count("\n"), text.count("\r")) + 1
    number_of_cells = lines + text.count(delimiter)
    _require_small(file, len(text) + _ROW_BYTES * lines + _CELL_BYTES * number_of_cells)
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
    """Return a csv file as text, from UTF-16, UTF-8 or cp1252, all of which Excel writes. Raises
    Failure for a file that is no text, and OSError."""
    content = file.read_bytes()
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if is_utf16 else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    if "\0" in text:
        raise Failure(f"{file} is not UTF-8 text; save the spreadsheet as CSV UTF-8, or as .xlsx")
    return text


def _require_small(file: Path, size: int) -> None:
    """Raises Failure where ``size``, in bytes, is more than any list of organisations has."""
    if size > _LARGEST:
        raise Failure(
            f"{file} is too large to be a list of organisations; copy the rows that are meant into"
            " a new file"
        )


def _letter(place: int) -> str:
    """Return the letter of a column by its place, from 0."""
    return str(get_column_letter(place + 1))


def _fault(text: str) -> str | None:
    """Return what a cell has in the place of a value, a formula or an error of Excel, and the
    remedy; None where it has a value."""
    if text.startswith(_FORMULA):
        return "has a formula without its value: open the file in Excel, and save it"
    return f"has the error {text}: correct it in Excel" if text in ERROR_CODES else None


def _plain(heading: str) -> str:
    """Return a heading without capitals, accents, spaces and punctuation, for comparison:
    "CliëntID TEST" is "clientidtest"."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", heading).casefold()))


def _text(value: object) -> str:
    """Return the value of a cell as text on one line; empty for a placeholder such as "n.v.t.".
    Excel keeps 6776 as 6776.0, and a day with the time 00:00."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    elif isinstance(value, datetime):
        value = value.date() if value.time() == time() else value
    text = " ".join(str(value).split())
    return "" if text.casefold() in _PLACEHOLDERS else text


def whole_kbo(text: str) -> str:
    """Return a KBO number with the leading 0 that Excel drops; any other text as it is."""
    return f"0{text}" if text.isdecimal() and len(text) == 9 else text
