"""A deployment in the tests' own process, which says every so often how far it is."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from acmidm.cli import app
from acmidm.engine import progress
from tests.support.engine import Outcome, Project

OFTEN = 0.05
"""Seconds between two lines."""


def deploy_here(project: Project, seconds: float, *words: str) -> Outcome:
    """``acmidm deploy``; what the engine prints itself is not in what it said."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in project.variables().items():
            patch.setenv(name, value)
        patch.chdir(project.folder)
        patch.setattr(progress, "SECONDS", (seconds, seconds))
        done = CliRunner().invoke(app, ["deploy", "--stack", project.stack, *words])
    return Outcome(done.exit_code, done.stdout, done.stderr)
