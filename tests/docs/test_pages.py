"""Pages name commands, options and places that are there."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import typer
import yaml
from jsonschema import Draft202012Validator

from acmidm.cli import app
from acmidm_onboarding.forms.catalogue import ConfigurationField, Product, Scope
from acmidm_onboarding.forms.loading import load_catalogue
from story.tables import PAGES as PAGES_WITH_A_TABLE
from story.tables import with_table
from tests.support.engine import ROOT

PAGES = sorted(  # but the one that names what ended
    file
    for file in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("toolchain/*.md"))
    if file.name != "0019-ended.md"
)
_IN_TEXT = re.compile(r"`(acmidm [^`\n]+)`")
_ON_A_LINE = re.compile(r"^(?:\$ )?(acmidm .+)$", re.MULTILINE)
_OF_A_SHELL = re.compile(r"\s(?:&&|\||[0-9]?[<>]|#|;)")
"""Where what a shell does with a command begins."""
_LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def commands(page: str) -> Iterator[str]:
    """Yield what a page says to type."""
    page = page.replace("\\\n", " ")
    yield from (*_IN_TEXT.findall(page), *_ON_A_LINE.findall(page))


def mistake(typed: str) -> str | None:
    """Return what is wrong with a command's name or options; None where nothing is."""
    text = _OF_A_SHELL.split(typed)[0]
    try:
        words = shlex.split(text)[1:]
    except ValueError:
        words = text.split()[1:]
    command: Any = typer.main.get_command(app)
    while words and hasattr(command, "list_commands") and re.fullmatch(r"[a-z][a-z-]*", words[0]):
        name = words.pop(0)
        command = command.get_command(click.Context(command), name)
        if command is None:
            return f"there is no command {name}"
    known = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
    known |= {"--help", "--version", "--install-completion"}
    given = {word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)}
    if given - known:
        return f"there is no option {sorted(given - known)}"
    lacking = [] if "…" in typed else missing(command, words, is_redirected=text != typed)
    return f"it lacks {lacking}" if lacking else None


def missing(command: Any, words: list[str], *, is_redirected: bool) -> list[str]:
    """Return the required options that a command lacks which is written whole: with what it is
    about, or with where its output goes. Any other one is a mention."""
    context = click.Context(command, resilient_parsing=True)
    given, _, _ = command.make_parser(context).parse_args([*words])
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    if not is_redirected and not any(given.get(one.name) for one in arguments):
        return []
    options = [one for one in command.params if one.param_type_name == "option"]
    return [one.opts[0] for one in options if one.required and one.name not in given]


def broken_links(file: Path) -> Iterator[str]:
    for target, anchor in _LINK.findall(file.read_text("utf-8")):
        if "://" in target or target.startswith("mailto:"):
            continue
        there = (file.parent / target).resolve() if target else file
        if not there.exists():
            yield target
        elif anchor and there.suffix == ".md" and anchor not in anchors(there.read_text("utf-8")):
            yield f"{target}#{anchor}"


def anchors(page: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text) for text in _HEADING.findall(page))
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


def test_pages_name_commands_that_are_there() -> None:
    wrong = {}
    for file in PAGES:
        for text in commands(file.read_text("utf-8")):
            if said := mistake(text):
                wrong[file, text] = said
    assert wrong == {}


def test_pages_link_to_places_that_are_there() -> None:
    wrong = {file: found for file in PAGES if (found := [*broken_links(file)])}
    assert wrong == {}


def test_the_example_of_a_file_of_the_catalogue_is_one(tmp_path: Path) -> None:
    """Which the loader takes, and the schema of editors too."""
    page = (ROOT / "docs/catalogue-files.md").read_text("utf-8")
    (example,) = re.findall(r"^```yaml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    (tmp_path / "afspraken.yaml").write_text(example, "utf-8")
    product = load_catalogue(tmp_path).products["afspraken"]
    assert list(product.scopes) == ["dv_afspraken_maken"]
    schema = json.loads((ROOT / "schema/catalogue.schema.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(yaml.safe_load(example))


def test_that_page_explains_all_parts_of_a_file() -> None:
    page = (ROOT / "docs/catalogue-files.md").read_text("utf-8")
    parts = {*Product.model_fields, *Scope.model_fields, *ConfigurationField.model_fields}
    assert sorted(part for part in parts if part not in page) == []


@pytest.mark.parametrize("page", PAGES_WITH_A_TABLE)
def test_a_table_is_as_the_code_makes_it(page: str) -> None:
    """Else: make schema."""
    text = (ROOT / page).read_text("utf-8")
    made = with_table(text, PAGES_WITH_A_TABLE[page]())
    assert made == text, f"{page} is not up to date; run: make schema"
    assert with_table(text, ["| another |"]) != text, "the table is found"


def test_the_screenshots_are_small() -> None:
    """Those of the README."""
    files = list((ROOT / "docs" / "images").glob("*.png"))
    assert files
    assert all(file.stat().st_size < 150_000 for file in files)
