"""Spreadsheets as people keep them: whatever program wrote them, the same rows come out, and nothing raises but a sentence."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from acmidm.importing.sheet import Column, UnreadableSheet, read_sheets

LINES = ("KBOnummer;Klant;CliëntID TEST;CliëntID PRD", "0207451227;Stad Gent;a-1;b-1", ";;;", "0207495470;Gemeente Wingene;a-2;")


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


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_csv_in_every_dialect(tmp_path: Path, delimiter: str, encoding: str) -> None:
    """Empty rows are skipped and still counted, so that the numbers are those that a spreadsheet program shows."""
    file = tmp_path / "klanten.csv"
    file.write_bytes("\r\n".join(LINES).replace(";", delimiter).encode(encoding))
    rows = read_sheets(file).rows
    assert [row.number for row in rows] == [2, 4]
    assert rows[0].values == {
        Column.KBO: "0207451227",
        Column.CUSTOMER: "Stad Gent",
        Column.CLIENT_TEST: "a-1",
        Column.CLIENT_PROD: "b-1",
    }
    assert rows[1].place(Column.CLIENT_TEST) == "column C (CliëntID TEST)"
    assert Column.CLIENT_PROD not in rows[1].values


@pytest.mark.parametrize(
    "headings",
    [
        ["KBOnummer", "CliëntID TEST"],
        ["  kbo nummer ", "CLIENT-ID  test"],
        ["KBO-Nummer", "cliëntid_test"],
        ["KBOnummer", "Clie\u0308ntID TEST"],
    ],
)
def test_headings_in_any_case_with_or_without_accents_and_spaces(tmp_path: Path, headings: list[object]) -> None:
    """Further columns stand between them, and titles above them."""
    file = workbook(
        tmp_path / "klanten.xlsx",
        ("Blad1", [["Klanten 2024"], [], ["nr", headings[0], "opmerking", headings[1]], [1, "0207451227", "bellen", "a-1"]]),
    )
    (row,) = read_sheets(file).rows
    assert row.values == {Column.KBO: "0207451227", Column.CLIENT_TEST: "a-1"}
    assert (row.number, row.sheet, row.place(Column.CLIENT_TEST)) == (4, None, "column D (CliëntID TEST)")


def test_numbers_of_excel_are_text_again(tmp_path: Path) -> None:
    file = workbook(tmp_path / "klanten.xlsx", ("Blad1", [["KBOnummer", "CliëntID TEST"], [207451227.0, 6776]]))
    assert read_sheets(file).rows[0].values == {Column.KBO: "207451227", Column.CLIENT_TEST: "6776"}


def test_sheets_without_these_columns_are_named(tmp_path: Path) -> None:
    """And the rows of several sheets say which they are of."""
    table: list[list[object]] = [["KBOnummer", "CliëntID TEST"], ["0207451227", "a-1"]]
    file = workbook(tmp_path / "klanten.xlsx", ("Gemeenten", table), ("Leeswijzer", [["zie wiki"]]), ("Steden", table))
    sheets = read_sheets(file)
    assert [str(row) for row in sheets.rows] == ["row 2 of sheet Gemeenten", "row 2 of sheet Steden"]
    assert sheets.left_out == ("Leeswijzer",)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("klanten.ods", b"", "is neither .xlsx nor .csv"),
        ("klanten.xlsx", b"not a zip", "is no Excel workbook"),
        ("klanten.csv", b"naam;adres\n", "has no row of headings with KBOnummer and CliëntID TEST or CliëntID PRD"),
        ("klanten.csv", b"", "has no row of headings"),
    ],
)
def test_what_is_no_such_spreadsheet_is_one_sentence(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(UnreadableSheet, match=sentence):
        read_sheets(file)


def test_a_file_that_does_not_exist_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSheet, match="cannot be read: No such file"):
        read_sheets(tmp_path / "geen.xlsx")


@given(content=st.binary(max_size=400), suffix=st.sampled_from([".csv", ".xlsx"]))
def test_no_bytes_make_it_raise_anything_else(tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str) -> None:
    file = tmp_path_factory.mktemp("sheet") / f"any{suffix}"
    file.write_bytes(content)
    with contextlib.suppress(UnreadableSheet):
        read_sheets(file)
