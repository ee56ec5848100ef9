"""A pull request is read, and nothing of it runs: whatever Git has of it, it is within bounds, and
no link leads out of it."""

from __future__ import annotations

import os
import shutil
import zlib
from contextlib import chdir
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest

from acmidm import git
from acmidm.git import UnknownRevision, is_at_another, merged, why_behind
from acmidm.report.revisions import files as places
from acmidm_onboarding.forms import catalogue_files
from acmidm_onboarding.forms.documents import MAXIMUM_BYTES, YamlDocument, read_document
from tests.support.repository import EVIL, Repository, repository

__all__ = ["repository"]


def tree_of(*entries: tuple[str, bytes, str]) -> str:
    """A tree of any entries (mode, name, object), as no command of Git makes it."""
    content = b"".join(
        mode.encode() + b" " + name + b"\0" + bytes.fromhex(object_id)
        for mode, name, object_id in entries
    )
    stored = b"tree %d\0" % len(content) + content
    object_id = sha1(stored, usedforsecurity=False).hexdigest()
    file = Path(".git", "objects", object_id[:2], object_id[2:])
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(zlib.compress(stored))
    return object_id


def commit_of(repository: Repository, tree: str) -> str:
    return repository.git("commit-tree", "-p", "main", "-m", "x", tree)


def refused(repository: Repository, head: str) -> str:
    with pytest.raises(UnknownRevision) as raised:
        merged("main", head)
    assert repository.git("status", "--porcelain") == ""
    return str(raised.value)


def test_a_tree_that_stands_for_more_files_than_there_are_disks(repository: Repository) -> None:
    """A few kilobytes of objects, a thousand million files: refused once the bound is passed,
    before it is unpacked."""
    blob = repository.git("rev-parse", "main:Pulumi.yaml")
    tree = tree_of(*(("100644", f"{number}".encode(), blob) for number in range(10)))
    for _ in range(8):
        tree = tree_of(*(("40000", f"{number}".encode(), tree) for number in range(10)))
    assert refused(repository, commit_of(repository, tree)).endswith(
        " has more than 100,000 files, too many to review; make the revision smaller"
    )


@pytest.mark.parametrize(
    "names", [[b"..", b"x"], [b".git"], [b"a/../../b"], [b"a", b"a"]], ids=repr
)
def test_a_name_that_no_folder_can_have(repository: Repository, names: list[bytes]) -> None:
    """Git reads such trees, and a folder would be left, or a file hidden behind another."""
    blob = repository.git("rev-parse", "main:Pulumi.yaml")
    head = commit_of(repository, tree_of(*(("100644", name, blob) for name in names)))
    assert " has a file that no folder can have, " in refused(repository, head)


def test_a_file_in_more_folders_than_anybody_reads(repository: Repository) -> None:
    """A thousand folders in one another, of some objects: refused before each of them is looked
    into, by whoever reads a revision."""
    tree = repository.git("rev-parse", "main:catalogue")
    for _ in range(1_000):
        tree = tree_of(("40000", b"d", tree))
    of_change = ("--base", "main", "--head", with_catalogue(repository, tree))
    for command in ("review", "validate"):
        output = repository.run(command, *of_change, code=2).output
        assert 'has a file in more than 20 folders, "catalogue/d/d/' in output


def with_catalogue(repository: Repository, catalogue: str) -> str:
    """A commit of main's settings and forms with another catalogue, a tree of Git."""
    entries = [
        ("100644", b"Pulumi.yaml", repository.git("rev-parse", "main:Pulumi.yaml")),
        ("40000", b"catalogue", catalogue),
        ("40000", b"onboardings", repository.git("rev-parse", "main:onboardings")),
    ]
    return commit_of(repository, tree_of(*entries))


