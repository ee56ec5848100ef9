"""The PostgreSQL of `make postgres`: on loopback, behind a password, and safe to start twice."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres import RunningPostgres, running_postgres
from toolchain import postgres
from toolchain.common import ToolchainError

pytestmark = pytest.mark.tool


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPostgres]:
    with running_postgres(tmp_path_factory.mktemp("server") / "postgres") as running:
        yield running


def test_its_password_is_made_once_and_needed(server: RunningPostgres) -> None:
    before = server.password
    assert server.run("psql", "-c", "create table kept ()").returncode == 0
    assert (
        "password authentication failed"
        in server.run("psql", "-c", "select", PGPASSWORD="a guess").stderr
    )
    assert "SCRAM-SHA-256$" in server.run("psql", "-c", "select rolpassword from pg_authid").stdout
    postgres.stop(server.folder)
    postgres.stop(server.folder)
    server.start()
    server.start()
    assert server.password == before
    assert server.run("psql", "-c", "table kept").returncode == 0


def test_nobody_else_reads_its_files(server: RunningPostgres) -> None:
    assert [file for file in server.folder.iterdir() if file.stat().st_mode & 0o077] == []
    assert server.folder.stat().st_mode & 0o077 == 0
    shown = server.run(
        "psql", "-Atc", "show listen_addresses", "-c", "show unix_socket_directories"
    ).stdout
    assert shown == "127.0.0.1\n\n"


def test_it_follows_its_port(server: RunningPostgres) -> None:
    """As after `make ports`."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(
            ToolchainError, match=r"pg_ctl fails \(.+\); what the server said is in .+/log"
        ):
            postgres.start(server.folder, taken.getsockname()[1])
    server.start()
    assert server.run("psql", "-c", "select").returncode == 0


def test_a_first_start_that_was_cut_off_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "postgres" / "data").mkdir(parents=True)
    (tmp_path / "postgres" / "data" / "PG_VERSION").write_text("1")
    with running_postgres(tmp_path / "postgres") as server:
        assert server.run("psql", "-c", "select").returncode == 0
