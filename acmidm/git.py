"""What Git has of a revision, byte for byte, in a folder that is thrown away.

Not ``git archive``, which leaves out and rewrites what ``.gitattributes`` says; not ``git worktree``, which runs hooks and filters and
leaves traces in the repository. Symbolic links are left out: a form is a file.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from acmidm_onboarding.model.problems import Failure

_FILE_MODES = ("100644", "100755")


class UnknownRevision(Failure):
    """A revision that cannot be read, as a sentence."""


def merge_base(revision: str) -> str:
    """The commit from which the working tree's branch left ``revision``; the revision itself where they have no commit in common.

    Raises:
        UnknownRevision: where Git does not have it, or not the history between.
    """
    repository = _run("rev-parse", "--git-dir")
    if repository.returncode != 0:
        said = repository.stderr.decode(errors="replace").strip().partition("\n")[0].removeprefix("fatal: ")
        raise UnknownRevision(f"Git finds no repository here: {said}; run this in the repository of the forms")
    commit = _run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if commit.returncode != 0:
        raise UnknownRevision(f'Git knows no revision "{revision}" here; fetch it, or name another branch, tag or commit')
    found = _run("merge-base", commit.stdout.decode().strip(), "HEAD")
    if found.returncode != 0 and _run("rev-parse", "--is-shallow-repository").stdout == b"true\n":
        # Against its tip, what it got since would show as taken away.
        raise UnknownRevision(
            f'this clone is shallow: where its branch left "{revision}" is not in it; fetch it whole, with fetch-depth: 0'
        )
    return (commit if found.returncode != 0 else found).stdout.decode().strip()


@contextmanager
def exported(commit: str, wanted: Callable[[PurePosixPath], bool]) -> Iterator[Path]:
    """Make a folder with the files below the working directory that are ``wanted``, as they are at ``commit``.

    Raises:
        UnknownRevision: where Git cannot read them.
    """
    listed = _run("ls-tree", "-r", "-z", commit)
    entries = [entry.decode("utf-8", "surrogateescape").partition("\t") for entry in listed.stdout.split(b"\0") if entry]
    files = [
        (head.split()[2], path)
        for head, _, name in entries
        if head.startswith(_FILE_MODES) and wanted(path := PurePosixPath(name)) and ".." not in path.parts and not path.is_absolute()
    ]
    contents = _run("cat-file", "--batch", given="".join(f"{object_id}\n" for object_id, _ in files).encode())
    if listed.returncode != 0 or contents.returncode != 0:
        raise UnknownRevision(f'Git cannot read the files of "{commit}"; fetch the whole commit')
    with TemporaryDirectory(prefix="acmidm-") as folder:
        position = 0
        for _, path in files:
            end = contents.stdout.index(b"\n", position)
            size = int(contents.stdout[position:end].split()[2])
            file = Path(folder) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(contents.stdout[end + 1 : end + 1 + size])
            position = end + size + 2
        yield Path(folder)


def _run(*words: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", *words], input=given, capture_output=True, check=False)
    except FileNotFoundError:
        raise UnknownRevision("git is not on PATH; install it, or review with the engine: acmidm review --stack tni") from None
