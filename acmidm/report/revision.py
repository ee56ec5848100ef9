"""The forms as a Git revision has them: read from the object store, byte for byte, into a folder that is thrown away.

Not ``git archive``, which leaves out and rewrites what ``.gitattributes`` says; not ``git worktree``, which runs hooks and
filters and leaves traces in the repository. Symbolic links are left out: a form is a file.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

_FILE_MODES = ("100644", "100755")


class UnknownRevision(Exception):
    """A revision that cannot be read, as a sentence."""


def merge_base(revision: str) -> str:
    """The commit from which the working tree's branch left ``revision``; the revision itself where they have no commit in common.

    Raises UnknownRevision.
    """
    here = _run("rev-parse", "--git-dir")
    if here.returncode != 0:
        said = here.stderr.decode(errors="replace").strip().partition("\n")[0].removeprefix("fatal: ")
        raise UnknownRevision(f"Git finds no repository here: {said}; run this in the repository of the forms")
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if commit is None:
        raise UnknownRevision(f'Git knows no revision "{revision}" here; fetch it, or name another branch, tag or commit')
    found = _git("merge-base", commit.decode().strip(), "HEAD")
    if found is None and _git("rev-parse", "--is-shallow-repository") == b"true\n":
        # Against its tip, what it got since would show as taken away.
        raise UnknownRevision(
            f'this clone is shallow: where its branch left "{revision}" is not in it; fetch it whole, with fetch-depth: 0'
        )
    return (found or commit).decode().strip()


@contextmanager
def exported(revision: str, folders: Sequence[Path], files: str) -> Iterator[Path]:
    """A folder with what ``folders``, relative to the working directory, hold at ``revision``, and with the files in the working
    directory itself whose names match ``files``. Raises UnknownRevision."""
    with TemporaryDirectory(prefix="acmidm-") as folder:
        root = Path(folder)
        for path in folders:
            (root / path).mkdir(parents=True, exist_ok=True)
        here = (Path(name) for _, _, name in _entries(_git("ls-tree", "-z", revision) or b""))
        _write(revision, [*folders, *(name for name in here if name.match(files))], root)
        yield root


def _write(revision: str, paths: Sequence[Path], root: Path) -> None:
    listed = _git("ls-tree", "-r", "-z", revision, "--", *(path.as_posix() for path in paths))
    if listed is None:
        raise UnknownRevision(f'Git cannot list the files of "{revision}"; run this in the repository of the forms')
    files = [(head.split()[2], name) for head, _, name in _entries(listed) if head.split()[0] in _FILE_MODES]
    contents = _git("cat-file", "--batch", given="".join(f"{object_id}\n" for object_id, _ in files).encode())
    if contents is None:
        raise UnknownRevision(f'Git cannot read the files of "{revision}"; fetch the whole commit')
    position = 0
    for _, name in files:
        end = contents.index(b"\n", position)
        size = int(contents[position:end].split()[2])
        _write_file(root, name, contents[end + 1 : end + 1 + size])
        position = end + size + 2


def _entries(listed: bytes) -> Iterator[tuple[str, str, str]]:
    return (entry.decode("utf-8", "surrogateescape").partition("\t") for entry in listed.split(b"\0") if entry)


def _write_file(root: Path, name: str, content: bytes) -> None:
    if ".." in PurePosixPath(name).parts or PurePosixPath(name).is_absolute():
        return
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def _git(*words: str, given: bytes | None = None) -> bytes | None:
    """What git writes; None where it fails."""
    done = _run(*words, given=given)
    return done.stdout if done.returncode == 0 else None


def _run(*words: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", *words], input=given, capture_output=True, check=False)
    except FileNotFoundError:
        raise UnknownRevision("git is not on PATH; install it, or review with the engine: acmidm review --stack tni") from None
