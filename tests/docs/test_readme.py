"""The README's first minute, as it is written. The exhaustive tests of the story run the rest."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acmidm.cli import app
from story.page import apply_diff
from tests.support.clone import scripts
from tests.support.engine import ROOT
from tests.support.repository import git

README = (ROOT / "README.md").read_text("utf-8")
_EDIT = re.compile(r"^Add a line to `([^`]+)`:\n```diff\n(.*?)^```", re.DOTALL | re.MULTILINE)
_SHOWN = re.compile(r"^\.venv/bin/acmidm review\n```\n```\n(.*?)^```", re.DOTALL | re.MULTILINE)


def test_a_line_in_a_form_is_what_a_reviewer_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Pulumi.yaml", "Pulumi.tni.yaml", "Pulumi.prod.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("catalogue", "onboardings"):
        shutil.copytree(ROOT / name, tmp_path / name)
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message=x")
    ((file, edit),) = _EDIT.findall(README)
    (tmp_path / file).write_text(apply_diff(tmp_path / file, edit), "utf-8")
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["review"]).stdout == _SHOWN.findall(README)[0]


def test_the_form_that_it_shows_is_the_sample() -> None:
    """But for what the sample says besides."""
    shown = re.findall(r"^      dv_[^#\n]*\}", README.partition("## ")[0], re.MULTILINE)
    sample = (ROOT / "onboardings/stad-gent/mijn-gent.yaml").read_text("utf-8")
    assert len(shown) == 2
    assert all(line in sample for line in shown)


def test_it_stays_short() -> None:
    """Seven commands before its list of pages, and one screen or two in all."""
    commands = [line for script in scripts(README.partition("## Read on")[0]) for line in script]
    assert len(commands) <= 7
    assert len(README.splitlines()) <= 90
