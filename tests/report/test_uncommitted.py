"""A review of what is not committed yet: as if all of it were, and nothing of it is changed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.terms import Environment
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


@pytest.mark.parametrize("place", ["onboardings/gent/inner", "onboardings/aalst"])
def test_a_submodule_that_is_there_already(repository: Repository, place: str) -> None:
    """Its forms are in no review, and that is said: whoever reads "nothing changes" would think of
    them too. Another commit of it is a mistake."""
    head = repository.git("rev-parse", "HEAD")
    (repository.folder / place).mkdir(parents=True)
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{head},{place}")
    repository.git("commit", "--quiet", "--message=x")
    (note,) = reviewed(repository)["notes"]
    assert note == f"{place} is a submodule: what is in it is not reviewed."
    repository.git(
        "update-index", "--cacheinfo", f"160000,{repository.git('rev-parse', 'HEAD')},{place}"
    )
    said = repository.run("review", code=2).output
    assert said == (
        f"{place}:1:1: this is a submodule, whose files are not read; remove it, or put the file"
        " itself here\n"
    )


@pytest.mark.parametrize("name", ["loket.yaml", "organisation.yaml", "loket-key-1.jwk.json"])
def test_markers_of_a_conflict(repository: Repository, name: str) -> None:
    """Which somebody added to the index as they are, so that Git takes it for resolved."""
    file = Path("onboardings/gent", name)
    first, *rest = f"{file.read_text()}\n".splitlines(keepends=True)
    sides = ("<<<<<<< HEAD\n", *rest, "=======\n", *rest, ">>>>>>> change\n")
    file.write_text("".join((first, *sides)))
    repository.git("add", "--all")
    said = repository.run("review", code=2).output
    assert said == (
        f"{file}:2:1: a merge left its conflict here; keep one of the two sides, and remove the"
        " lines that begin with <<<<<<<, ======= and >>>>>>>\n"
    )


def test_a_connection_that_gets_another_name(repository: Repository) -> None:
    """In a file of another name: as the review of two revisions shows it, by formerly or without
    it."""
    repository.write("oud", environment="tni")
    repository.merge()
    old, new = Path("onboardings/gent/oud.yaml"), Path("onboardings/gent/nieuw.yaml")
    old.rename(new)
    repository.replace(str(new), "application: oud\n", "application: nieuw\n")
    shown = reviewed(repository)
    assert kinds(shown)["oud"] == {"client_removed"}
    assert "client_created" in kinds(shown)["nieuw"]
    repository.replace(str(new), "application: nieuw\n", "application: nieuw\nformerly: oud\n")
    shown = reviewed(repository)
    assert kinds(shown) == {"nieuw": {"client_renamed", "client_updated"}}
    assert kinds(repository.report()) == kinds(shown)


@pytest.mark.parametrize(
    "link", ["onboardings/gent/loket.yaml", "onboardings/gent/nieuw.yaml", "onboardings/aalst"]
)
def test_a_link_to_what_is_outside(
    repository: Repository, tmp_path_factory: pytest.TempPathFactory, link: str
) -> None:
    """Is not followed: what it leads to is neither read nor shown."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "form.yaml").write_text("application: buiten\n")
    (repository.folder / link).unlink(missing_ok=True)
    leads_to = outside / "form.yaml" if link.endswith(".yaml") else outside
    (repository.folder / link).symlink_to(leads_to)
    said = repository.run("review", code=2).output
    assert said.startswith(f"{link}:1:1: this is a link, which is not followed; ")
    assert "buiten" not in said


def test_forms_without_a_project(repository: Repository) -> None:
    """A repository of forms alone, without any stack."""
    for file in repository.folder.glob("Pulumi*.yaml"):
        file.unlink()
    repository.merge()
    repository.write("nieuw")
    assert set(kinds(reviewed(repository))) == {"nieuw"}


@pytest.mark.parametrize("staged", [False, True])
def test_nothing_is_committed_yet(repository: Repository, staged: bool) -> None:
    shutil.rmtree(repository.folder / ".git")
    repository.git("init", "--quiet", "--template=")
    if staged:
        repository.git("add", "--all")
    before = traces(repository)
    assert repository.run("review", code=2).output == (
        "nothing is committed here yet, which a review compares with; make a first commit, then"
        " review what you change\n"
    )
    assert traces(repository) == before


def test_a_repository_without_files(
    repository: Repository,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A bare one has revisions alone, which it compares as any other."""
    bare = tmp_path_factory.mktemp("bare")
    repository.git("clone", "--quiet", "--bare", ".", str(bare))
    monkeypatch.chdir(bare)
    assert repository.run("review", code=2).output == (
        "this repository has no files beside its commits, so that nothing is uncommitted; name"
        " two revisions, as in acmidm review --base main --head BRANCH\n"
    )
    compared = repository.run("review", "--base", "main", "--head", "change")
    assert "Nothing changes" in compared.stdout


@pytest.mark.parametrize("words", [(), ("--base", "main")], ids=["uncommitted", "revisions"])
def test_a_repository_of_somebody_else(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """Git does not trust it, and its own remedy is the one; in whatever language Git speaks."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("LANGUAGE", "nl")
    assert repository.run("review", *words, code=2).output == (
        f"this repository belongs to another user, so that Git does not read it; run this as that"
        f" user, or first: git config --global --add safe.directory {repository.folder}\n"
    )


def test_without_git(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository.folder))
    assert repository.run("review", code=2).output.startswith("git is not on PATH; install git, ")


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


def test_what_connections_are_is_derived_once_per_revision(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was once per form, whose number made it a square: of both revisions, in both
    environments, four are enough."""
    derived: list[Environment] = []
    derive = Onboardings.connections

    def counted(self: Onboardings, environment: Environment) -> list[Declaration]:
        derived.append(environment)
        return derive(self, environment)

    monkeypatch.setattr(Onboardings, "connections", counted)
    repository.run("review")
    assert sorted(derived) == sorted([*Environment, *Environment])
