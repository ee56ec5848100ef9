"""Counts the commands of the engine that tests run: they are most of the time that tests take.

A ``pulumi`` that comes first on PATH writes one line for each and becomes the real one.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections import Counter
from pathlib import Path

from tests.support.offered import SHARED

_COSTLY = ("preview", "up", "refresh", "destroy")
"""The commands that start a program or providers; the others take a tenth of a second."""


def count_in(folder: Path, path: str) -> str:
    """Return a PATH on which the engine's commands are counted in ``folder``.

    Where there is no engine, the path as it was.
    """
    engine = shutil.which("pulumi", path=path)
    if engine is None:
        return path
    counting = folder / "counting" / "pulumi"
    counting.parent.mkdir()
    lines = shlex.quote(str(_lines(folder)))
    counting.write_text(
        f'#!/bin/sh\necho "$1 $2 $PWD" >> {lines}\nexec {shlex.quote(engine)} "$@"\n'
    )
    counting.chmod(0o755)
    return f"{counting.parent}:{path}"


def counted(folder: Path) -> Counter[str]:
    """Return how often each command was run that starts a program or providers, as {"up": 120}."""
    lines = _lines(folder)
    if not lines.exists():
        return Counter()
    names = [line.partition(" ")[0] for line in lines.read_text().splitlines()]
    return Counter(name for name in names if name in _COSTLY)


def exports_in(project: Path) -> int:
    """Return how often a state was exported by commands and programs in a project's folder."""
    lines = _lines(Path(os.environ[SHARED])).read_text().splitlines()
    return lines.count(f"stack export {project}")


def _lines(folder: Path) -> Path:
    return folder / "engine-commands"
