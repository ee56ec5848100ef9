"""Two operators deploy to one stack, each from a clone of their own: who is behind takes nothing
away that the other has just made."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.engine import Project
from tests.support.forms import PLAIN, SEND, write_form
from tests.support.registry import Registry
from tests.support.repository import git
from tests.support.warm_server import warm_environment

pytestmark = pytest.mark.exhaustive


def clone(project: Project, folder: Path, *options: str) -> Project:
    """The clone of a second operator, on the same state."""
    git(project.folder, "clone", "--quiet", *options, f"file://{project.folder}", str(folder))
    second = replace(
        project,
        folder=folder,
        environment={"PULUMI_BACKEND_URL": f"file://{project.folder / 'state'}"},
    )
    second.start_python(warm_environment())
    return second


def commit(project: Project) -> str:
    git(project.folder, "add", "--all")
    git(project.folder, "commit", "--quiet", "--message=x")
    return git(project.folder, "rev-parse", "HEAD")[:10]


def start_repository(project: Project) -> None:
    git(project.folder, "init", "--quiet", "--initial-branch=main")
    (project.folder / ".gitignore").write_text("state\n.venv\noperator-*\n__pycache__\n")
    commit(project)


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
    assert f"tni was last deployed from revision {revision}" in again.output
    assert registry.everything(known.application, new.application) == made
    git(second.folder, "config", "pull.rebase", "true")
    git(second.folder, "pull", "--quiet")
    deploy(second)
    assert registry.everything(known.application, new.application) == made
    assert len(registry.clients(own.application)) == 1


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
    assert f"tni was last deployed from revision {revision}" in refused.output
    assert (refused.code, registry.everything(kept.application)) == (1, before)
    done = project.recover()
    assert "nothing is run" in done.output, "the same revision is recorded once"


def test_a_clone_that_is_behind_gives_nothing_back(
    project: Project, registry: Registry, tmp_path: Path
) -> None:
    """A key that leaked, a scope that ended and a client that left were given back, with exit code
    0. A shallow clone cannot know whether it is behind: it did so without a word."""
    leaked = write_form(project.forms, "gent/leaked", scopes=(SEND,), keys=("old", "new"))
    ended = write_form(project.forms, "gent/ended", scopes=(SEND, PLAIN))
    left = write_form(project.forms, "gent/left", scopes=(SEND,))
    by_hand = write_form(project.forms, "gent/by-hand", scopes=(SEND,))
    start_repository(project)
    git(project.folder, "commit", "--quiet", "--allow-empty", "--message=x")
    deploy(project)
    behind = clone(project, tmp_path / "behind", "--depth=1")
    leaked.request()["jwks"].pop(0)
    leaked.save()
    del ended.request()["scopes"][PLAIN]
    ended.save()
    left.path.unlink()
    revision = commit(project)
    deploy(project)
    registry.set_scopes(str(registry.client(by_hand.application)["client_id"]), [])
    applications = (leaked.application, ended.application, by_hand.application)
    before = registry.everything(*applications)

    for remedy in ("fetch --unshallow", "pull"):
        deployed, healed = behind.recover(), behind.acmidm("drift", "--stack", "tni", "--heal")
        reviewed = behind.acmidm("review", "--stack", "tni")
        for done in (deployed, healed, reviewed):
            assert f"tni was last deployed from revision {revision}" in done.output
            assert f"; run git {remedy}, then the same command again" in done.output
        assert (deployed.code, healed.code) == (1, 1)
        assert registry.everything(*applications) == before
        assert registry.clients(left.application) == []
        if remedy == "pull":
            meant = behind.recover("--allow-mass-change")
            assert meant.code == 0, meant.output
            assert len(registry.clients(left.application)) == 1
        git(behind.folder, *remedy.split())
    deploy(behind)
    assert registry.clients(left.application) == []
