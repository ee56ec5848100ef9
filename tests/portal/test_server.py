"""The process: how it starts, and how it ends."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.portal import RunningPortal, running_portal, start_portal


def test_sigterm_ends_it_cleanly(tmp_path: Path) -> None:
    """Exit code 0, and no write-ahead log left behind."""
    portal = start_portal(tmp_path)
    portal.operator_token()
    assert portal.stop() == -signal.SIGTERM or portal.process.returncode == 0
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


def test_the_signing_key_stays_and_the_data_too(tmp_path: Path) -> None:
    """Tokens that were issued before a restart are good after it."""
    with running_portal(tmp_path) as first:
        token = first.operator_token()
    with running_portal(tmp_path, port=first.settings.port, operator_key=first.operator_key) as second, second.operator(token) as operator:
        assert operator.get("/management/v1/clients").status_code == 200
