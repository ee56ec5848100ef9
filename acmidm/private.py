"""Files and folders of this user alone, whatever the umask is and whoever made them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TextIO, cast

from acmidm.writing import write_whole

UMASK = 0o077
"""What a server is started with, for what it writes itself."""


def private_folder(folder: Path) -> Path:
    """The folder, made where it is missing; those above it that are missing are made in the same way."""
    for missing in reversed([one for one in folder.parents if not one.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    return folder


def open_private(file: Path, mode: str) -> TextIO:
    """Open a file for text; it is made where ``mode`` says so."""
    opened = open(file, mode, encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600))  # noqa: SIM115 - the caller closes it
    os.fchmod(opened.fileno(), 0o600)
    return cast("TextIO", opened)


def write_private(file: Path, text: str) -> None:
    """Write a file whole or not at all. The folder is made where it is missing; one that is there stays as it is."""
    if not file.parent.exists():
        private_folder(file.parent)
    write_whole(file, text, 0o600)
