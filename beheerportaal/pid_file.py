"""A file that names a living process.

The process locks its file as long as it lives, however it ends: a file that is locked names a living portal, and a number that
was left behind, which may be another program's by now, is never taken for one.
"""

import fcntl
import os
import time
from pathlib import Path
from typing import TextIO

_ATTEMPTS = 20


def hold(path: Path) -> TextIO | None:
    """Writes this process's id to the file and locks it until the file is closed; None where another process holds it."""
    file = path.open("a+")
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(0.05)  # `holder` locks for an instant, to look
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        return file
    file.close()
    return None


def holder(path: Path) -> int | None:
    """The id of the living process that holds the file; None where there is none."""
    try:
        file = path.open()
    except FileNotFoundError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            written = file.read()
            return int(written) if written else None
    return None
