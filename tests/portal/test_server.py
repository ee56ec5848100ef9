"""The process: how it starts, and how it ends."""

import json
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.portal import RunningPortal, running_portal, start_portal


def test_sigterm_ends_it_cleanly(tmp_path: Path) -> None:
    """It closes what is open: no write-ahead log is left behind."""
    with running_portal(tmp_path) as portal:
        portal.operator_token()
        assert portal.stop() in (0, -signal.SIGTERM)  # uvicorn ends by raising the signal again, once all is closed
    assert not (tmp_path / "portal.db-wal").exists()


def test_health_needs_no_token(portal: RunningPortal) -> None:
    """It is how one waits for readiness."""
    assert httpx.get(f"{portal.origin}/health").json() == {"status": "ok"}


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    """No traceback, an exit code that isn't 0."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(AssertionError, match=r"can't listen on 127.0.0.1:\d+: .*; stop the program that does") as refused:
            start_portal(tmp_path, port=other.getsockname()[1])
    assert "Traceback" not in str(refused.value)


def test_bad_settings_are_told(tmp_path: Path) -> None:
    """The file and the field."""
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"environment": "tni"}))
    ended = subprocess.run([sys.executable, "-m", "beheerportaal.server", str(file)], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "platform" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_database_that_is_none_is_told(tmp_path: Path) -> None:
    """A damaged file, or one of a newer portal, ends the start with one sentence."""
    file = tmp_path / "settings.json"
    damaged, newer = tmp_path / "damaged.db", tmp_path / "newer.db"
    damaged.write_bytes(b"no database" * 100)
    with running_portal(tmp_path / "portal") as portal:
        settings = portal.settings
    shutil.copy(settings.database, newer)
    with sqlite3.connect(newer) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    for database, reason in ((damaged, "file is not a database"), (newer, "'9999'")):
        file.write_text(settings.model_copy(update={"database": database}).model_dump_json(by_alias=True))
        ended = subprocess.run([sys.executable, "-m", "beheerportaal.server", str(file)], capture_output=True, text=True, check=False)
        assert ended.returncode == 1
        assert ended.stderr.startswith(f"{database} can't be used: ")
        assert reason in ended.stderr


def test_the_signing_key_stays_and_the_data_too(tmp_path: Path) -> None:
    """Tokens that were issued before a restart are good after it."""
    with running_portal(tmp_path) as first:
        token = first.operator_token()
    with running_portal(tmp_path, port=first.settings.port, operator_key=first.operator_key) as second, second.operator(token) as operator:
        assert operator.get("/management/v1/clients").status_code == 200
