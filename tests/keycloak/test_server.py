"""The server as a process: its data survive a stop, it is known by its lock and not by a number, an older version does not touch them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from keycloak_sandbox.admin import Admin
from keycloak_sandbox.server import Server, ServerError, pid_of, stop
from tests.support.keycloak import distribution_or_skip, free_port


def test_data_survive_a_stop(tmp_path: Path) -> None:
    server = Server(tmp_path / "keycloak", distribution_or_skip(), free_port())
    try:
        assert server.start()
        assert not server.start(), "one that runs is left alone"
        with Admin(server) as admin:
            admin.post("", {"realm": "kept", "enabled": True})
        assert stop(server.folder)
        assert pid_of(server.folder) is None
        assert not stop(server.folder), "one that does not run cannot be stopped"
        assert server.start()
        with Admin(server) as admin:
            assert admin.get("/kept")["enabled"]
    finally:
        stop(server.folder)
    assert (server.folder / "admin-password").stat().st_mode & 0o777 == 0o600
    assert server.admin_password not in server.log.read_text()


def test_a_number_that_was_left_behind_is_no_server(tmp_path: Path) -> None:
    """It may be another program's by now, which is then not stopped: here it is this very process's."""
    (tmp_path / "keycloak.pid").write_text(str(os.getpid()))
    assert pid_of(tmp_path) is None
    assert not stop(tmp_path)


def test_an_older_version_is_refused(tmp_path: Path) -> None:
    distribution = tmp_path / "older"
    distribution.mkdir()
    (distribution / "version.txt").write_text("Keycloak - Version 26.4.0\n")
    folder = tmp_path / "keycloak"
    folder.mkdir()
    (folder / "started").write_text("26.10.0\nhttp://127.0.0.1:1")
    with pytest.raises(ServerError, match=r"is of Keycloak 26\.10\.0, newer than 26\.4\.0"):
        Server(folder, distribution, free_port()).start()


def test_one_that_cannot_start_says_why(tmp_path: Path) -> None:
    distribution = distribution_or_skip()
    broken = tmp_path / "broken"
    (broken / "bin").mkdir(parents=True)
    shutil.copy(distribution / "version.txt", broken)
    said = ("10:00 ERROR (main) ERROR: no database", "10:00 ERROR (main) For more details")
    (broken / "bin" / "kc.sh").write_text("".join(["#!/bin/sh\n", *(f"echo '{line}'\n" for line in said), "exit 1\n"]))
    (broken / "bin" / "kc.sh").chmod(0o755)
    with pytest.raises(ServerError, match="ended at once: no database; see"):
        Server(tmp_path / "keycloak", broken, free_port()).start()
    assert pid_of(tmp_path / "keycloak") is None
