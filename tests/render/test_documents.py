"""One way out: a report of which no renderer knows is a text and a page all the same, and neither
leaves out anything of it."""

from __future__ import annotations

import html
import io
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


def client(name: str, *tones: Tone) -> Line:
    """A client of which one thing changed for each tone."""
    changes: list[Line] = []
    for tone in tones:
        value = Line([Piece(f"value-{name}", Tone.VALUE)], Piece(f"field-{name}:"))
        sentence = [Piece(f"{name} gains scope "), Piece(f"dv_{name}", Tone.VALUE)]
        changes.append(Line(sentence, Piece(tone.value, tone), lines=[value]))
    names = [Piece("  form "), Piece(f"folder/{name}", Tone.VALUE)]
    remark = Line([Piece(f"remark on {name}")])
    return Line([Piece(name, Tone.STRONG), *names], lines=[*changes, remark])


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


def document() -> Document:
    shared = [
        Section(
            [Line([Piece(f"in {shape.name}")], members=["each-a", "each-b"])], shape.name, shape
        )
        for shape in (Shape.LIST, Shape.FOLD)
    ]
    sections = [
        refused(["one is refused"]),
        Section([client("client-a", Tone.DANGER)], "CLIENTS"),
        Section([row("row-a")], "ROWS", Shape.ROWS),
        *shared,
        notes(["# to be known"]),
        Section((), "nothing here"),
    ]
    return Document("A report of tomorrow", sections, whole="look elsewhere")


WORDS = {
    "A report of tomorrow",
    "one is refused",
    "client-a gains scope",
    "dv_client-a",
    "field-client-a",
    "value-client-a",
    "folder/client-a",
    "remark on client-a",
    "row-a",
    "code-row-a",
    "column-row-a",
    "cell-row-a",
    "value-row-a",
    "in LIST",
    "in FOLD",
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
    headings = ["CLIENTS", "ROWS", "LIST", "FOLD", "notes"]
    assert [found for found in text if found in headings] == headings
    headings[-1] = "Notes"
    found = chain.from_iterable(re.findall(r"^#### (.*)$|^<.*<summary>(.*)</", page, re.MULTILINE))
    assert [heading for heading in found if heading] == headings
    on_page = re.findall(r"<(?:h2|summary)>(.*)</(?:h2|summary)>", as_html(document()))
    assert [heading for heading in on_page if heading != "Each"] == [*headings, "Nothing here"]
    assert "nothing here" in text
    assert "\nNothing here.\n" in page


def test_a_page_has_no_list_without_items() -> None:
    page = as_html(Document("x", [Section([], "nothing here"), notes([])]))
    assert "<h2>Nothing here</h2>" in page
    assert "<ul" not in page


def test_every_change_is_beneath_its_client_behind_how_dangerous_it_is() -> None:
    """In bold, but for what is only to be known; with its values beneath it."""
    page = as_markdown(
        Document("x", [Section([client("a", Tone.NOTICE, Tone.WARNING)], "one"), notes(["b"])])
    )
    assert (
        page
        == """\
### x


#### One

- **a**  form `folder/a`
  - _notice_ a gains scope `dv_a`
    - field-a: `value-a`
  - **warning** a gains scope `dv_a`
    - field-a: `value-a`
  - remark on a

#### Notes

- b
"""
    )


def test_an_empty_line_is_before_each_client(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(document())
    assert "CLIENTS\n\nclient-a  form folder/client-a\n  danger   " in capsys.readouterr().out


def test_no_section_takes_the_room_of_a_shorter_one() -> None:
    """In whatever order they are: of the long ones the ends are left out, and each says how much is
    missing; the short one is whole."""
    long = [Line([Piece("x" * 500)]) for _ in range(200)]
    short = [Line([Piece("y" * 500)]) for _ in range(30)]
    sections = [Section(long, "one"), Section(short, "two"), Section(long, "three", Shape.FOLD)]
    page = as_markdown(Document("x", sections, whole="look elsewhere"))
    assert LIMIT * 0.9 < len(page) <= LIMIT
    first, second, third = re.split("Two|Three", page)
    assert second.count("\n- y") == 30
    assert " more" not in second
    for part in (first, third):
        missing = 200 - part.count("\n- x")
        assert f"\n- **and {missing} more**: look elsewhere\n" in part


def test_whatever_a_report_is_about_it_fits() -> None:
    """And counts what is left out where that would stand."""
    lines = [Line([Piece("x" * 500)]) for _ in range(200)]
    page = as_markdown(Document("x", [Section(lines)], whole="look elsewhere"))
    assert len(page) <= LIMIT
    shown = page.count("\n- x")
    assert page.endswith(f"- **and {200 - shown} more**: look elsewhere\n")


def test_so_many_sections_that_none_has_room_fit() -> None:
    """Each is its heading then, with how much is missing."""
    sections = [Section([Line([Piece("x" * 500)])], f"s{number}") for number in range(200)]
    page = as_markdown(Document("x", sections, whole="there"))
    assert len(page) <= LIMIT
    assert page.count("\n- **and 1 more**: there\n") == 200


def test_the_fields_of_a_change_push_no_other_change_out() -> None:
    """Of many and long ones the first stand beneath their change, with how many more there are."""
    fields = [Line([Piece("x" * 500)], Piece(f"field-{number}:")) for number in range(100)]
    changes = [Line([Piece("one")], lines=fields), Line([Piece("another")])]
    page = as_markdown(Document("x", [Section([Line([Piece("y")], lines=changes)])], whole="there"))
    shown = page.count("    - field-")
    assert shown
    assert page.endswith(f"\n    - **and {100 - shown} more**: there\n  - another\n")


@pytest.mark.parametrize("length", [1, 30, 100])
def test_a_sentence_behind_a_label_is_whole_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    """A field may have a name that is as long as the terminal is wide: its value was cut off."""
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", "60")
    field = Line([Piece("v" * 90)], Piece(f"{'n' * length}:"))
    print_report(Document("", [Section([Line([Piece("")], lines=[field])])]))
    assert terminal.getvalue().count("v") == 90
    assert terminal.getvalue().count("n") == length
