"""The files of revisions, byte for byte, without a checkout: nothing in them runs, and no link in
them is followed.

Not ``git archive``, which leaves out and rewrites what ``.gitattributes`` says; not ``git
worktree``, which runs hooks and filters and leaves traces in the repository. The size of a revision
is bounded before it is read: a few kilobytes of Git's objects can stand for more files than any
disk has.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from acmidm.words import plain
from acmidm_onboarding.forms.documents import MAXIMUM_BYTES
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.problems import Failure, listed

_MOST_VERSIONS = 1_000
MOST_FILES = 100_000
"""How many files a whole revision may have."""
MOST_BYTES = 100_000_000
"""How many bytes the files of a revision may have that are read. A file above ``MAXIMUM_BYTES`` is
not read."""
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


@dataclass(frozen=True)
class Tree:
    """The entries of a revision, by path; ``name`` is what people call the revision.

    ``objects`` is a folder with objects that the repository itself does not have. ``known`` has the
    contents that were read already, by object ID: two revisions that are compared share it.
    """

    name: str
    entries: Mapping[str, TreeEntry]
    objects: Path | None = None
    known: dict[str, bytes] = field(default_factory=dict, repr=False)

    def contents(self, wanted: Callable[[str], bool]) -> dict[str, bytes]:
        """Return the contents of the files of the ``wanted`` paths, by path, without files too
        large for a form.

        Raises:
            UnknownRevision: where Git cannot read the files, or they are too large together.
        """
        entries = ((path, entry) for path, entry in self.entries.items() if wanted(path))
        files = {
            path: entry
            for path, entry in entries
            if entry.mode in FILES and entry.size <= MAXIMUM_BYTES
        }
        if sum(entry.size for entry in files.values()) > MOST_BYTES:
            raise UnknownRevision(
                tr(
                    "{revision} has more than {most:,} bytes of forms and catalogue, too much to"
                    " review; make the revision smaller",
                    revision=self.name,
                    most=MOST_BYTES,
                )
            )
        object_ids = {entry.object_id for entry in files.values()}
        unknown = sorted(object_ids - self.known.keys())
        self.known.update(zip(unknown, _contents(self.name, unknown, self.objects), strict=True))
        return {path: self.known[entry.object_id] for path, entry in files.items()}

    @contextmanager
    def exported(self, wanted: Callable[[str], bool]) -> Iterator[None]:
        """Work in a temporary folder that has the files of the ``wanted`` paths.

        A link is replaced by a link to itself: a reader sees that it is a link, and cannot follow
        it.

        Raises:
            UnknownRevision: where Git cannot read the files, or they are too large.
        """
        entries = {path: entry for path, entry in self.entries.items() if wanted(path)}
        contents = self.contents(wanted)
        with TemporaryDirectory(prefix="acmidm-") as folder, chdir(folder):
            for path, entry in entries.items():
                try:
                    Path(path).parent.mkdir(parents=True, exist_ok=True)
                    if entry.mode in FILES:
                        with Path(path).open("xb") as stream:
                            if path in contents:
                                stream.write(contents[path])
                            else:  # too large for a form: its size is all that anybody reads
                                stream.truncate(MAXIMUM_BYTES + 1)
                    elif entry.mode == LINK:
                        Path(path).symlink_to(Path(path).name)
                except OSError as error:
                    raise _unreadable(self.name, path) from error
            yield


@contextmanager
def uncommitted() -> Iterator[tuple[Tree, Tree]]:
    """Yield the revision that is checked out, and what it becomes when all that differs from it is
    committed, with the files that Git does not know yet and without those that it ignores.

    Nothing is written into the repository: what Git makes for this is in a temporary folder.

    Raises:
        UnknownRevision: where nothing is committed yet, or there is nothing but commits, where a
            merge has left conflicts, or Git cannot read a file.
    """
    _require_top()
    if _line(_run("rev-parse", "--is-inside-work-tree")) != "true":
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
    before = _tree("HEAD", _commit("HEAD"))
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
        own = Path(_line(_run("rev-parse", "--git-path", "objects"))).absolute()
        (objects / "info" / "alternates").write_text(f"{own}\n")
        index = Path(folder, "index")
        with suppress(FileNotFoundError):  # it says which files have not changed since
            copyfile(_line(_run("rev-parse", "--git-path", "index")), index)
        added = _run("add", "--all", objects=objects, index=index)
        if added.returncode != 0:
            raise UnknownRevision(
                tr(
                    "Git cannot read what is not committed: {reason}; mend that, then review again",
                    reason=_reason(added),
                )
            )
        tree = _line(_run("write-tree", objects=objects, index=index))
        after = _tree(tr("what is not committed"), tree, objects)
        yield before, replace(after, known=before.known)


def merged(base: str, head: str) -> tuple[Tree, Tree]:
    """Return the revision ``base``, and the revision that it becomes when ``head`` is merged into
    it.

    What somebody will deploy is the result of the merge, not the branch: a branch can undo what it
    does not show as its own change.

    Raises:
        UnknownRevision: where Git lacks a revision or the history between the two, where they do
            not merge, or where one is too large.
    """
    _require_top()
    old, new = _commit(base), _commit(head)
    before = _tree(base, old)
    after = replace(_tree(head, new), known=before.known)
    branch_point = _run("merge-base", old, new)
    if branch_point.returncode != 0 and is_shallow():
        # Against the tip of the base, what the base got since would show as removed.
        raise UnknownRevision(
            tr(
                'this clone is shallow: where "{head}" left "{base}" is not in it; fetch the whole'
                " history, with fetch-depth: 0",
                head=head,
                base=base,
            )
        )
    if branch_point.returncode != 0 or _line(branch_point) == old:
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
    return before, replace(_tree(head, _line(done)), known=before.known)


def lacks(commit: str) -> bool:
    """Return whether the checked-out revision surely lacks a commit: False in a shallow clone,
    where nobody knows."""
    try:
        if _run("rev-parse", "--is-shallow-repository").stdout != b"false\n":
            return False
        # Git also fails for a commit that was never fetched, which is in no history here.
        return (
            _run("merge-base", "--is-ancestor", "--end-of-options", commit, "HEAD").returncode != 0
        )
    except UnknownRevision:
        return False


def is_at_another(commit: str) -> bool:
    """Return whether another commit is surely checked out: False where nobody knows."""
    with suppress(UnknownRevision):
        head = _line(_run("rev-parse", "--verify", "--quiet", "HEAD"))
        return head not in ("", commit)
    return False


def changed_since(commit: str | None) -> list[str] | None:
    """Return the files below the working directory that differ from a commit; None where Git cannot
    compare them."""
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
        return done.stdout.decode(errors="replace").split("\0") if done.returncode == 0 else None
    return None


def is_dirty(*paths: Path) -> bool:
    """Return whether something below some paths, or in the working directory, is not committed.
    Outside a repository that is true of everything."""
    done = _run("status", "--porcelain", "--no-renames", "--", *map(str, paths))
    return done.returncode != 0 or bool(done.stdout.strip())


def is_as_at(commit: str, path: Path) -> bool:
    """Return whether the files below a path, all of them committed, are as they were at a
    commit."""
    return _run("diff", "--quiet", "--end-of-options", commit, "--", str(path)).returncode == 0


def is_merged(*paths: Path) -> bool:
    """Return whether the files below some paths are as the default branch of ``origin`` has had
    them: all of them are committed, and no commit changes them that was never merged. In a
    repository without a remote only the first is checked; what is not known is not merged."""
    if is_dirty(*paths) or not knows_what_is_merged():
        return False
    if not _has(_DEFAULT_BRANCH):
        return True
    since = f"{_DEFAULT_BRANCH}...HEAD"
    return _run("diff", "--quiet", since, "--", *map(str, paths)).returncode == 0


def knows_what_is_merged() -> bool:
    """Return whether this clone knows the default branch of ``origin``, or has no remote. A
    checkout of a workflow has a branch of ``origin``, and not which branch is the default one."""
    if _has(_DEFAULT_BRANCH):
        return True
    remotes = _run("remote").stdout, _run("for-each-ref", "--count=1", "refs/remotes").stdout
    return not any(remotes)


def is_shallow() -> bool:
    """Return whether this clone lacks the beginning of its history."""
    return _run("rev-parse", "--is-shallow-repository").stdout == b"true\n"


def user() -> str | None:
    """Return the mail address that Git has for whoever commits here; None where it has none."""
    return _line(_run("config", "user.email")) or None


def versions(*paths: Path) -> Iterator[tuple[datetime, Tree]]:
    """Yield each version of some paths in the history of what is checked out, newest first, and
    when it was merged.

    A merge counts as one version: what its branch had in between was never merged. Outside a
    repository there is none.
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
        for line in log.stdout.decode().splitlines() if log.returncode == 0 else ():
            commit, at = line.split()
            yield datetime.fromisoformat(at), _tree(commit, commit)


