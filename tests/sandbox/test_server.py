"""The process: how it starts, and how it ends."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.portal import running_portal
from tests.support.warm_server import warm_environment

pytestmark = pytest.mark.tool


def serve(
    folder: Path, settings: Mapping[str, object], python: Path | str = sys.executable
) -> subprocess.CompletedProcess[str]:
    """Run the server itself, which ends because it cannot start."""
    file = folder / "settings.json"
    file.write_text(json.dumps(settings))
    words = [python, "-m", "acmidm_sandbox", str(file)]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    return ended


def test_sigterm_ends_it_cleanly(tmp_path: Path) -> None:
    """It closes what is open: no write-ahead log is left behind."""
    with running_portal(tmp_path) as portal:
        portal.operator_token()
        assert portal.stop()
    assert not (tmp_path / "portal.db-wal").exists()


def test_bad_settings_are_told(tmp_path: Path) -> None:
    """The file and the field."""
    assert '"port" is missing' in serve(tmp_path, {"environment": "tni"}).stderr


def test_a_database_that_is_none_is_told(tmp_path: Path) -> None:
    """A damaged file, or one of another version of the portal, ends the start with one sentence."""
    damaged, newer = tmp_path / "damaged.db", tmp_path / "newer.db"
    damaged.write_bytes(b"no database" * 100)
    with running_portal(tmp_path / "portal") as portal:
        settings = portal.settings.model_dump(mode="json", by_alias=True)
    shutil.copy(portal.settings.database, newer)
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 9999")
    for database, reason in (
        (damaged, "file is not a database"),
        (newer, "another version of the portal made it"),
    ):
        ended = serve(
            tmp_path, {**settings, "database": str(database)}, warm_environment() / "bin" / "python"
        )
        assert ended.stderr.startswith(f"{database} can't be used: ")
        assert reason in ended.stderr
