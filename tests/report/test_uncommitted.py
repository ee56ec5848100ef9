"""A review of what is not committed yet: as if all of it were, and nothing of it is changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from acmidm.git import UnknownRevision, uncommitted
from tests.support.forms import PLAIN
from tests.support.repository import Repository, git, repository

__all__ = ["repository"]


@pytest.fixture(autouse=True)
def _nothing_is_left(repository: Repository) -> None:
    """Git knows all forms, and the author has not begun."""
    repository.merge()


def traces(repository: Repository) -> dict[str, bytes]:
    """All files of the working tree and of Git itself, by path."""
    return {
        str(path.relative_to(repository.folder)): path.read_bytes()
        for path in repository.folder.rglob("*")
        if path.is_file()
    }


def reviewed(repository: Repository, *words: str) -> dict[str, Any]:
    """The review as data, which changes no file."""
    before = traces(repository)
    report = repository.run("review", "--output", "json", *words).stdout
    after = traces(repository)
    assert {path for path in before | after if before.get(path) != after.get(path)} == set()
    return dict(json.loads(report))


def kinds(report: dict[str, Any]) -> dict[str, set[str]]:
    """Per application what happens to its client."""
    return {
        one["application"]: {change["kind"] for change in one["changes"]}
        for one in report["connections"]
    }


def test_nothing_changes(repository: Repository) -> None:
    assert "Nothing changes" in repository.run("review").stdout
    assert reviewed(repository)["connections"] == []


def test_a_line_of_a_form(repository: Repository) -> None:
    """Staged or not; of one environment where that is asked."""
    repository.form.request("prod")["scopes"]["dv_ar_adres_beheer"] = {}
    repository.form.save()
    assert kinds(reviewed(repository)) == {"loket": {"scope_granted"}}
    repository.git("add", "--all")
    assert kinds(reviewed(repository)) == {"loket": {"scope_granted"}}
    assert kinds(reviewed(repository, "--environment", "tni")) == {}


def test_a_form_that_git_does_not_know_yet(repository: Repository) -> None:
    repository.write("nieuw")
    assert set(kinds(reviewed(repository))) == {"nieuw"}


def test_what_git_ignores_is_no_change(repository: Repository) -> None:
    repository.add(".gitignore", "*.bak\n")
    repository.merge()
    repository.add("onboardings/gent/loket.yaml.bak")
    assert reviewed(repository)["other_changes"] == []


def test_a_form_that_is_deleted(repository: Repository) -> None:
    repository.write("oud", environment="tni")
    repository.merge()
    Path("onboardings/gent/oud.yaml").unlink()
    assert kinds(reviewed(repository))["oud"] == {"client_removed"}


def test_a_file_that_has_another_name(repository: Repository) -> None:
    """The application is what names a client."""
    Path("onboardings/gent/loket.yaml").rename("onboardings/gent/balie.yaml")
    assert kinds(reviewed(repository)) == {}


def test_mistakes_are_named_where_they_are(repository: Repository) -> None:
    repository.replace("onboardings/gent/loket.yaml", PLAIN, "dv_misspelt")
    said = repository.run("review", code=2).output
    assert said.startswith("onboardings/gent/loket.yaml:")
    assert 'scope "dv_misspelt" is not in the catalogue' in said


def test_a_merge_with_conflicts(repository: Repository) -> None:
    """What they will become nobody knows; nothing is resolved by looking."""
    form = "onboardings/gent/loket.yaml"
    for branch, contact in (("main", "a@example.org"), ("change", "b@example.org")):
        repository.git("switch", "--quiet", branch)
        repository.form.document["contacts"] = [contact]
        repository.form.save()
        repository.commit()
    with pytest.raises(Exception, match="git"):
        repository.git("merge", "--quiet", "main")
    before = traces(repository)
    said = repository.run("review", code=2).output
    assert said == (f"a merge left conflicts here, in {form}; resolve them, then review again\n")
    assert traces(repository) == before


def test_another_repository_within(repository: Repository) -> None:
    """As a submodule: what is in it is not read, and below the forms it is a mistake."""
    inner = repository.folder / "onboardings/gent/inner"
    inner.mkdir()
    git(inner, "init", "--quiet", "--template=", "--initial-branch=main")
    (inner / "x.yaml").write_text("x: 1\n")
    git(inner, "add", "--all")
    git(inner, "commit", "--quiet", "--message=x")
    said = repository.run("review", code=2).output
    assert said.startswith("onboardings/gent/inner:1:1: ")


def test_nothing_is_committed_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    git(folder, "init", "--quiet", "--template=")
    monkeypatch.chdir(folder)
    with pytest.raises(UnknownRevision, match='Git knows no revision "HEAD" here'), uncommitted():
        pass


def test_a_file_that_git_cannot_take(repository: Repository) -> None:
    """Its filter fails, say: Git itself says why."""
    repository.add(".gitattributes", "*.yaml filter=broken\n")
    for key, value in (("clean", "false"), ("required", "true")):
        repository.git("config", f"filter.broken.{key}", value)
    repository.write("nieuw")
    said = repository.run("review", code=2).output
    assert said.startswith("Git cannot read what is not committed: ")
    assert said.endswith("; mend that, then review again\n")


def test_a_head_without_a_base(repository: Repository) -> None:
    assert repository.run("review", "--head", "change", code=2).output == (
        "--head is for --base; name both, as in acmidm review --base main --head HEAD\n"
    )


def test_whoever_validates_is_told_what_is_next(repository: Repository) -> None:
    """Where something is not committed, which a review shows."""
    assert "acmidm review" not in repository.run("validate").output
    repository.write("nieuw")
    assert repository.run("validate").output.endswith("to see what this changes: acmidm review\n")