def _require_top() -> None:
    inside = _run("rev-parse", "--show-prefix")
    if inside.returncode != 0:
        reason = _reason(inside)
        if distrusted := _OF_ANOTHER_USER.fullmatch(reason):
            raise UnknownRevision(
                tr(
                    "this repository belongs to another user, so that Git does not read it; run"
                    " this as that user, or first: git config --global --add safe.directory"
                    " {folder}",
                    folder=distrusted[1],
                )
            )
        raise UnknownRevision(
            tr(
                "Git finds no repository here: {reason}; run this in the repository of the forms",
                reason=reason,
            )
        )
    if inside.stdout.strip():
        raise UnknownRevision(
            tr(
                "this folder is inside a repository, and a review is of the whole repository; run"
                " this at the top of the repository"
            )
        )


def _reason(failed: subprocess.CompletedProcess[bytes]) -> str:
    first = failed.stderr.decode(errors="replace").strip().partition("\n")[0]
    return plain(re.sub(r"^(fatal|error): ", "", first))


def _has(reference: str) -> bool:
    return _run("rev-parse", "--verify", "--quiet", reference).returncode == 0


def _commit(revision: str) -> str:
    done = _run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if done.returncode != 0:
        raise UnknownRevision(
            tr(
                'Git knows no revision "{revision}" here; fetch it, or name another branch, tag or'
                " commit",
                revision=revision,
            )
        )
    return _line(done)


