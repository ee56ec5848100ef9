"""How far a deployment is, as people read it: from the real engine's events."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from acmidm.cli import app
from acmidm.engine import progress
from tests.support.engine import Project
from tests.support.forms import write_form


def test_a_deployment_says_how_far_it_is(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is short says nothing."""
    forms = [write_form(project.forms, f"gent/app-{number}") for number in range(6)]
    for name, value in project.variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(project.folder)
    monkeypatch.setattr(progress, "SECONDS", (0.05, 0.05))
    done = CliRunner().invoke(app, ["deploy", "--stack", "tni"])
    assert done.exit_code == 0, done.output
    shown = re.findall(
        r"^tni: (\d) of 6 connections, about a minute more$", done.stderr, re.MULTILINE
    )
    assert shown, done.stderr
    assert shown == sorted(shown)

    monkeypatch.undo()
    forms[0].remove()
    said = project.recover()
    assert said.code == 0, said.output
    assert "connections" not in said.stderr
