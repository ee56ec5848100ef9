"""Reads the rows of a spreadsheet, xlsx or csv, by its headings, however people write these.

A file comes to the texts of its cells, by sheet. The row of headings of a sheet is that of its
first rows which names most of the wanted columns; the rows below it are those of the sheet.
"""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
_NO_VALUE = (
    "has a formula without its value, or an error: open the file in Excel, correct the cell where"
    " it shows an error, and save it"
)
_PLACEHOLDERS = frozenset({"-", "\u2013", "\u2014", "/", "n/a", "nvt", "n.v.t.", "n.v.t"})
"""What people write into a cell that they mean to leave empty."""

Cells = Sequence[Sequence[str]]
"""The texts of a sheet's cells, row by row; empty where a cell is."""
Values = Iterable[Iterable[object]]
"""What a file has in the cells of a sheet, row by row: texts, numbers, days or None."""


@dataclass(frozen=True)
class Headings:
    """The columns that a command reads. Other columns are named in a remark."""

    columns: Sequence[str]
    needed: Sequence[Sequence[str]]
    """Groups of columns: a sheet is read where it has a column of each group. One with a column of
    the last group, and not of another, is a mistake; any other sheet is left out."""

    def __str__(self) -> str:
        """Return the needed columns in words: "KBOnummer and CliëntID TEST or CliëntID PRD"."""
        return both(map(either, self.needed))

    def named_by(self, row: Sequence[str]) -> list[str]:
        """Return the column that each cell of a row names, empty where it names none:
        ["KBOnummer", "", "Klant"]."""
        column_by_heading = {_plain(column): column for column in self.columns}
        return [column_by_heading.get(_plain(cell), "") for cell in row]

    def are_in(self, columns: Collection[str]) -> bool:
        """Return whether there is a column of each needed group among these."""
        return not any(set(group).isdisjoint(columns) for group in self.needed)

    def rank(self, columns: Collection[str]) -> tuple[bool, int]:
        """Return what is higher the more of the columns a row names, the needed ones before all."""
        return self.are_in(columns), len(set(filter(None, columns)))


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


class _Sheet(NamedTuple):
    """A sheet, and what its row of headings names."""

    title: str | None
    """The sheet's name; None where the file has one sheet."""
    cells: Cells
    number: int
    """That of the row of headings, from 1."""
    columns: Sequence[str]
    """As ``Headings.named_by`` returns them."""

    def __str__(self) -> str:
        return f"sheet {self.title}" if self.title else tr("the file")


def read_sheets(file: Path, wanted: Headings) -> Sheets:
    """Return the rows of all sheets with the wanted headings, and why other sheets are left out.

    Raises:
        Failure: where no sheet has those headings, two columns have the same one, or the file
        cannot be read or is too large.
    """
    cells_by_title = _cells_of(file, wanted)
    found = []
    for title, cells in cells_by_title.items():
        # Messages call a sheet that is alone "the file".
        name = title if len(cells_by_title) > 1 else None
        found.append(_Sheet(name, cells, *_headings_in(cells, wanted)))
    best = max(found, key=lambda sheet: wanted.rank(sheet.columns))
    if not wanted.are_in(best.columns):
        raise Failure(f"{file}: {_about_headings(best, wanted)}")
    sheets = Sheets([], [], [])
    for sheet in found:
        if wanted.are_in(sheet.columns):
            sheets.rows.extend(_rows(sheet, file))
            sheets.remarks.extend(_about_unread(sheet))
        elif set(wanted.needed[-1]).isdisjoint(sheet.columns):  # another kind of sheet
            sheets.remarks.append(_about_headings(sheet, wanted))
        else:
            sheets.unplaced.append(_about_headings(sheet, wanted))
    return sheets


def _headings_in(rows: Iterable[Sequence[str]], wanted: Headings) -> tuple[int, Sequence[str]]:
    """Return the number, from 1, of the row of headings, and the columns that its cells name: the
    first row that names most of the wanted ones."""
    named = map(wanted.named_by, islice(rows, _HEADING_ROWS))
    return max(enumerate(named, 1), key=lambda row: wanted.rank(row[1]), default=(1, ()))


def _about_headings(sheet: _Sheet, wanted: Headings) -> str:
    """Return the sentence about a sheet that lacks a needed column."""
    return tr(
        "{sheet} was not read: none of its first {count} rows has the headings {needed} (the"
        " nearest has {found}); rename its columns if it should be read",
        sheet=sheet,
        needed=wanted,
        count=_HEADING_ROWS,
        found=", ".join(filter(None, sheet.columns)) or tr("none"),
    )


def _about_unread(sheet: _Sheet) -> Iterator[str]:
    """Yield the remark about the columns of a sheet that are not read; nothing where all are."""
    headings = zip(sheet.cells[sheet.number - 1], sheet.columns, strict=True)
    unread = ", ".join(heading for heading, column in headings if heading and not column)
    if unread:
        yield tr("{sheet} has columns that were not read: {columns}", sheet=sheet, columns=unread)


