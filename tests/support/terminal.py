"""What people do at a terminal: type when they are asked, give a passphrase, look at what changed
in their folders."""

from __future__ import annotations

import os
import pty
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


def contents(*folders: Path) -> dict[str, bytes]:
    """All files of the working directory, or of folders."""
    return {
        str(file): file.read_bytes()
        for folder in folders or (Path(),)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def descriptor(text: str) -> int:
    """A file descriptor that a passphrase is read from: one line."""
    reading, writing = os.pipe()
    os.write(writing, f"{text}\nnot read\n".encode())
    os.close(writing)
    return reading


def typed(arguments: Sequence[str], *lines: str) -> str:
    """What a terminal shows of the command, at which somebody types these lines, each when it is
    asked for."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", "import acmidm; acmidm.main()", *arguments])  # noqa: S606
    shown, left, seen = b"", list(lines), 0
    with suppress(OSError):  # the terminal ends with the command
        while part := os.read(terminal, 4096):
            shown += part
            if shown[seen:].endswith(b": "):
                seen = len(shown)
                # What asks more than expected is stopped.
                os.write(terminal, f"{left.pop(0)}\n".encode() if left else b"\x03")
    os.waitpid(child, 0)
    os.close(terminal)
    return shown.decode()
