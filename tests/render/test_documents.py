"""One way out: a report of which no renderer knows is a text and a page all the same, and neither
leaves out anything of it."""

from __future__ import annotations

import html
import re
from itertools import chain

import pytest

from acmidm.render.html import as_html
from acmidm.render.markdown import LIMIT, as_markdown
from acmidm.render.text import print_report
from acmidm.report.document import (
    Document,
    Line,
    Piece,
    Row,
    Section,
    Shape,
    Tone,
    in_line,
    notes,
    refused,
)


def line(name: str, tone: Tone) -> Line:
    """A client of which one thing changed."""
    sentence = [Piece(f"{name} gains scope "), Piece(f"dv_{name}", Tone.VALUE)]
    change = Line(
        [*sentence, Piece(": all of it")],
        Piece(tone.value, tone),
        brief=sentence,
        lines=[Line([Piece(f"value-{name}", Tone.VALUE)], Piece(f"field-{name}"))],
    )
    return Line(
        [Piece(name, Tone.STRONG)],
        names=[Piece("form "), Piece(f"folder/{name}", Tone.VALUE)],
        lines=[change, Line([Piece(f"remark on {name}")])],
        details=f"Details: {name}",
    )


def row(name: str) -> Row:
    """A client of a list."""
    items = [[Piece(f"cell-{name}", Tone.WARNING)], [Piece(f"value-{name}", copied=f"all-{name}")]]
    return Row(
        [Piece(name, Tone.STRONG), Piece("  here  "), Piece(f"code-{name}", Tone.VALUE)],
        lines=[Line(in_line(items, ", "), Piece(f"column-{name}"))],
        title=name,
        name="",
        code=f"code-{name}",
        where="here",
        is_production=True,
        cells={f"column-{name}": items},
        folded={},
        filter_values={},
    )


def document(*, is_spaced: bool = False) -> Document:
    shared = [
        Section(
            [Line([Piece(f"in {shape.name}")], members=["each-a", "each-b"])],
            shape.name,
            shape,
            is_spaced=is_spaced,
        )
        for shape in (Shape.LIST, Shape.FOLD, Shape.OPEN_FOLD)
    ]
    sections = [
        refused(["one is refused"]),
        Section([line("table-a", Tone.DANGER)], "TABLE", Shape.TABLE),
        Section([row("row-a")], "ROWS", Shape.ROWS),
        *shared,
        notes(["# to be known"]),
        Section((), "nothing here"),
    ]
    return Document("A report of tomorrow", sections, whole="look elsewhere")


WORDS = {
    "A report of tomorrow",
    "one is refused",
    "table-a gains scope",
    "dv_table-a",
    "field-table-a",
    "value-table-a",
    "folder/table-a",
    "remark on table-a",
    "row-a",
    "code-row-a",
    "column-row-a",
    "cell-row-a",
    "value-row-a",
    "in LIST",
    "in FOLD",
    "in OPEN_FOLD",
    "each-a",
    "each-b",
    "to be known",
}


def words_in(text: str) -> set[str]:
    """The words that are there, and not only as a part of others."""
    shown = re.sub(r"<[^>]*>", " ", re.sub(r"[\\`*]|\u200b|<wbr>", "", html.unescape(text)))
    return {
        word for word in WORDS if re.search(rf"(?i)(?<![\w-]){re.escape(word)}(?![\w-])", shown)
    }


def test_each_renderer_says_all_of_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(document())
    assert words_in(capsys.readouterr().out) == WORDS
    assert words_in(as_markdown(document())) == WORDS
    page = as_html(document())
    assert words_in(page) == WORDS
    assert 'data-value="all-row-a"' in page


def test_headings_are_the_same_in_each(capsys: pytest.CaptureFixture[str]) -> None:
    """A section without lines is its heading alone; in Markdown a sentence."""
    print_report(document())
    text = capsys.readouterr().out.splitlines()
    page = as_markdown(document())
    headings = ["TABLE", "ROWS", "LIST", "FOLD", "OPEN_FOLD"]
    assert [found for found in text if found in headings] == headings
    found = chain.from_iterable(re.findall(r"^#### (.*)$|<summary>([A-Z_]+)<", page, re.MULTILINE))
    assert [heading for heading in found if heading] == headings
    assert re.findall(r"<(?:h2|summary)>([A-Z_]+)<", as_html(document())) == headings
    assert "nothing here" in text
    assert "\nNothing here.\n" in page


def test_what_is_most_dangerous_marks_the_row_of_a_client() -> None:
    """Of many changes, a notice first; what is undone, or only to be known, marks nothing."""
    changes = [line(name, tone).lines[0] for name, tone in (("a", Tone.NOTICE), ("b", Tone.DANGER))]
    client = Line([Piece("x", Tone.STRONG)], lines=changes)
    page = as_markdown(Document("x", [Section([client], shape=Shape.TABLE)]))
    bold = "**b gains scope** `dv_b`: all of it"
    assert f"| **danger** | **x** | a gains scope `dv_a`: all of it<br>{bold} |" in page
    calm = Line([Piece("x", Tone.STRONG)], lines=changes[:1])
    page = as_markdown(Document("x", [Section([calm], shape=Shape.TABLE)]))
    assert "|  | **x** | a gains scope `dv_a`: all of it |" in page


def test_an_empty_line_is_before_each_of_what_is_spaced(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(document(is_spaced=True))
    assert "LIST\n\nin LIST\n" in capsys.readouterr().out


def test_details_end_at_the_first_that_there_is_no_room_for() -> None:
    """Those of a next table as well, however short: what is left out is left out from the end."""

    def client(name: str, members: int) -> Line:
        change = Line([Piece("gains x")], brief=[Piece("gains")])
        return Line([Piece(name)], members=["x"] * members, lines=[change], details=name)

    tables = [
        Section([client("first", 1), client("second", 1_000)], shape=Shape.TABLE),
        Section([client("third", 1)], shape=Shape.TABLE),
    ]
    filling = Section([Line([Piece("y" * 500)]) for _ in range(122)])
    page = as_markdown(Document("x", [filling, *tables], whole="look elsewhere"))
    assert re.findall("<summary>(.*)</summary>", page) == ["first"]


def test_whatever_a_report_is_about_it_fits() -> None:
    """And its last sentence counts what is left out."""
    lines = [Line([Piece("x" * 500)]) for _ in range(200)]
    page = as_markdown(Document("x", [Section(lines)], whole="look elsewhere"))
    assert len(page) <= LIMIT
    shown = page.count("\n- x")
    assert f"{200 - shown} lines. All of it: look elsewhere" in page
