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
from tests.support.engine import ROOT

PAGES = sorted(  # but the one that names what ended
    file
    for file in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("toolchain/*.md"))
    if file.name != "0019-ended.md"
)
_IN_TEXT = re.compile(r"`(acmidm [^`\n]+)`")
_ON_A_LINE = re.compile(r"^(?:\$ )?(acmidm .+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def commands(page: str) -> Iterator[str]:
    """Yield what a page says to type, each without what a shell does with it."""
    page = page.replace("\\\n", " ")
    for text in (*_IN_TEXT.findall(page), *_ON_A_LINE.findall(page)):
        yield re.split(r"\s(?:&&|\||[0-9]?[<>]|#|;)", text)[0]


def mistake(text: str) -> str | None:
    """Return what is wrong with a command's name or options; None where nothing is."""
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
    return f"there is no option {sorted(given - known)}" if given - known else None


def anchors(page: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text) for text in _HEADING.findall(page))
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_page_names_commands_that_are_there(file: Path) -> None:
    wrong = {text: said for text in commands(file.read_text("utf-8")) if (said := mistake(text))}
    assert wrong == {}


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_page_links_to_places_that_are_there(file: Path) -> None:
    wrong = []
    for target, anchor in _LINK.findall(file.read_text("utf-8")):
        if "://" in target or target.startswith("mailto:"):
            continue
        there = (file.parent / target).resolve() if target else file
        if not there.exists():
            wrong.append(target)
        elif anchor and there.suffix == ".md" and anchor not in anchors(there.read_text("utf-8")):
            wrong.append(f"{target}#{anchor}")
    assert wrong == []


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


def test_the_screenshots_are_small() -> None:
    """Those of the README."""
    files = list((ROOT / "docs" / "images").glob("*.png"))
    assert files
    assert all(file.stat().st_size < 150_000 for file in files)
