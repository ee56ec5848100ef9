"""Reads the files of a revision from Git byte for byte, without a checkout: nothing in them runs,
and no link in them is followed. And asks Git about the revision that is checked out.

``git archive`` would leave out and rewrite files as ``.gitattributes`` says, and ``git worktree``
runs hooks and filters, and leaves traces in the repository. The size of a revision is checked
before it is read: a few kilobytes of Git's objects can stand for more files than any disk has.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from shutil import copyfile, which
from tempfile import TemporaryDirectory

from acmidm.words import plain
from acmidm_onboarding.forms.documents import MAXIMUM_BYTES
from acmidm_onboarding.forms.files import FilesOfRevision, Findings
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.problems import Failure, listed

_MOST_VERSIONS = 1_000
MOST_FILES = 100_000
"""How many files a whole revision may have."""
MOST_BYTES = 100_000_000
"""How many bytes the files that are read of a revision may have together. A file above
``MAXIMUM_BYTES`` is not read."""
_LONGEST_LISTING = 50_000_000
_PART_OF_A_LISTING = 1_000_000
_DEADLINE_SECONDS = 300
PLAIN_FILE, LINK, SUBMODULE = "100644", "120000", "160000"
FILES = (PLAIN_FILE, "100755")
_ENVIRONMENT = {
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",  # whoever looks writes nothing
    "LANGUAGE": "C",  # one reason is recognised by its words
}
_DEFAULT_BRANCH = "refs/remotes/origin/HEAD"
_OF_ANOTHER_USER = re.compile(r"detected dubious ownership in repository at '(.+)'")
_LONGEST_NAME, _LONGEST_PATH = 255, 4_095
"""In bytes, as file systems have it."""
_MOST_FOLDERS = 20
"""How many folders a file that is read may be in: a few kilobytes of Git's objects can stand for
millions of folders, and who reads them goes into each from the one above."""
_TOO_LARGE = bytes(MAXIMUM_BYTES + 1)
"""What stands for a file above ``MAXIMUM_BYTES``: its size is all that anybody reads."""
_IMPOSSIBLE = frozenset({"", ".", "..", ".git"})
"""Names that no part of a path can have: Git makes no such trees, but reads them."""


class UnknownRevision(Failure):
    """A revision that Git does not have, or that cannot be read."""


@dataclass(frozen=True)
class TreeEntry:
    """A file, a link, or the commit of a submodule."""

    mode: str
    object_id: str
    size: int

    @property
    def is_read(self) -> bool:
        """Whether it is a file, and none too large for a form."""
        return self.mode in FILES and self.size <= MAXIMUM_BYTES


@dataclass(frozen=True)
class Tree:
    """The files of a revision. Their contents are read once, and shared by the trees that are
    compared."""

    name: str
    """What people call the revision, as in ``--base``."""
    entries: Mapping[str, TreeEntry]
    """By path: {"onboardings/stad-gent/loket.yaml": …}."""
    objects: Path | None = None
    """The folder with objects that the repository lacks, of what is not committed."""
    read: dict[str, bytes] = field(default_factory=dict, repr=False)
    """The contents that were read, by object ID."""
    findings: Findings = field(default_factory=Findings, repr=False)
    """What the loader of forms found in these contents."""

    def files(self, wanted: Callable[[str], bool], folders: Iterable[Path] = ()) -> FilesOfRevision:
        """Return the files of the ``wanted`` paths, as if they were checked out here. ``folders``
        exist too, also where they are empty.

        Raises:
            UnknownRevision: where Git cannot read the files, they are too large or in too many
                folders, or no file system can have them.
        """
        entries = self._wanted(wanted)
        contents: dict[str, bytes | None] = {**self.contents(entries.__contains__)}
        folders_besides = set(map(str, folders)) - entries.keys()
        for path, entry in entries.items():
            if entry.mode == LINK:
                contents[path] = None
            elif entry.mode in FILES:
                contents.setdefault(path, _TOO_LARGE)
            else:  # a submodule, of which the folder above it exists
                folders_besides.add(path.rpartition("/")[0])
        files = FilesOfRevision(contents, folders_besides, self.findings)
        for path in entries:
            if files.is_folder(Path(path)) or _is_too_long(path):
                raise _unreadable(self.name, path)
        return files

    def _wanted(self, wanted: Callable[[str], bool]) -> dict[str, TreeEntry]:
        """Return the entries of the ``wanted`` paths. Raises UnknownRevision for one in too many
        folders."""
        entries = {path: entry for path, entry in self.entries.items() if wanted(path)}
        for path in entries:
            if path.count("/") > _MOST_FOLDERS:
                raise UnknownRevision(
                    tr(
                        '{revision} has a file in more than {most} folders, "{path}"; put it in'
                        " fewer, or remove it from the revision",
                        revision=self.name,
                        most=_MOST_FOLDERS,
                        path=plain(path),
                    )
                )
        return entries

    def contents(self, wanted: Callable[[str], bool]) -> dict[str, bytes]:
        """Return the contents of the files of the ``wanted`` paths, by path, without files too
        large for a form.

        Raises:
            UnknownRevision: where Git cannot read the files, or they are too large together.
        """
        entries = self.entries.items()
        files = {path: entry for path, entry in entries if entry.is_read and wanted(path)}
        if _size(files) > MOST_BYTES:
            raise UnknownRevision(
                tr(
                    "{revision} has more than {most:,} bytes of forms and catalogue, too much to"
                    " review; make the revision smaller",
                    revision=self.name,
                    most=MOST_BYTES,
                )
            )
        missing = {entry.object_id for entry in files.values()} - self.read.keys()
        self.read.update(_contents(self.name, sorted(missing), self.objects))
        return {path: self.read[entry.object_id] for path, entry in files.items()}


def _size(entries: Mapping[str, TreeEntry]) -> int:
    return sum(entry.size for entry in entries.values())


def read_together(before: Tree, after: Tree, wanted: Callable[[str], bool]) -> None:
    """Read the files of the ``wanted`` paths of two trees, which share what they read, by one
    process of Git. Where they are too large together, read nothing: ``contents`` reports that."""
    entries: dict[str, TreeEntry] = {}
    for tree in (before, after):
        for path, entry in tree.entries.items():
            if entry.is_read and wanted(path):
                entries[entry.object_id] = entry
    if _size(entries) <= MOST_BYTES:
        missing = entries.keys() - before.read.keys()
        before.read.update(_contents(after.name, sorted(missing), after.objects))


@contextmanager
def uncommitted() -> Iterator[tuple[Tree, Tree]]:
    """Yield the revision that is checked out, and the one that committing all files here would
    make, without those that Git ignores.

    Nothing is written into the repository: Git's new objects are in a temporary folder, which is
    removed at the end of the ``with``.

    Raises:
        UnknownRevision: where this is not the top of a repository with files and a commit, a merge
            has left conflicts, or Git cannot read a file.
    """
    _require_top()
    if _first_line(_run("rev-parse", "--is-inside-work-tree")) != "true":  # a bare repository
        raise UnknownRevision(
            tr(
                "this repository has no files beside its commits, so that nothing is uncommitted;"
                " name two revisions, as in acmidm review --base main --head BRANCH"
            )
        )
    if not _has("HEAD"):
        raise UnknownRevision(
            tr(
                "nothing is committed here yet, which a review compares with; make a first commit,"
                " then review what you change"
            )
        )
    before = _tree("HEAD", _commits("HEAD")[0])
    unmerged = _run("ls-files", "--unmerged", "-z").stdout.decode(errors="replace")
    if files := sorted({line.partition("\t")[2] for line in unmerged.split("\0")[:-1]}):
        raise UnknownRevision(
            tr(
                "a merge left conflicts here, in {files}; resolve them, then review again",
                files=plain(listed(files)),
            )
        )
    with TemporaryDirectory(prefix="acmidm-") as folder:
        objects = Path(folder, "objects")
        (objects / "info").mkdir(parents=True)
        of_repository = Path(_first_line(_run("rev-parse", "--git-path", "objects"))).absolute()
        (objects / "info" / "alternates").write_text(f"{of_repository}\n")
        index = Path(folder, "index")
        # By its index Git need not read the files that have not changed; there may be none.
        with suppress(FileNotFoundError):
            copyfile(_first_line(_run("rev-parse", "--git-path", "index")), index)
        added = _run("add", "--all", objects=objects, index=index)
        if added.returncode != 0:
            raise UnknownRevision(
                tr(
                    "Git cannot read what is not committed: {reason}; mend that, then review again",
                    reason=_reason(added),
                )
            )
        tree = _first_line(_run("write-tree", objects=objects, index=index))
        yield before, _tree(tr("what is not committed"), tree, objects, sharing=before)


def merged(base: str, head: str) -> tuple[Tree, Tree]:
    """Return the revision ``base``, and the one that it becomes when ``head`` is merged into it:
    that is what will be deployed. The branch itself lacks what ``base`` got since it began.

    Raises:
        UnknownRevision: where Git lacks a revision or the history between the two, where they do
            not merge, or where one is too large.
    """
    old, new = _commits(base, head)
    branch_points = _branch_points(old, new)
    before = _tree(base, old)
    after = _tree(head, new, sharing=before)
    if not branch_points and is_shallow():
        # Without a merge, what the base got since the branch began would show as removed.
        raise UnknownRevision(
            tr(
                'this clone is shallow: where "{head}" left "{base}" is not in it; fetch the whole'
                " history, with fetch-depth: 0",
                head=head,
                base=base,
            )
        )
    if not branch_points or old in branch_points:  # unrelated histories, or nothing to merge
        return before, after
    done = _run("-c", "merge.renameLimit=1000", "merge-tree", "--write-tree", old, new)
    if done.returncode == 1:
        raise UnknownRevision(
            tr(
                '"{head}" and "{base}" change the same lines; merge "{base}" into "{head}", then'
                ' review "{head}" again',
                head=head,
                base=base,
            )
        )
    if done.returncode != 0:
        raise UnknownRevision(
            tr(
                'Git cannot merge "{head}" into "{base}"; use git 2.38 or newer, and fetch both'
                " commits whole",
                head=head,
                base=base,
            )
        )
    return before, _tree(head, _first_line(done), sharing=before)


def why_behind(commit: str) -> str | None:
    """Return why the checkout may lack a commit, and the command that settles it; None if its
    history provably contains the commit, and each submodule is at the commit that it names."""
    if which("git") is None:
        return "git is not installed here; install it"
    contains = _run("merge-base", "--is-ancestor", "--end-of-options", commit, "HEAD")
    if contains.returncode == 0:
        # Uninitialised submodules ("-") have no files here; only other commits ("+") mislead.
        lines = _run("submodule", "status", "--recursive").stdout.decode(errors="replace")
        if moved := [line.split()[1] for line in lines.splitlines() if line.startswith("+")]:
            return (
                f"submodule {plain(listed(moved))} is at another commit than this checkout names;"
                " run git submodule update --recursive"
            )
        return None
    if _run("rev-parse", "--git-dir").returncode != 0:
        return "this folder is not a Git checkout; run this in a clone of the repository"
    if is_shallow():
        return "this clone is shallow and does not show it; run git fetch --unshallow"
    return "this checkout does not contain it; run git pull"


def is_at_another(commit: str) -> bool:
    """Return whether another commit than this one is checked out. False where none is, or Git does
    not say."""
    with suppress(UnknownRevision):
        head = _first_line(_run("rev-parse", "--verify", "--quiet", "HEAD"))
        return head not in ("", commit)
    return False


def changed_since(commit: str | None) -> list[str] | None:
    """Return the files below the working directory that differ from a commit; None where Git cannot
    compare them, as with None or a commit that it lacks."""
    with suppress(UnknownRevision):
        done = _run(
            "diff",
            "--name-only",
            "--no-renames",
            "--relative",
            "-z",
            "--end-of-options",
            commit or "",
            "--",
        )
        if done.returncode == 0:
            return done.stdout.decode(errors="replace").split("\0")[:-1]
    return None


def is_dirty(*paths: Path) -> bool:
    """Return whether a file below these paths, or without paths below the working directory, is not
    committed. True outside a repository."""
    done = _run("status", "--porcelain", "--no-renames", "--", *map(str, paths))
    return done.returncode != 0 or bool(done.stdout.strip())


def is_as_at(commit: str, path: Path) -> bool:
    """Return whether the committed files below a path are as they were at a commit. False where Git
    cannot compare them."""
    return _run("diff", "--quiet", "--end-of-options", commit, "--", str(path)).returncode == 0


def is_merged(*paths: Path) -> bool:
    """Return whether the files below these paths were merged into the default branch of ``origin``:
    all are committed, and no commit since the branch began changes them. Without a remote, it is
    enough that they are committed. False where the default branch is not known."""
    if is_dirty(*paths) or not knows_what_is_merged():
        return False
    if not _has(_DEFAULT_BRANCH):
        return True
    since = f"{_DEFAULT_BRANCH}...HEAD"
    return _run("diff", "--quiet", since, "--", *map(str, paths)).returncode == 0


def knows_what_is_merged() -> bool:
    """Return whether this clone knows the default branch of ``origin``, or has no remote. The
    checkout in a workflow has branches of ``origin``, and does not know which is the default."""
    if _has(_DEFAULT_BRANCH):
        return True
    remotes = _run("remote").stdout, _run("for-each-ref", "--count=1", "refs/remotes").stdout
    return not any(remotes)


def is_shallow() -> bool:
    """Return whether this clone lacks the beginning of its history."""
    return _run("rev-parse", "--is-shallow-repository").stdout == b"true\n"


def user() -> str | None:
    """Return the e-mail address with which somebody commits here; None where Git has none."""
    return _first_line(_run("config", "user.email")) or None


def versions(*paths: Path) -> Iterator[tuple[datetime, Tree]]:
    """Yield when each commit that changes these paths was merged into what is checked out, and the
    files of the commit, newest first. Outside a repository there is none.

    A merge counts as one commit: what its branch had in between was never merged.
    """
    with suppress(UnknownRevision):
        log = _run(
            "log",
            "--first-parent",
            f"--max-count={_MOST_VERSIONS}",
            "--format=%H %cI",
            "--",
            *map(str, paths),
        )
        if log.returncode != 0:
            return
        for line in log.stdout.decode().splitlines():
            commit, at = line.split()
            yield datetime.fromisoformat(at), _tree(commit, commit)


def _require_top() -> None:
    """Raises UnknownRevision where this folder is not the top of a repository that Git reads."""
    prefix = _run("rev-parse", "--show-prefix")
    if prefix.returncode != 0:
        reason = _reason(prefix)
        if of_another_user := _OF_ANOTHER_USER.fullmatch(reason):
            raise UnknownRevision(
                tr(
                    "this repository belongs to another user, so that Git does not read it; run"
                    " this as that user, or first: git config --global --add safe.directory"
                    " {folder}",
                    folder=of_another_user[1],
                )
            )
        raise UnknownRevision(
            tr(
                "Git finds no repository here: {reason}; run this in the repository of the forms",
                reason=reason,
            )
        )
    if prefix.stdout.strip():
        raise UnknownRevision(
            tr(
                "this folder is inside a repository, and a review is of the whole repository; run"
                " this at the top of the repository"
            )
        )


def _reason(failed: subprocess.CompletedProcess[bytes]) -> str:
    """Return the first line of Git's error, without ``fatal:``."""
    first = failed.stderr.decode(errors="replace").strip().partition("\n")[0]
    return plain(re.sub(r"^(fatal|error): ", "", first))


