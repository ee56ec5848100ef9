"""Two operators deploy to one stack, each from a clone of their own: who is behind takes nothing
away that the other has just made."""

from __future__ import annotations

import os
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.engine import Project
from tests.support.forms import PLAIN, SEND, write_form
from tests.support.registry import Registry
from tests.support.repository import git
from tests.support.warm_server import warm_environment


def clone(project: Project, folder: Path) -> Project:
    """The clone of a second operator, on the same state."""
    shutil.copytree(project.folder, folder, symlinks=True, ignore=shutil.ignore_patterns("state"))
    return replace(
        project,
        folder=folder,
        environment={"PULUMI_BACKEND_URL": f"file://{project.folder / 'state'}"},
    )


def commit(project: Project) -> str:
    git(project.folder, "add", "--all")
    git(project.folder, "commit", "--quiet", "--message=x")
    return git(project.folder, "rev-parse", "HEAD")[:10]


def start_repository(project: Project) -> None:
    git(project.folder, "init", "--quiet", "--initial-branch=main")
    (project.folder / ".gitignore").write_text("state\n.venv\noperator-*\n")
    commit(project)


def pull(project: Project, source: Project) -> None:
    git(project.folder, "pull", "--quiet", str(source.folder), "main")


def deploy(project: Project) -> None:
    done = project.recover()
    assert done.code == 0, done.output


def deploy_before_the_run(of: Project, other: Project, folder: Path) -> Path:
    """Have the ``other`` operator deploy once, after this one's preview and before its ``up``;
    return the file with what that deployment said."""
    folder.mkdir()
    said = folder / "said"
    acmidm = str(warm_environment() / "bin" / "acmidm")
    path = os.environ["PATH"]
    pulumi = folder / "pulumi"
    pulumi.write_text(
        f"""#!/bin/sh
PATH={shlex.quote(path)}
if [ "$1" = up ] && [ ! -e {said} ]; then
    (cd {other.folder} && {acmidm} deploy --stack tni) > {said} 2>&1 || exit 99
fi
exec pulumi "$@"
"""
    )
    pulumi.chmod(0o755)
    of.environment["PATH"] = os.pathsep.join((str(folder), path))
    return said


def test_what_another_run_made_after_the_preview_is_not_removed(
    project: Project, registry: Registry, tmp_path: Path
) -> None:
    """Both started together, so that neither lacked what was deployed last: the second run removed
    the client that the first had just made, and ended with 0."""
    known = write_form(project.forms, "gent/known", scopes=(SEND,))
    start_repository(project)
    deploy(project)
    second = clone(project, tmp_path / "second")
    new = write_form(project.forms, "gent/new", scopes=(SEND,))
    revision = commit(project)
    own = write_form(second.forms, "gent/own", scopes=(SEND,))
    commit(second)
    said = deploy_before_the_run(second, project, tmp_path / "bin")

    refused = second.recover()
    assert "created" in said.read_text()
    assert "another run changed tni after this one had read it" in refused.output
    assert refused.code == 1, refused.output
    made = registry.everything(known.application, new.application)
    assert made.keys() == {known.application, new.application}
    assert registry.clients(own.application) == []

    # That its own run was the last one does not make it a later revision.
    again = second.recover()
    assert again.code == 1, again.output
    assert f"yours is no later revision than {revision}" in again.output
    assert registry.everything(known.application, new.application) == made
    git(second.folder, "config", "pull.rebase", "true")
    pull(second, project)
    deploy(second)
    assert registry.everything(known.application, new.application) == made
    assert len(registry.clients(own.application)) == 1


@pytest.mark.exhaustive
def test_a_deployment_without_a_change_counts_as_the_last_one(
    project: Project, registry: Registry, tmp_path: Path
) -> None:
    """A removal was taken back before anybody deployed it. The revision in between removed the
    client all the same."""
    write_form(project.forms, "gent/known", scopes=(SEND,))
    kept = write_form(project.forms, "gent/kept", scopes=(SEND,))
    start_repository(project)
    deploy(project)
    text = kept.path.read_text()
    kept.path.unlink()
    commit(project)
    behind = clone(project, tmp_path / "behind")
    kept.path.write_text(text)
    revision = commit(project)
    deploy(project)
    before = registry.everything(kept.application)

    refused = behind.recover()
    assert f"yours is no later revision than {revision}: {kept.key}" in refused.output
    assert (refused.code, registry.everything(kept.application)) == (1, before)
    done = project.recover()
    assert "nothing is run" in done.output, "the same revision is recorded once"


@pytest.mark.exhaustive
def test_a_clone_that_is_behind_gives_nothing_back(
    project: Project, registry: Registry, tmp_path: Path
) -> None:
    """A key that leaked, a scope that ended and a client that left were given back, with exit code
    0."""
    leaked = write_form(project.forms, "gent/leaked", scopes=(SEND,), keys=("old", "new"))
    ended = write_form(project.forms, "gent/ended", scopes=(SEND, PLAIN))
    left = write_form(project.forms, "gent/left", scopes=(SEND,))
    start_repository(project)
    deploy(project)
    behind = clone(project, tmp_path / "behind")
    leaked.request()["jwks"].pop(0)
    leaked.save()
    del ended.request()["scopes"][PLAIN]
    ended.save()
    left.path.unlink()
    revision = commit(project)
    deploy(project)
    before = registry.everything(leaked.application, ended.application)

    refused = behind.recover()
    assert f"3 clients would change, and yours is no later revision than {revision}: " in (
        refused.output
    )
    why = next(line for line in refused.stderr.splitlines() if "would change" in line)
    assert all(form.key in why for form in (leaked, ended, left)), refused.output
    assert refused.code == 1
    assert registry.everything(leaked.application, ended.application) == before
    assert registry.clients(left.application) == []
    reviewed = behind.acmidm("review", "--stack", "tni")
    assert f"tni was last brought up from revision {revision}" in reviewed.stderr

    meant = behind.recover("--allow-mass-change")
    assert meant.code == 0, meant.output
    assert len(registry.clients(left.application)) == 1
