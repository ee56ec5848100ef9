"""Two operators deploy to one stack, each from a clone of their own: who is behind takes nothing
away that the other has just made."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.engine import Project
from tests.support.forms import SEND, write_form
from tests.support.registry import Registry
from tests.support.repository import git


def clone(project: Project, folder: Path) -> Project:
    """The clone of a second operator, on the same state."""
    shutil.copytree(project.folder, folder, symlinks=True, ignore=shutil.ignore_patterns("state"))
    return replace(
        project,
        folder=folder,
        environment={"PULUMI_BACKEND_URL": f"file://{project.folder / 'state'}"},
    )


def commit(project: Project) -> None:
    git(project.folder, "add", "--all")
    git(project.folder, "commit", "--quiet", "--message=x")


@pytest.mark.exhaustive
def test_a_clone_that_is_behind_removes_no_client(
    project: Project, registry: Registry, tmp_path: Path
) -> None:
    """It was removed with exit code 0, and came back with another client-ID once the other operator
    deployed again."""
    known = write_form(project.forms, "gent/known", scopes=(SEND,))
    git(project.folder, "init", "--quiet", "--initial-branch=main")
    (project.folder / ".gitignore").write_text("state\n.venv\noperator-*\n")
    commit(project)
    behind = clone(project, tmp_path / "behind")
    new = write_form(project.forms, "gent/new", scopes=(SEND,))
    commit(project)
    done = project.recover()
    assert done.code == 0, done.output
    registry.set_scopes(registry.client(known.application)["client_id"], [])
    # A repair is no deployment: it says nothing about the revision.
    healed = behind.acmidm("drift", "--stack", "tni", "--heal")
    assert healed.code == 1, healed.output
    before = registry.everything(known.application, new.application)

    refused = behind.recover()
    revision = git(project.folder, "rev-parse", "HEAD")[:10]
    assert (
        f"1 client would go, and yours is no later revision than {revision}: {new.key}"
        in refused.output
    )
    assert (refused.code, registry.everything(known.application, new.application)) == (1, before)

    git(behind.folder, "pull", "--quiet", str(project.folder), "main")
    (behind.forms / new.path.relative_to(project.forms)).unlink()
    commit(behind)
    assert behind.recover().code == 0
    assert registry.everything(known.application) == {known.application: before[known.application]}
    assert registry.clients(new.application) == [], "a later revision may remove what it knows of"