def _has(reference: str) -> bool:
    return _run("rev-parse", "--verify", "--quiet", reference).returncode == 0


def _commits(*revisions: str) -> list[str]:
    """Return the ID of the commit that each revision is, such as ``main``. Raises UnknownRevision
    where this is not the top of a repository, or Git does not know one."""
    # One line each: a line break in a revision would make two of it.
    lines = "".join(f"{' '.join(revision.split())}^{{commit}}\n" for revision in revisions)
    done = _run("cat-file", "--batch-check", stdin=lines.encode())
    if done.returncode != 0:
        _require_top()
    commits = []
    for revision, line in zip(revisions, done.stdout.decode().splitlines(), strict=True):
        commit, *kind = line.split()
        if kind[:1] != ["commit"]:
            raise UnknownRevision(
                tr(
                    'Git knows no revision "{revision}" here; fetch it, or name another branch,'
                    " tag or commit",
                    revision=revision,
                )
            )
        commits.append(commit)
    return commits


def _branch_points(old: str, new: str) -> list[str]:
    """Return the commits at which the histories of two commits part; none where they have no commit
    in common. Raises UnknownRevision where this is not the top of a repository."""
    done = _run("rev-parse", "--show-prefix", f"{old}...{new}")
    prefix, *commits = done.stdout.decode().splitlines() or [""]
    if prefix:
        _require_top()
    # "old...new" is answered as new, old and "^" before each commit where they part.
    return [commit.removeprefix("^") for commit in commits if commit.startswith("^")]


