"""``acmidm`` in a project's folder, and what its reports say in JSON.

It runs in the test's own process: to fork a Python for each command takes as long as the command.
Where a process is the subject, ``Project.acmidm`` starts one.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import chdir
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pytest
from typer.testing import CliRunner

from acmidm.cli import app
from tests.support.engine import Outcome, Project
from tests.support.isolation import forget_states
from tests.support.offered import write_catalogue
from tests.support.repository import git


@dataclass
class CommandLine:
    """``acmidm`` on a stack of a project."""

    project: Project

    def run(self, *words: str) -> Outcome:
        forget_states()
        folder = self.project.folder / self.project.below
        with chdir(folder), patch.dict(os.environ, self.project.variables()):
            result = CliRunner().invoke(app, words, catch_exceptions=False)
        outcome = Outcome(result.exit_code, result.stdout, result.stderr)
        self.project.require_nothing_shown(f"acmidm {' '.join(words)}", outcome)
        return outcome

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        """The JSON output of a command that ends with ``code``."""
        outcome = self.run(*words, "--output", "json")
        assert outcome.code == code, outcome.output
        return dict(json.loads(outcome.stdout))

    def git(self, *words: str) -> str:
        return git(self.project.folder, *words)

    def keep_in_git(self) -> None:
        """Makes the project a repository with all that a review of revisions reads, and commits
        it."""
        write_catalogue(self.project.folder / "catalogue")
        self.project.configure({"catalogueFolder": "catalogue"})
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit()

    def commit(self) -> None:
        """Commits what a review of revisions reads, changed or not."""
        self.git("add", "--all", "onboardings", "catalogue", "Pulumi*.yaml")
        self.git("commit", "--quiet", "--allow-empty", "--message=forms")

    def review_of_forms(self, *words: str, code: int = 0) -> dict[str, Any]:
        """The review of what is here against the last commit, which it makes."""
        self.commit()
        return self.json("review", "--base", "HEAD^", *words, code=code)


@pytest.fixture
def acmidm(project: Project) -> CommandLine:
    return CommandLine(project)


def changes_in(
    report: dict[str, Any], part: str = "connections"
) -> set[tuple[str, str, str | None]]:
    """The changes in a report's JSON: application without the digits that make it a test's own,
    kind, subject."""
    return {
        (re.sub(r"-[0-9a-f]{12}", "", one["application"]), change["kind"], change.get("subject"))
        for one in report[part]
        for change in one["changes"]
    }
