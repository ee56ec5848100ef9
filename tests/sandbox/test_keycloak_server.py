"""The server as a process: where its data are, and that an older version does not touch them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from acmidm_onboarding.values.problems import Failure
from tests.support.keycloak_server.server import Server, daemon_of, start_server
from tests.support.ports import free_port


def test_its_secrets_are_its_owners_and_one_that_runs_is_left_alone(
    keycloak_server: Server,
) -> None:
    assert not start_server(keycloak_server)
    password = keycloak_server.folder / "keycloak.admin-password"
    assert password.stat().st_mode & 0o777 == 0o600
    assert keycloak_server.admin_password not in daemon_of(keycloak_server).log.read_text()


def test_its_data_are_in_a_file_of_its_folder(tmp_path: Path) -> None:
    """So they survive a stop. What tests start has them in memory."""
    server = Server(tmp_path, tmp_path, free_port())
    assert f"jdbc:h2:file:{tmp_path}/keycloak;" in server.environment["KC_DB_URL"]
    in_memory = replace(server, in_memory=True)
    assert "jdbc:h2:mem:" in in_memory.environment["KC_DB_URL"]


def test_an_older_version_is_refused(tmp_path: Path) -> None:
    distribution = tmp_path / "older"
    distribution.mkdir()
    (distribution / "version.txt").write_text("Keycloak - Version 26.4.0\n")
    server = Server(tmp_path / "keycloak", distribution, free_port())
    server.folder.mkdir()
    daemon_of(server).settings_file.write_text(server.settings.replace("26.4.0", "26.10.0"))
    with pytest.raises(Failure, match=r"is of Keycloak 26\.10\.0, newer than 26\.4\.0"):
        start_server(server)