def _rows(sheet: _Sheet, file: Path) -> Iterator[SheetRow]:
    """Yield each row below the headings that has anything in it. Raises Failure for two columns
    with the same heading: nobody can tell which one is meant."""
    letters: dict[str, str] = {}
    for place, column in enumerate(sheet.columns, 1):
        letter = get_column_letter(place)
        if column and letters.setdefault(column, letter) != letter:
            raise Failure(
                f"{file}: {sheet} has columns {letters[column]} and {letter}, both headed"
                f" {column}; rename all but the one that counts"
            )
    for number, texts in enumerate(sheet.cells[sheet.number :], sheet.number + 1):
        values, faults = {}, []
        for column, text in zip(sheet.columns, texts, strict=False):
            if not column or not text:
                continue
            if text.startswith(_FORMULA) or text in ERROR_CODES:
                faults.append(f"column {letters[column]} ({column}) {_NO_VALUE}")
            else:
                values[column] = text
        if any(texts):
            yield SheetRow(sheet.title, number, values, letters, tuple(faults))


def _cells_of(file: Path, wanted: Headings) -> Mapping[str, Cells]:
    """Return the cells of each sheet of a file, at least one, by its name, which is empty in csv.
    Raises Failure where the file is too large, or cannot be read."""
    cells_by_title: dict[str, list[list[str]]] = {}
    cells: list[list[str]] = []
    size = 0
    try:
        for title, rows in _sheets_of(file, wanted):
            cells_by_title[title] = cells = []
            for row in rows:
                texts = list(map(_text, row))
                cells.append(texts)
                size += _ROW_BYTES + sum(_CELL_BYTES + len(text) for text in texts)
                _require_small(file, size)
    except Failure:
        raise
    except OSError as error:
        raise Failure(
            f"{file} cannot be read: {error.strerror}; check the name and its rights"
        ) from None
    except csv.Error as error:  # its row may have swallowed later ones
        raise Failure(
            f"{file}, row {len(cells) + 1}: {error}; close its quotation marks, or save the"
            " spreadsheet as .xlsx"
        ) from None
    except Exception as error:
        # Broken files raise ParseError, BadZipFile, zlib.error, KeyError, TypeError, ValueError and
        # others: openpyxl names none, and whoever sends a sheet chooses which.
        raise Failure(
            f"{file} is no spreadsheet ({type(error).__name__}); open it in Excel and save it as"
            " .xlsx again"
        ) from None
    return cells_by_title or {"": []}  # a workbook may list none


def _sheets_of(file: Path, wanted: Headings) -> Iterable[tuple[str, Values]]:
    """Return each sheet of a file by its name, and its rows as they are read. Raises Failure where
    the file is too large, or of another kind."""
    if file.name.startswith("~$"):
        name = file.name[2:]
        raise Failure(f"{file} is what Excel keeps while {name} is open there; name {name} instead")
    _require_small(file, file.stat().st_size)
    match file.suffix.lower():
        case ".csv":
            return [("", _rows_of_csv(file, wanted))]
        case ".xlsx":
            return _sheets_of_workbook(file)
    raise Failure(f"{file} is neither .xlsx nor .csv; save the spreadsheet as one of these")


def _sheets_of_workbook(file: Path) -> Iterator[tuple[str, Values]]:
    """Yield each sheet of an xlsx file by its name, and its rows as they are read."""
    with zipfile.ZipFile(file) as archive:
        _require_small(file, sum(part.file_size for part in archive.infolist()))
    # openpyxl gives the values of formulas, or the formulas, and never both.
    values = load_workbook(file, read_only=True, data_only=True).worksheets
    formulas = load_workbook(file, read_only=True).worksheets
    for sheets in zip(values, formulas, strict=True):
        for sheet in sheets:
            # Some programs write a range that is too small: the rows beyond it would not be read.
            sheet.reset_dimensions()
        rows = zip(*(sheet.iter_rows() for sheet in sheets), strict=True)
        yield sheets[0].title, (map(_value_of, *cells) for cells in rows)


def _value_of(value: Any, formula: Any) -> object:
    """Return the value of a cell, read with its value and with its formula: the formula only where
    the file lacks its value, which is reported."""
    # A formula whose value is an empty text has the value None, and the type "str".
    if formula.data_type != "f" or value.value is not None or value.data_type == "str":
        return value.value
    if isinstance(formula.value, str):
        return formula.value
    return getattr(formula.value, "text", _FORMULA)  # of an array; a table of data has none


def _rows_of_csv(file: Path, wanted: Headings) -> Values:
    """Return the rows of a csv file, read with the delimiter by which it has most of the wanted
    headings."""
    text = _decoded(file)

    def rank(delimiter: str) -> tuple[bool, int]:
        top = csv.reader(io.StringIO(text[:_HEADING_TEXT], newline=""), delimiter=delimiter)
        _, columns = _headings_in(top, wanted)
        return wanted.rank(columns)

    delimiter = max(_DELIMITERS, key=rank)
    # Before they are read: the file may have one row.
    _require_small(file, len(text) + _CELL_BYTES * text.count(delimiter))
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)


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