@pytest.mark.parametrize(("command", "code"), [("review", 2), ("validate", 1)])
def test_a_catalogue_of_too_many_files_is_refused_before_any_is_read(
    repository: Repository, command: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One object of Git can be thousands of files, and each is checked."""
    read: list[Path] = []

    def counting(file: Path, *more: Any) -> YamlDocument:
        read.append(file)
        return read_document(file, *more)

    monkeypatch.setattr(catalogue_files, "read_document", counting)
    product = repository.git("rev-parse", "main:catalogue/dosis.yaml")
    tree = tree_of(*(("100644", b"%03d.yaml" % number, product) for number in range(251)))
    tree = tree_of(("40000", b"a", tree), ("40000", b"b", tree))
    head = with_catalogue(repository, tree)
    output = repository.run(command, "--base", "main", "--head", head, code=code).output
    sentence = "catalogue:1:1: this catalogue has more than 500 files; keep one per product\n"
    assert output == sentence
    assert not [file for file in read if file.stem.isdigit()]


def test_forms_are_bounded_together_and_each_by_itself(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is too large is a mistake of that form; of all of them together there is no
    review."""
    repository.add("onboardings/gent/large.yaml", "x" * 300_000)
    assert (
        f"onboardings/gent/large.yaml:1:1: the file is larger than {MAXIMUM_BYTES} bytes"
        in repository.review(code=2).output
    )
    (repository.folder / "onboardings/gent/large.yaml").unlink()
    repository.commit()
    monkeypatch.setattr(git, "MOST_BYTES", 1_000)
    assert "bytes of forms and catalogue, too much to review" in repository.review(code=2).output


@pytest.mark.parametrize(
    "name",
    ["onboardings/gent/link.yaml", "onboardings/gent/organisation.yaml", "catalogue/dosis.yaml"],
)
def test_a_link_is_not_followed(
    repository: Repository, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    """Whatever it leads to is not read, and the form is refused."""
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.yaml"
    secret.write_text("private: hunter2\n")
    file = repository.folder / name
    file.unlink(missing_ok=True)
    file.symlink_to(secret)
    output = repository.review(code=2).output
    assert name in output
    assert "hunter2" not in output
    assert str(secret) not in output


def test_a_link_in_the_place_of_a_stack_is_not_followed(
    repository: Repository, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Its settings are gone, as far as anybody can say before a checkout."""
    secret = tmp_path_factory.mktemp("elsewhere") / "Pulumi.prod.yaml"
    secret.write_text(f"config: {{acmidm:managementUrl: {EVIL}}}\n")
    (repository.folder / "Pulumi.prod.yaml").unlink()
    (repository.folder / "Pulumi.prod.yaml").symlink_to(secret)
    said = repository.other_changes()
    assert any("managementUrl" in repository.review().stdout for _ in said)
    assert EVIL not in repository.review().output


DEEP = "onboardings/gent/" + "/".join(["d" * 200] * 15) + "/x"
STRAYS = {
    "a submodule": ("160000", "onboardings/gent/nieuw"),
    "a submodule that is named as a form": ("160000", "onboardings/gent/nieuw.yaml"),
    "a submodule that is named as a key": ("160000", "onboardings/gent/nieuw.jwk.json"),
    "a path that some machines have no room for": ("100644", DEEP),
    "what says how Git writes the other files": ("100644", "onboardings/gent/.gitattributes"),
    "what nobody reads": ("100644", "onboardings/gent/notes.txt"),
    "a key of no organisation": ("100644", "onboardings/x.jwk.json"),
}


def test_below_the_forms_are_forms_and_keys_alone(repository: Repository) -> None:
    """A checkout makes the rest too, and fails, or means something else by it, for everybody. What
    is there already stops nobody."""
    blob = repository.git("rev-parse", "HEAD:Pulumi.yaml")
    for mode, path in STRAYS.values():
        repository.git("update-index", "--add", "--cacheinfo", f"{mode},{blob},{path}")
    repository.git("commit", "--quiet", "--message=x")
    of_change = ("--base", "main", "--head", "change")
    for command, code in {"review": 2, "validate": 1}.items():
        output = repository.run(command, *of_change, code=code).output
        for name, (_, path) in STRAYS.items():
            assert f"{path}:1:1: " in output, (command, name)
    repository.git("branch", "--force", "main", "change")
    names = [
        repository.form.path,
        repository.write("balie").path,
        repository.folder / "onboardings/gent/balie-key-1.jwk.json",
    ]
    repository.git("add", *map(str, names))
    repository.git("commit", "--quiet", "--message=x")
    assert "OVO002067/balie" in repository.run("review", *of_change).output


def test_a_review_starts_few_processes_of_git(
    repository: Repository,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Eight at most, also where both sides have commits of their own: each costs as much as a
    hundred forms."""
    repository.write("nieuw")
    repository.commit()
    repository.git("switch", "--quiet", "main")
    repository.add("docs/page.md")
    repository.commit()
    repository.git("switch", "--quiet", "change")
    folder = tmp_path_factory.mktemp("counting")
    log, counting = folder / "log", folder / "git"
    counting.write_text(f'#!/bin/sh\necho "$1" >> {log}\nexec {shutil.which("git")} "$@"\n')
    counting.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    repository.run("review", "--base", "main")
    assert len(log.read_text().splitlines()) <= 8


def test_an_organisation_takes_no_room_from_others(repository: Repository) -> None:
    """Else the next pull request of another would be too much to review."""
    for number in range(places.MOST_FILES):
        repository.add(f"onboardings/gent/{number}.jwk.json")
    assert (
        f"onboardings/gent:1:1: this folder has more than {places.MOST_FILES} files"
        in repository.review(code=2).output
    )


def test_nothing_of_it_runs(
    repository: Repository, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No filter, no attribute, no hook, no submodule; and the working directory stays what it
    was."""
    ran = tmp_path_factory.mktemp("elsewhere") / "ran"
    repository.git("config", "filter.evil.smudge", f"touch {ran}; cat")
    repository.git("config", "filter.evil.clean", "cat")
    hook = repository.folder / ".git/hooks/post-checkout"
    hook.parent.mkdir()
    repository.write("nieuw")
    repository.add(".gitattributes", "* filter=evil export-ignore ident\n")
    repository.commit()
    head = repository.git("rev-parse", "change")
    repository.git("switch", "--quiet", "main")
    ran.unlink(missing_ok=True)
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        hook.with_name(name).write_text(f"#!/bin/sh\ntouch {ran}\n")
        hook.with_name(name).chmod(0o755)
    before, after = merged("main", head)
    files = after.files(lambda path: path.startswith("onboardings/"))
    assert "application: nieuw" in files.read_text(Path("onboardings/gent/nieuw.yaml"))
    assert "onboardings/gent/nieuw.yaml" not in before.entries
    assert not ran.exists()
    assert not (repository.folder / "onboardings/gent/nieuw.yaml").exists()


def test_a_branch_that_undoes_what_main_corrected_is_seen(repository: Repository) -> None:
    """Where both have merged each other there are two points at which they parted, and against one
    of them the change is none."""
    repository.git("switch", "--quiet", "main")
    repository.set("prod", managementUrl=EVIL)
    repository.commit()
    repository.git("switch", "--quiet", "--force-create", "feature")
    repository.write("nieuw")
    repository.commit()
    repository.git("switch", "--quiet", "main")
    repository.set("prod")
    repository.commit()
    corrected = repository.git("rev-parse", "main")
    repository.git("merge", "--quiet", "--no-ff", "--no-edit", "feature")
    repository.git("switch", "--quiet", "--force-create", "change", "feature")
    repository.git("merge", "--quiet", "--no-ff", "--no-edit", corrected)
    repository.set("prod", managementUrl=EVIL)
    assert [sentence.endswith(f"→ {EVIL}") for sentence in repository.other_changes()] == [True]


def test_what_does_not_merge_is_refused(repository: Repository) -> None:
    """Nobody knows what it would be; as is a folder that is not the whole repository."""
    repository.set("prod", managementUrl=EVIL)
    repository.commit()
    repository.git("switch", "--quiet", "main")
    repository.set("prod", managementUrl="https://elsewhere.example")
    repository.commit()
    assert (
        refused(repository, "change")
        == '"change" and "main" change the same lines; merge "main" into "change", then review'
        ' "change" again'
    )


def test_forms_are_checked_out_of_git_too(repository: Repository) -> None:
    """As merged, each mistake at the place that it has there, and in no folder that nobody has."""
    repository.add("onboardings/gent/x.yaml")
    repository.commit()
    repository.git("switch", "--quiet", "main")
    result = repository.run(
        "validate", "--base", "main", "--head", "change", "--annotations", code=1
    )
    assert "::error file=onboardings/gent/x.yaml,line=1,col=1::" in result.stdout
    assert result.stderr.startswith("onboardings/gent/x.yaml:1:1: ")
    assert (
        repository.run("validate", "--base", "main", "--head", "main").output
        == "1 form, 1 connection: all valid\n"
    )
    assert (
        repository.run("validate", "--base", "main", "onboardings", code=2).output.count(
            "leave out PATH"
        )
        == 1
    )


def test_no_content_is_read_twice(
    repository: Repository,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Several parts of a review read settings, forms and catalogue, which two revisions have mostly
    alike: one process of Git says what there is, and one reads it."""
    repository.write("loket", contacts=["other@stad.example"])
    repository.commit()
    trace = tmp_path_factory.mktemp("trace") / "git"
    monkeypatch.setenv("GIT_TRACE", str(trace))
    repository.run("review", "--base", "main", "--head", "change")
    assert trace.read_text().count("built-in: git cat-file") == 2


def test_a_part_of_the_repository_is_refused(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is outside it would change in silence."""
    monkeypatch.chdir(repository.folder / "onboardings")
    assert refused(repository, "change").endswith("run this at the top of the repository")


def test_a_name_that_is_no_text(repository: Repository) -> None:
    """Breaks no report."""
    with open(b"onboardings/gent/\xff\n::error.yaml", "w") as stream:  # noqa: PTH123 - pathlib has no such names
        stream.write("x: 1\n")
    output = repository.review(code=2).output
    assert "\\xff\\n::error.yaml" in output
    assert "\n::error" not in output


def test_a_checkout_proves_that_it_contains_a_commit(
    repository: Repository,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A shallow clone and a folder without Git cannot, which counts as behind, not as up to date.
    Each reason names the command that settles it."""
    repository.add("a")
    repository.commit()
    repository.git("switch", "--quiet", "--create", "beside", "main")
    repository.add("b")
    repository.commit()
    own, main, change, never_fetched = (
        repository.git("rev-parse", name) for name in ("HEAD", "main", "change", "HEAD^{tree}")
    )
    pull = "this checkout does not contain it; run git pull"
    assert [why_behind(each) for each in (own, main)] == [None, None]
    assert [why_behind(each) for each in (change, never_fetched)] == [pull, pull]
    assert [is_at_another(each) for each in (own, main, change)] == [False, True, True]
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shallow, detached = elsewhere / "shallow", elsewhere / "detached"
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.folder}", str(shallow))
    monkeypatch.chdir(shallow)
    assert why_behind(own) is None, "the commit itself is there"
    for commit in (main, change):
        assert str(why_behind(commit)).endswith("run git fetch --unshallow")
    repository.git("-C", str(shallow), "fetch", "--quiet", "--unshallow")
    assert [why_behind(main), why_behind(change)] == [None, pull]
    repository.git("worktree", "add", "--quiet", "--detach", str(detached), main)
    monkeypatch.chdir(detached)
    assert [why_behind(main), why_behind(own)] == [None, pull]
    monkeypatch.chdir(elsewhere)
    assert str(why_behind(own)).startswith("this folder is not a Git checkout")
    assert not is_at_another(change)
    monkeypatch.setenv("PATH", str(elsewhere))
    assert why_behind(own) == "git is not installed here; install it"


def test_a_submodule_at_another_commit_counts_as_behind(
    repository: Repository, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The checkout contains the last revision, and the forms in the submodule are older."""
    forms = tmp_path_factory.mktemp("forms")
    repository.git("clone", "--quiet", str(repository.folder), str(forms))
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(forms), "sub")
    repository.git(*add)
    repository.commit()
    head = repository.git("rev-parse", "HEAD")
    assert why_behind(head) is None
    repository.git("-C", "sub", "commit", "--quiet", "--allow-empty", "--message=x")
    repository.git("add", "sub")
    repository.commit()
    repository.git("-C", "sub", "checkout", "--quiet", "HEAD~")
    assert str(why_behind(head)).startswith("submodule sub is at another commit")
    repository.git("submodule", "--quiet", "update")
    assert why_behind(head) is None


def test_only_what_the_default_branch_has_had_is_merged(
    repository: Repository, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Neither what is not committed, nor a branch's own commit; what else changes is no matter."""
    forms = Path("onboardings")
    assert git.is_merged(forms)
    repository.git("update-ref", "refs/remotes/origin/HEAD", "main")
    assert git.is_merged(forms)
    repository.form.document["contacts"] = ["nieuw@stad-gent.example"]
    repository.form.save()
    assert not git.is_merged(forms)
    repository.commit()
    assert not git.is_merged(forms)
    assert git.is_merged(Path("catalogue"))
    repository.git("update-ref", "refs/remotes/origin/HEAD", "HEAD")
    (repository.folder / "README.md").write_text("x")
    repository.commit()
    assert git.is_merged(forms)
    with chdir(tmp_path_factory.mktemp("nowhere")):
        assert not git.is_merged(forms), "outside a repository nothing is"


def test_what_is_not_known_to_be_merged_is_not(repository: Repository) -> None:
    """A checkout of a workflow has a branch of origin, and not which branch is the default one."""
    forms = Path("onboardings")
    repository.git("update-ref", "refs/remotes/origin/change", "HEAD")
    assert not git.is_merged(forms)
    repository.git("update-ref", "refs/remotes/origin/main", "main")
    assert not git.is_merged(forms)
    repository.git("remote", "add", "origin", str(repository.folder))
    repository.git("remote", "set-head", "origin", "main")
    assert git.is_merged(forms)
