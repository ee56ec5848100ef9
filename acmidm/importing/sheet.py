"""Reads the spreadsheet that connections were kept in: xlsx or csv, tolerant of how people write headings."""

from __future__ import annotations

import csv
import io
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

_HEADING_ROWS = 20
"""Titles and remarks may stand above the headings."""
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
)
"""What openpyxl raises for a file that is not what it says it is."""


class UnreadableSheet(Exception):
    """A file that is no spreadsheet of connections, as a sentence."""


class Column(StrEnum):
    """The columns that are looked at, named as the spreadsheet names them; any others are left alone."""

    KBO = "KBOnummer"
    CUSTOMER = "Klant"
    TAN = "TAN"
    URI_TEST = "URI TEST"
    URI_PROD = "URI PRD"
    CLIENT_TEST = "CliëntID TEST"
    CLIENT_PROD = "CliëntID PRD"


CLIENT_IDS = (Column.CLIENT_TEST, Column.CLIENT_PROD)


@dataclass(frozen=True)
class Row:
    """One row below the headings. ``number`` counts from 1, as spreadsheet programs do."""

    sheet: str | None
    """The sheet's name where the file has several of them."""
    number: int
    values: Mapping[Column, str]
    letters: Mapping[Column, str]

    def __str__(self) -> str:
        return f"row {self.number}" + (f" of sheet {self.sheet}" if self.sheet else "")

    def place(self, column: Column) -> str:
        """The column, for a message about this row."""
        return f"column {self.letters[column]} ({column})"


@dataclass(frozen=True)
class Sheets:
    """All rows of a file, and the sheets that have none of these columns."""

    rows: tuple[Row, ...]
    left_out: tuple[str, ...]


def read_sheets(file: Path) -> Sheets:
    """The rows of a spreadsheet that hold anything. Raises UnreadableSheet."""
    try:
        if file.suffix.lower() == ".csv":
            return Sheets(tuple(_rows(None, _of_csv(file))), ())
        if file.suffix.lower() == ".xlsx":
            return _of_workbook(file)
    except OSError as error:
        raise UnreadableSheet(f"{file} cannot be read: {error.strerror}; check the name and its rights") from None
    raise UnreadableSheet(f"{file} is neither .xlsx nor .csv; save the spreadsheet as one of these")


def _of_workbook(file: Path) -> Sheets:
    try:
        workbook = load_workbook(file, read_only=True, data_only=True)
        tables = {
            sheet.title: [[_text(value) for value in row] for row in sheet.iter_rows(values_only=True)] for sheet in workbook.worksheets
        }
    except _NO_WORKBOOK as error:
        raise UnreadableSheet(
            f"{file} is no Excel workbook ({type(error).__name__}); open it in Excel and save it as .xlsx again"
        ) from None
    fitting = {title: table for title, table in tables.items() if _headings(table) is not None}
    if not fitting:
        raise UnreadableSheet(_no_headings(file))
    several = len(tables) > 1
    rows = [row for title, table in fitting.items() for row in _rows(title if several else None, table)]
    return Sheets(tuple(rows), tuple(title for title in tables if title not in fitting))


def _of_csv(file: Path) -> Sequence[Sequence[str]]:
    content = file.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")  # what Excel writes on Windows
    for delimiter in _DELIMITERS:
        try:
            table = [[_text(value) for value in row] for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)]
        except csv.Error as error:
            raise UnreadableSheet(f"{file} is no csv file: {error}; save the spreadsheet as .xlsx or as .csv again") from None
        if _headings(table) is not None:
            return table
    raise UnreadableSheet(_no_headings(file))


def _no_headings(file: Path) -> str:
    return (
        f"{file} has no row of headings with {Column.KBO} and {' or '.join(CLIENT_IDS)} in its first {_HEADING_ROWS} rows; "
        f"name the columns {', '.join(Column)}"
    )


def _rows(sheet: str | None, table: Sequence[Sequence[str]]) -> Iterator[Row]:
    found = _headings(table)
    if found is None:
        return
    heading, places = found
    letters = {column: get_column_letter(place + 1) for column, place in places.items()}
    for index, cells in enumerate(table[heading + 1 :], heading + 2):
        if any(cells):
            values = {column: cells[place] for column, place in places.items() if place < len(cells) and cells[place]}
            yield Row(sheet, index, values, letters)


def _headings(table: Sequence[Sequence[str]]) -> tuple[int, dict[Column, int]] | None:
    """The index of the row of headings, and the place of each column; the first of two with the same heading."""
    known = {_plain(column): column for column in Column}
    for index, cells in enumerate(table[:_HEADING_ROWS]):
        places: dict[Column, int] = {}
        for place, cell in enumerate(cells):
            column = known.get(_plain(cell))
            if column is not None:
                places.setdefault(column, place)
        if Column.KBO in places and places.keys() & set(CLIENT_IDS):
            return index, places
    return None


def _plain(heading: str) -> str:
    """A heading without case, accents, spaces and punctuation."""
    return "".join(_letters(unicodedata.normalize("NFKD", heading).casefold()))


def _letters(text: Iterable[str]) -> Iterator[str]:
    return (character for character in text if character.isalnum())


def _text(value: object) -> str:
    """A cell as text on one line. A number that Excel keeps as 6776.0 is 6776."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return " ".join(str(value).split())