def _tree(name: str, tree: str, objects: Path | None = None) -> Tree:
    """Return a tree, of whose listing no more is read than the bounds allow. Raises
    UnknownRevision."""
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
    return Tree(name, dict(_entries(name, bytes(text))), objects)


def _entries(name: str, listing: bytes) -> Iterator[tuple[str, TreeEntry]]:
    seen: set[str] = set()
    for line in listing.split(b"\0")[:-1]:
        # A name that is no UTF-8 is spelled out, so that it can be written and printed; no form has
        # such a name.
        head, _, path = line.decode("utf-8", "backslashreplace").partition("\t")
        mode, _, object_id, size = head.split()
        if path in seen or not _IMPOSSIBLE.isdisjoint(path.split("/")):
            raise _unreadable(name, path)
        seen.add(path)
        yield path, TreeEntry(mode, object_id, int(size) if size.isdecimal() else 0)


def _contents(name: str, object_ids: list[str], objects: Path | None) -> list[bytes]:
    if not object_ids:
        return []
    given = "".join(f"{object_id}\n" for object_id in object_ids).encode()
    done = _run("cat-file", "--batch", given=given, objects=objects)
    if done.returncode != 0:
        raise UnknownRevision(
            tr("Git cannot read the files of {revision}; fetch the whole commit", revision=name)
        )
    contents, position = [], 0
    for _ in object_ids:
        end = done.stdout.index(b"\n", position)
        size = int(done.stdout[position:end].split()[2])
        contents.append(done.stdout[end + 1 : end + 1 + size])
        position = end + size + 2
    return contents


def _unreadable(name: str, path: str) -> UnknownRevision:
    return UnknownRevision(
        tr(
            '{revision} has a file that no folder can have, "{path}"; remove this file from the'
            " revision",
            revision=name,
            path=plain(path),
        )
    )


def _line(done: subprocess.CompletedProcess[bytes]) -> str:
    return done.stdout.decode().partition("\n")[0].strip()


def _run(
    *words: str,
    given: bytes | None = None,
    objects: Path | None = None,
    index: Path | None = None,
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", *words],
            env=_environment(objects, index),
            input=given,
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
    own = {"GIT_OBJECT_DIRECTORY": objects, "GIT_INDEX_FILE": index}
    return os.environ | _ENVIRONMENT | {name: str(path) for name, path in own.items() if path}