def _tree(
    name: str, tree: str, objects: Path | None = None, *, sharing: Tree | None = None
) -> Tree:
    """Return the tree of a commit, or one with that ID, called ``name``. It shares what is read
    with the tree ``sharing``. Raises UnknownRevision where Git lacks it, or it has too many files,
    of which no more is read than shows that."""
    command = ["git", "ls-tree", "-r", "-z", "--long", tree]
    text = bytearray()
    with subprocess.Popen(
        command, env=_environment(objects), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as listing:
        files = 0
        while listing.stdout and (part := listing.stdout.read(_PART_OF_A_LISTING)):
            text += part
            files += part.count(b"\0")
            if len(text) > _LONGEST_LISTING or files > MOST_FILES:
                listing.kill()
                raise UnknownRevision(
                    tr(
                        "{revision} has more than {most:,} files, too many to review; make the"
                        " revision smaller",
                        revision=name,
                        most=MOST_FILES,
                    )
                )
    if listing.returncode != 0:
        raise UnknownRevision(
            tr("Git cannot read the files of {revision}; fetch the whole commit", revision=name)
        )
    entries = dict(_entries(name, bytes(text)))
    if sharing is None:
        return Tree(name, entries, objects)
    return Tree(name, entries, objects, sharing.read, sharing.findings)


def _entries(name: str, listing: bytes) -> Iterator[tuple[str, TreeEntry]]:
    """Yield each path in a listing by ``git ls-tree -z --long``, with its entry. Raises
    UnknownRevision, with the revision's ``name``, for a path that no folder can have, or twice."""
    seen: set[str] = set()
    for line in listing.split(b"\0")[:-1]:
        # A name that is no UTF-8 is spelled out, so that it can be written and printed; no form has
        # such a name.
        head, _, path = line.decode("utf-8", "backslashreplace").partition("\t")
        mode, _, object_id, size = head.split()
        if path in seen or not _IMPOSSIBLE.isdisjoint(path.split("/")):
            raise _unreadable(name, path)
        seen.add(path)
        length = int(size) if size.isdecimal() else 0
        yield path, TreeEntry(mode, object_id, length)


def _contents(name: str, object_ids: list[str], objects: Path | None) -> dict[str, bytes]:
    """Return the content of each object, by its ID. ``objects`` is a folder with more objects than
    the repository has. Raises UnknownRevision, with the revision's ``name``, where one is
    missing."""
    if not object_ids:
        return {}
    lines = "\n".join((*object_ids, "")).encode()
    done = _run("cat-file", "--batch", stdin=lines, objects=objects)
    # It answers "<id> blob <size>", the content and a line break for each.
    contents, position = dict[str, bytes](), 0
    for object_id in object_ids:
        end = done.stdout.find(b"\n", position)
        head = done.stdout[position : max(end, position)].split()
        if done.returncode != 0 or len(head) != 3:  # as in a clone that lacks some objects
            raise UnknownRevision(
                tr("Git cannot read the files of {revision}; fetch the whole commit", revision=name)
            )
        size = int(head[2])
        contents[object_id] = done.stdout[end + 1 : end + 1 + size]
        position = end + size + 2
    return contents


def _is_too_long(path: str) -> bool:
    """Return whether a path, or a name in it, is longer than file systems allow."""
    parts = map(os.fsencode, path.split("/"))
    return len(os.fsencode(path)) > _LONGEST_PATH or max(map(len, parts)) > _LONGEST_NAME


def _unreadable(name: str, path: str) -> UnknownRevision:
    """Return the refusal of a revision that has a path which no folder can have."""
    return UnknownRevision(
        tr(
            '{revision} has a file that no folder can have, "{path}"; remove this file from the'
            " revision",
            revision=name,
            path=plain(path),
        )
    )


def _first_line(done: subprocess.CompletedProcess[bytes]) -> str:
    return done.stdout.decode().partition("\n")[0].strip()


def _run(
    *words: str,
    stdin: bytes | None = None,
    objects: Path | None = None,
    index: Path | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run Git, and return its output and exit code, whatever that is. ``objects`` and ``index`` are
    paths that take the place of the repository's. Raises UnknownRevision where git is not installed
    or takes too long."""
    try:
        return subprocess.run(
            ["git", *words],
            env=_environment(objects, index),
            input=stdin,
            capture_output=True,
            timeout=_DEADLINE_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise UnknownRevision(
            tr(
                "git is not on PATH; install git, or review with the engine: acmidm review --stack"
                " tni"
            )
        ) from None
    except subprocess.TimeoutExpired:
        raise UnknownRevision(
            tr(
                "git {command} took more than {seconds} s; review with the engine: acmidm review"
                " --stack tni",
                command=words[0],
                seconds=_DEADLINE_SECONDS,
            )
        ) from None


def _environment(objects: Path | None, index: Path | None = None) -> dict[str, str]:
    """Return the environment variables for Git, with these paths where they are given."""
    paths = {"GIT_OBJECT_DIRECTORY": objects, "GIT_INDEX_FILE": index}
    return os.environ | _ENVIRONMENT | {name: str(path) for name, path in paths.items() if path}
