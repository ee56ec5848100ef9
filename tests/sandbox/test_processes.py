"""Server processes in the background, here a small web server of Python's own, started for real."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from acmidm.sandbox import daemons
from acmidm.sandbox.daemons import Daemon, Program
from acmidm.sandbox.portals import server_folder
from acmidm_onboarding.values.problems import Failure
from tests.support.keycloak_server.server import Server
from tests.support.ports import free_port

pytestmark = pytest.mark.tool

SERVES = """
import http.server, sys
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""  # noqa: E501
IGNORES_SIGTERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    made = Daemon(tmp_path / "tni" / "acmidm", "web")
    yield made
    made.stop()


def program(code: str = SERVES, settings: str = "{}", port: int | None = None) -> Program:
    port = port or free_port()
    return Program(
        command=(sys.executable, "-c", code, str(port)),
        settings=settings,
        health_url=f"http://127.0.0.1:{port}/",
    )


def test_one_that_runs_is_left_alone_until_its_settings_change(daemon: Daemon) -> None:
    """Then it is another process, which has the new ones in its file."""
    first = program()
    assert daemon.condition() == (False, "stopped")
    assert daemon.start(first) == ""
    pid = daemon.pid
    assert daemon.start(first) is None
    assert daemon.pid == pid
    assert daemon.condition() == (True, f"running at {daemon.origin} (process {pid})")
    assert daemon.start(program(settings='{"changed": true}')) is not None
    assert daemon.pid != pid
    assert json.loads(daemon.settings() or "") == {"changed": True}
    assert daemon.stop()
    assert not daemon.stop(), "one that does not run cannot be stopped"
    assert daemon.condition() == (False, "stopped")


def test_all_that_belongs_to_it_is_its_owners_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever server is the first, whatever the umask: also the password that Keycloak has before
    it starts, and what a server writes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".local").mkdir()
    before = os.umask(0)
    try:
        daemon = Daemon(server_folder("tni", "acmidm"), "web")
        Server(daemon.folder, tmp_path, 1).admin_password  # noqa: B018 - it is made when it is first read
        try:
            daemon.start(program(f"open('written.by.it', 'w').close()\n{SERVES}"))
        finally:
            daemon.stop()
    finally:
        os.umask(before)
    (tmp_path / "written.by.it").rename(tmp_path / ".local" / "written.by.it")
    modes = {
        path: stat.S_IMODE(path.stat().st_mode)
        for path in (tmp_path / ".local", *(tmp_path / ".local").rglob("*"))
    }
    assert {path.name for path in modes} >= {
        "keycloak.admin-password",
        "web.log",
        "web.pid",
        "web.yaml",
        "written.by.it",
    }
    assert {
        path: oct(mode)
        for path, mode in modes.items()
        if mode != (0o700 if path.is_dir() else 0o600)
    } == {}


def test_a_number_that_was_left_behind_is_no_server(daemon: Daemon) -> None:
    """Its lock ended with the process that was killed. It may be another program's by now: here
    this very one's, which goes on."""
    daemon.start(program())
    process = psutil.Process(daemon.pid)
    process.kill()
    process.wait()
    assert daemon.condition() == (False, "stopped")
    daemon.pid_file.write_text(json.dumps({"pid": os.getpid(), "health_url": "http://127.0.0.1:9"}))
    assert daemon.pid is None
    assert not daemon.stop()


def test_one_that_does_not_end_kindly_is_killed(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemons, "STOP_SECONDS", 0.2)
    daemon.start(program(f"{IGNORES_SIGTERM}\n{SERVES}"))
    assert daemon.stop()
    assert daemon.pid is None


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (["first", "the reason"], "the reason"),
        (["10:00 ERROR (main) ERROR: no database", "For more details"], "no database"),
        ([], "it said nothing"),
    ],
)
def test_one_that_ends_at_once_says_why(daemon: Daemon, said: list[str], shown: str) -> None:
    """By its log, of which what stood there before is not taken for the reason."""
    daemon.folder.mkdir(parents=True)
    daemon.log.write_text("09:00 ERROR (main) ERROR: an earlier one\n")
    code = "".join(f"print({line!r})\n" for line in said) + "raise SystemExit(1)"
    with pytest.raises(Failure) as refused:
        daemon.start(program(code))
    assert str(refused.value) == f"web tni acmidm ended at once: {shown}; see {daemon.log}"
    assert daemon.pid is None


@pytest.mark.parametrize("answers", [False, True], ids=["", "which answers 404"])
def test_one_that_is_not_ready_in_time_is_stopped(daemon: Daemon, answers: bool) -> None:
    sleeps = replace(program(), command=("sleep", "60"), start_seconds=0.1)
    serves = program()
    slow = (
        replace(serves, health_url=f"{serves.health_url}not-there", start_seconds=2)
        if answers
        else sleeps
    )
    with pytest.raises(Failure, match=r"was not ready within [0-9.]+ seconds"):
        daemon.start(slow)
    assert daemon.pid is None


def test_what_it_says_to_people_is_no_part_of_its_log(daemon: Daemon) -> None:
    """All that it said until it was ready, more than a pipe holds; each is said once."""
    code = f"print('a password ' * 10_000, flush=True)\n{SERVES}"
    said = daemon.start(replace(program(code), speaks=True))
    assert said == "a password " * 10_000 + "\n"
    assert "a password" not in daemon.log.read_text()
