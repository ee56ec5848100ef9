"""Writing evidence: whole or not at all, and never through a link."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from acmidm.writing import write_whole as write


def names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


def test_evidence_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there stays until the new one is on the disk; nothing else is left behind."""
    file = tmp_path / "mijn-gent.tni.acmidm.evidence.json"
    write(file, "first")
    assert stat.S_IMODE(file.stat().st_mode) == 0o644

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            write(file, "second")
    assert (file.read_text(), names(tmp_path)) == ("first", [file.name])
    write(file, "second")
    assert (file.read_text(), names(tmp_path)) == ("second", [file.name])


def test_a_link_is_replaced(tmp_path: Path) -> None:
    """What it leads to is not written."""
    elsewhere, file = tmp_path / "elsewhere", tmp_path / "mijn-gent.tni.acmidm.evidence.json"
    elsewhere.write_text("another's")
    file.symlink_to(elsewhere)
    write(file, "evidence")
    assert (elsewhere.read_text(), file.is_symlink(), file.read_text()) == ("another's", False, "evidence")
