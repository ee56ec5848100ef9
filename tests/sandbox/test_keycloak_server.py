"""The server as a process: its data survive a stop, and an older version does not touch them."""

from __future__ import annotations

from pathlib import Path

import pytest

from acmidm_onboarding.values.problems import Failure
from tests.support.keycloak import distribution_or_skip
from tests.support.keycloak_server.admin import Admin
from tests.support.keycloak_server.server import Server, daemon_of, start_server
from tests.support.ports import free_port


@pytest.mark.exhaustive
def test_data_survive_a_stop(tmp_path: Path) -> None:
    server = Server(tmp_path / "keycloak", distribution_or_skip(), free_port())
    daemon = daemon_of(server)
    try:
        assert start_server(server)
        assert not start_server(server), "one that runs is left alone"
        with Admin(server) as admin:
            admin.post("", {"realm": "kept", "enabled": True})
        assert daemon.stop()
        assert daemon.pid is None
        assert start_server(server)
        with Admin(server) as admin:
            assert admin.get("/kept")["enabled"]
    finally:
        daemon.stop()
    assert (server.folder / "keycloak.admin-password").stat().st_mode & 0o777 == 0o600
    assert server.admin_password not in daemon.log.read_text()


def test_an_older_version_is_refused(tmp_path: Path) -> None:
    distribution = tmp_path / "older"
    distribution.mkdir()
    (distribution / "version.txt").write_text("Keycloak - Version 26.4.0\n")
    server = Server(tmp_path / "keycloak", distribution, free_port())
    server.folder.mkdir()
    daemon_of(server).settings_file.write_text(server.settings.replace("26.4.0", "26.10.0"))
    with pytest.raises(Failure, match=r"is of Keycloak 26\.10\.0, newer than 26\.4\.0"):
        start_server(server)
