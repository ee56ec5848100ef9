"""What is no form at all, but for its ending: reported in one sentence."""

from __future__ import annotations

import pytest

from tests.support.workspace import Workspace, place_of_mark

NO_YAML = "this is not YAML: "
OTHERWISE = "correct the line, or the indentation above it"
EMPTY = "the file is empty; fill in the form, or remove the file"
NO_MAPPING = "the file is not a mapping of names to values; copy an existing file and change it"
ALIAS = "YAML aliases (*name) are not read here; write the value out"

NOT_YAML = {
    "not YAML": (
        "organisation: [\n▶",
        f"{NO_YAML}while parsing a flow node, did not find expected node content; {OTHERWISE}",
    ),
    "bad indentation": (
        "organisation:\n  name: Stad Gent\n ▶ovo: OVO002067\n",
        f"{NO_YAML}while parsing a block mapping, did not find expected key; {OTHERWISE}",
    ),
    "a tab": (
        "organisation:\n▶\tname: Stad Gent\n",
        (
            "this is not YAML: while scanning for the next token, found character that cannot start"
            " any token; use spaces there, not tabs"
        ),
    ),
    "two documents": (
        "a: 1\n▶---\nb: 2\n",
        (
            "this is not YAML: expected a single document in the stream, but found another"
            " document; keep one form or product per file, without a line ---"
        ),
    ),
    "empty": ("▶", EMPTY),
    "comments alone": ("▶# nothing yet\n", EMPTY),
    "a list": ("▶- organisation\n", NO_MAPPING),
    "a text": ("▶organisation\n", NO_MAPPING),
    "a key that is a list": (
        "? ▶[a, b]\n: 1\n",
        "a key is a list or a mapping; write a plain name before the colon",
    ),
    "an alias": (
        "organisation: &org {name: Stad Gent, ovo: OVO002067}\n▶application: *org\n",
        ALIAS,
    ),
    "an alias of itself": ("▶organisation: &org [*org]\n", ALIAS),
    "an alias of a text": ("a: &x mijn-gent\n▶b: *x\n", ALIAS),
    "deep nesting": (
        "environments: " + "[" * 30 + "▶[" + "[" * 40 + "]" * 71,
        "this is nested more than 30 levels deep; write it flatter",
    ),
    "very deep nesting": (
        "▶" + "[" * 20_000,
        f"{NO_YAML}while increasing flow level, exceeded maximum nesting depth; {OTHERWISE}",
    ),
}


@pytest.mark.parametrize("kind", NOT_YAML)
def test_what_is_no_form_at_all_is_reported_in_one_sentence(
    kind: str, workspace: Workspace
) -> None:
    marked, sentence = NOT_YAML[kind]
    text, line, column = place_of_mark(marked)
    workspace.write_form(text)
    problem = workspace.problems()[0]
    assert (f"{problem.what}; {problem.remedy}", len(workspace.problems())) == (sentence, 1)
    if kind not in (
        "an alias of itself",
        "very deep nesting",
    ):
        # There, the place is the parser's own.
        assert (problem.line, problem.column) == (line, column)
