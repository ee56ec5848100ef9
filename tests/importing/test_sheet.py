"""Spreadsheets as people keep them: whatever program wrote them, the same rows come out, and
nothing raises but a sentence."""

from __future__ import annotations

import contextlib
import re
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from acmidm.edit.new.rows import CLIENTS_HEADINGS, Heading
from acmidm.sheet import Sheets
from acmidm.sheet import read_sheets as read
from acmidm.terminal import speaking
from acmidm_onboarding.texts import Language
from acmidm_onboarding.values.problems import Failure

LINES = (
    "KBOnummer;Klant;CliëntID TEST;CliëntID PRD",
    "0207451227;Stad Gent;a-1;b-1",
    ";;;",
    "0207495470;Gemeente Wingene;a-2;",
)

GENT = "0207451227"
HEADINGS = b"KBOnummer;ClientID TEST\n"


def read_sheets(file: Path) -> Sheets:
    return read(file, CLIENTS_HEADINGS)


def workbook(file: Path, *tables: tuple[str, list[list[object]]]) -> Path:
    book = Workbook()
    assert book.active is not None
    book.remove(book.active)
    for title, rows in tables:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(file)
    return file


def rewritten(
    file: Path, pattern: bytes, by: bytes, part: str = "xl/worksheets/sheet1.xml"
) -> None:
    """The workbook as another program would have written a part of it, such as its first sheet."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part], times = re.subn(pattern, by, parts[part])
    assert times == 1
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content, zipfile.ZIP_DEFLATED)


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_csv_in_every_dialect(tmp_path: Path, delimiter: str, encoding: str) -> None:
    """Excel's "Unicode text" too. Empty rows are skipped and still counted: the numbers are those
    that a spreadsheet program shows."""
    file = tmp_path / "klanten.csv"
    file.write_bytes("\r\n".join(LINES).replace(";", delimiter).encode(encoding))
    rows = read_sheets(file).rows
    assert [row.number for row in rows] == [2, 4]
    assert rows[0].values == {
        Heading.KBO: "0207451227",
        Heading.CUSTOMER: "Stad Gent",
        Heading.CLIENT_TEST: "a-1",
        Heading.CLIENT_PROD: "b-1",
    }
    assert rows[1].named(Heading.CLIENT_TEST) == "column C (CliëntID TEST)"
    assert Heading.CLIENT_PROD not in rows[1].values


@pytest.mark.parametrize(
    "headings",
    [
        ["KBOnummer", "CliëntID TEST"],
        ["  kbo nummer ", "CLIENT-ID  test"],
        ["KBO-Nummer", "cliëntid_test"],
        ["KBOnummer", "Clie\u0308ntID TEST"],
    ],
)
def test_headings_in_any_case_with_or_without_accents_and_spaces(
    tmp_path: Path, headings: list[object]
) -> None:
    """Further columns stand between them, and titles above them."""
    file = workbook(
        tmp_path / "klanten.xlsx",
        (
            "Blad1",
            [
                ["Klanten 2024"],
                [],
                ["nr", headings[0], "opmerking", headings[1]],
                [1, "0207451227", "bellen", "a-1"],
            ],
        ),
    )
    (row,) = read_sheets(file).rows
    assert row.values == {Heading.KBO: "0207451227", Heading.CLIENT_TEST: "a-1"}
    assert (row.number, row.sheet, row.named(Heading.CLIENT_TEST)) == (
        4,
        None,
        "column D (CliëntID TEST)",
    )


def test_numbers_of_excel_are_text_again(tmp_path: Path) -> None:
    file = workbook(
        tmp_path / "klanten.xlsx", ("Blad1", [["KBOnummer", "CliëntID TEST"], [207451227.0, 6776]])
    )
    assert read_sheets(file).rows[0].values == {
        Heading.KBO: "207451227",
        Heading.CLIENT_TEST: "6776",
    }


@pytest.mark.parametrize("stated", ["A1", "A1:G2", "A1:B3"])
def test_the_rows_count_and_not_the_range_in_the_file(tmp_path: Path, stated: str) -> None:
    """Some programs write a ``dimension`` that is too small: what is beyond it was dropped in
    silence."""
    table: list[list[object]] = [["KBOnummer", "Klant", "CliëntID TEST"]]
    table += [[GENT, "Gent", f"a-{number}"] for number in range(4)]
    file = workbook(tmp_path / "klanten.xlsx", ("Blad1", table))
    rewritten(file, rb'<dimension ref="[^"]*"', f'<dimension ref="{stated}"'.encode())
    assert [row.values[Heading.CLIENT_TEST] for row in read_sheets(file).rows] == [
        "a-0",
        "a-1",
        "a-2",
        "a-3",
    ]


@pytest.mark.parametrize(
    ("pattern", "by"),
    [
        (rb'<row r="2">', b'<row r="2000000000">'),
        (rb'<row r="2">.*</row>', b'<row><c r="ZZZ2"/></row>' * 1000),
        (rb"</sheetData>", b" " * (64 << 20) + b"</sheetData>"),
    ],
)
def test_a_small_file_that_is_large_once_it_is_read(
    pattern: bytes, by: bytes, tmp_path: Path
) -> None:
    """A town, or whoever mails a list for forty, does not stop the machine that reads it."""
    file = workbook(
        tmp_path / "klanten.xlsx",
        ("Blad1", [["KBOnummer", "Klant", "CliëntID TEST"], [GENT, "Gent"]]),
    )
    rewritten(file, pattern, by)
    with pytest.raises(Failure, match="too large to be a list of organisations"):
        read_sheets(file)


def test_many_sheets_that_are_large_together(tmp_path: Path) -> None:
    """Each is small: a row that is far down costs a file nothing."""
    table: list[list[object]] = [["KBOnummer", "CliëntID TEST"]]
    file = workbook(tmp_path / "klanten.xlsx", *((f"Blad{number}", table) for number in range(3)))
    for number in range(1, 4):
        part = f"xl/worksheets/sheet{number}.xml"
        rewritten(file, rb"</sheetData>", b'<row r="60000"/></sheetData>', part)
    with pytest.raises(Failure, match="too large to be a list of organisations"):
        read_sheets(file)


def test_a_workbook_without_sheets_has_no_headings(tmp_path: Path) -> None:
    file = workbook(tmp_path / "klanten.xlsx", ("Blad1", []))
    rewritten(file, rb"<sheets>.*</sheets>", b"<sheets/>", "xl/workbook.xml")
    with pytest.raises(Failure, match="the file was not read: none of its first 20 rows"):
        read_sheets(file)


LARGE = {
    "empty cells": ";;;;;;;\n",
    "short cells": "a;b;c;d\n",
    "one row": "a;",
    "one row of many lines": '"\n";',
    "empty lines": "\n",
}


@pytest.mark.parametrize("name", LARGE)
def test_a_large_csv_takes_no_multiple_of_its_size(tmp_path: Path, name: str) -> None:
    """One of 20 MB took 2 GiB: each delimiter was tried on all of it, and cells cost more than
    their text."""
    file, size = tmp_path / "klanten.csv", 4 << 20
    part = LARGE[name]
    file.write_text("KBOnummer;Klant;CliëntID TEST\n" + part * (size // len(part)))
    tracemalloc.start()
    try:
        with pytest.raises(Failure, match="too large to be a list of organisations"):
            read_sheets(file)
        assert tracemalloc.get_traced_memory()[1] < 30 * size
    finally:
        tracemalloc.stop()


def test_a_csv_of_all_towns_twenty_times_is_read(tmp_path: Path) -> None:
    file = tmp_path / "klanten.csv"
    row = "0207451227;Stad Gent;a-1;een opmerking, die niemand leest\n"
    file.write_text("KBOnummer;Klant;CliëntID TEST;Opmerking\n" + row * 6_000)
    assert len(read_sheets(file).rows) == 6_000


def test_a_formula_without_its_value_is_a_fault(tmp_path: Path) -> None:
    """As programs write it that do not calculate: it was read as an empty cell, and a row of
    formulas as no row. A result of an empty text is no fault, and an error that Excel calculated is
    one."""
    table: list[list[object]] = [
        ["KBOnummer", "URI TEST", "CliëntID TEST"],
        ["=A9", "=B9", "=C9"],
        [GENT, '=IF(A3="","x","")', "a-1"],
        [GENT, None, "#REF!"],
    ]
    file = workbook(tmp_path / "klanten.xlsx", ("Blad1", table))
    rewritten(file, rb'(<c r="B3")([^>]*><f>[^<]*</f>)<v ?/>', rb'\1 t="str"\2<v></v>')
    formulas, calculated, error = read_sheets(file).rows
    unknown = (
        "has a formula without its value, or an error: open the file in Excel, correct the cell"
        " where it shows an error, and save it"
    )
    assert formulas.values == {}
    assert formulas.faults == tuple(
        f"column {letter} ({column}) {unknown}"
        for letter, column in (
            ("A", Heading.KBO),
            ("B", Heading.URI_TEST),
            ("C", Heading.CLIENT_TEST),
        )
    )
    assert (calculated.values, calculated.faults) == (
        {Heading.KBO: GENT, Heading.CLIENT_TEST: "a-1"},
        (),
    )
    assert error.faults == (f"column C (CliëntID TEST) {unknown}",)


def test_a_heading_may_be_a_formula_without_its_value(tmp_path: Path) -> None:
    """What it says is in the formula; of another column, the formula is what it is called."""
    table: list[list[object]] = [['="KBOnummer"', "CliëntID TEST", "=B9"], [GENT, "a-1", "x"]]
    read = read_sheets(workbook(tmp_path / "klanten.xlsx", ("Blad1", table)))
    assert [row.values for row in read.rows] == [{Heading.KBO: GENT, Heading.CLIENT_TEST: "a-1"}]
    assert read.remarks == ["the file has columns that were not read: =B9"]


def test_what_stands_for_an_empty_cell_is_empty(tmp_path: Path) -> None:
    file = tmp_path / "klanten.csv"
    cells = ["-", "n/a", "NVT", "n.v.t.", "\u2013"]
    file.write_text(
        "KBOnummer;CliëntID TEST\n" + "".join(f"{GENT};{cell}\n" for cell in cells) + "-;-\n",
        "utf-8",
    )
    assert [row.values for row in read_sheets(file).rows] == [{Heading.KBO: GENT}] * len(cells)


def test_every_sheet_that_is_not_read_is_named(tmp_path: Path) -> None:
    """One that has clients is not placed, with the reason; rows of several sheets name their
    sheet."""
    table: list[list[object]] = [["KBOnummer", "CliëntID TEST"], [GENT, "a-1"]]
    others: list[tuple[str, list[list[object]]]] = [
        ("Leeswijzer", [["zie wiki"]]),
        ("Oud", [["KBO-nr", "Klant", "CliëntID PRD"], [GENT]]),
    ]
    noted = [[*table[0], "Opmerking"], table[1]]
    file = workbook(tmp_path / "klanten.xlsx", ("Gemeenten", noted), *others, ("Steden", table))
    sheets = read_sheets(file)
    assert [str(row) for row in sheets.rows] == [
        "row 2 of sheet Gemeenten",
        "row 2 of sheet Steden",
    ]
    assert sheets.remarks == [
        "sheet Gemeenten has columns that were not read: Opmerking",
        "sheet Leeswijzer was not read: none of its first 20 rows has the headings KBOnummer and"
        " CliëntID TEST or CliëntID PRD (the nearest has none); rename its columns if it should be"
        " read",
    ]
    with speaking(Language.NL):
        said = read_sheets(file).remarks
    assert said[0] == "sheet Gemeenten heeft kolommen die niet gelezen zijn: Opmerking"
    assert said[1].startswith("sheet Leeswijzer is niet gelezen: geen van de eerste 20 rijen heeft")
    assert sheets.unplaced == [
        "sheet Oud was not read: none of its first 20 rows has the headings KBOnummer and"
        " CliëntID TEST or CliëntID PRD (the nearest has Klant, CliëntID PRD); rename its columns"
        " if it should be read"
    ]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("klanten.ods", b"", "is neither .xlsx nor .csv"),
        ("geen.xlsx", None, "cannot be read: No such file"),
        ("geen", None, "cannot be read: No such file"),
        ("klanten.xlsx", b"not a zip", "is no spreadsheet .BadZipFile."),
        ("~$klanten.xlsx", b"\4Jan", "keeps while klanten.xlsx is open there; name klanten.xlsx"),
        (
            "klanten.csv",
            b"naam;adres\n",
            "none of its first 20 rows has the headings KBOnummer and CliëntID TEST or CliëntID",
        ),
        ("klanten.csv", b"", "the file was not read: none of its first 20 rows"),
        (
            "klanten.csv",
            b"Klant;TAN\n",
            "the nearest has Klant, TAN.; rename its columns if it should be read",
        ),
        (
            "klanten.csv",
            b"KBOnummer;Client-ID test;TAN;ClientID TEST\n",
            "the file has columns B and D, both headed CliëntID TEST; rename",
        ),
        (
            "klanten.csv",
            HEADINGS + b'1;"a\n2;b\n3;c\n',
            "klanten.csv, row 2: unexpected end of data; close its quotation marks",
        ),
        ("klanten.csv", HEADINGS + b'1;a\n2;"b\n3;"c"\n', "klanten.csv, row 3: .* expected after"),
        (
            "klanten.csv",
            "KBOnummer;CliëntID TEST\n".encode("utf-16-le"),
            "is not UTF-8 text; save the spreadsheet as CSV UTF-8",
        ),
    ],
)
def test_what_is_no_such_spreadsheet_is_one_sentence(
    tmp_path: Path, name: str, content: bytes | None, sentence: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Failure, match=sentence):
        read_sheets(file)


@settings(deadline=None)
@given(content=st.binary(max_size=400), suffix=st.sampled_from([".csv", ".xlsx"]))
def test_no_bytes_make_it_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str
) -> None:
    file = tmp_path_factory.getbasetemp() / f"any{suffix}"
    file.write_bytes(content)
    with contextlib.suppress(Failure):
        read_sheets(file)
