"""Files that are written whole or not at all, and files that this user alone can read."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TextIO, cast

from acmidm_onboarding.texts import tr

PUBLIC = 0o644


def write_whole(file: Path, text: str, mode: int = PUBLIC) -> None:
    """Write a file, over an earlier one of its name. A link of that name is replaced, not followed.
    Raises OSError."""
    temporary = _temporary(file, text, mode)
    try:
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_once(file: Path, content: str | bytes, mode: int = PUBLIC) -> None:
    """Write a new file, never over another. Raises OSError, FileExistsError."""
    temporary = _temporary(file, content, mode)
    try:
        os.link(temporary, file)  # unlike a rename it replaces nothing
    finally:
        temporary.unlink()


@contextmanager
def written_together(contents: Mapping[Path, str | bytes], mode: int = PUBLIC) -> Iterator[None]:
    """Write new files, never over others, and remove them where that or the block fails. Raises
    OSError."""
    made: list[Path] = []
    try:
        for file, content in contents.items():
            write_once(file, content, mode)
            made.append(file)
        yield
    except BaseException:
        for file in made:
            file.unlink(missing_ok=True)
        raise


def make_folder(file: Path) -> None:
    """Make the folder that a file goes into, and those above it that are missing. Raises
    OSError."""
    _refuse_link(file)
    file.parent.mkdir(parents=True, exist_ok=True)


def _refuse_link(file: Path) -> None:
    """Refuse a place that looks as if it were below the working directory, and is behind a link: a
    checkout has links of others, which lead anywhere. Raises OSError, with the name of the link."""
    here = Path.cwd()
    path = here / file
    if not path.is_relative_to(here):
        return
    for folder in reversed(path.relative_to(here).parents):
        if os.path.islink(here / folder):  # noqa: PTH114 - unlike Path's, it raises nothing
            raise OSError(errno.ELOOP, tr("this is a link, which is not followed"), str(folder))


def write_named(file: Path, text: str) -> None:
    """Write to the file that a person names, also through a link, and to what is no file, such as
    ``/dev/stdout``. Raises OSError."""
    if file.is_file() or not file.exists():
        write_whole(file.resolve(), text)
    else:
        with _naming(file), file.open("w", encoding="utf-8") as stream:
            stream.write(text)


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    """Put the name of a file into an OSError without one, as of a full disk: a write to a stream
    knows no name."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(file)
        raise


def _temporary(file: Path, content: str | bytes, mode: int) -> Path:
    """Write content to a temporary file in the folder of ``file``, down to the disk, and return the
    temporary one, which the caller gives the name. Raises OSError with the name of ``file``."""
    _refuse_link(file)
    # Resolved, for NamedTemporaryFile normalises its folder: ``link/..`` would be another folder.
    folder, prefix = file.parent.resolve(), f".{file.name}."
    data = content.encode() if isinstance(content, str) else content
    try:
        with NamedTemporaryFile(dir=folder, prefix=prefix, suffix=".new", delete=False) as stream:
            try:
                os.fchmod(stream.fileno(), mode)
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            except BaseException:
                Path(stream.name).unlink()
                raise
    except OSError as error:
        error.filename = str(file)
        raise
    return Path(stream.name)


def private_folder(folder: Path) -> Path:
    """Make a folder that this user alone can read, and those above it that are missing. Return the
    folder. Raises OSError."""
    _refuse_link(folder / "any file")
    for missing in reversed([parent for parent in folder.parents if not parent.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    return folder


def open_private(file: Path, mode: str) -> TextIO:
    """Open a file that this user alone can read, for text; ``mode`` is that of ``open``. Raises
    OSError."""
    opened = open(  # noqa: SIM115 - the caller closes it
        file, mode, encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)
    )
    os.fchmod(opened.fileno(), 0o600)
    return cast("TextIO", opened)


def write_private(file: Path, text: str) -> None:
    """Write a file that this user alone can read, whole or not at all, and make its folder where it
    is missing. Raises OSError."""
    if not file.parent.exists():
        private_folder(file.parent)
    write_whole(file, text, 0o600)
