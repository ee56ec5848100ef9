"""A real PostgreSQL of a test, and its own programs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.support.ports import free_port
from tests.support.tools import require
from toolchain import postgres
from toolchain.common import ToolchainError


@dataclass
class RunningPostgres:
    """A server whose data are in ``folder``."""

    folder: Path
    port: int

    @property
    def password(self) -> str:
        return (self.folder / "passfile").read_text().strip().rpartition(":")[2]

    def variables(self, table: str = "pulumi_state") -> dict[str, str]:
        """What leads the engine to a table of its own."""
        url = f"postgres://127.0.0.1:{self.port}/postgres?user=acmidm&sslmode=disable&table={table}"
        return postgres.variables(self.folder, url)

    def run(
        self, program: str, *words: str | Path, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run psql, pg_dump or pg_restore."""
        place = (
            "--host=127.0.0.1",
            f"--port={self.port}",
            "--username=acmidm",
            "--dbname=postgres",
            "--no-password",
        )
        environment = {**os.environ, "PGPASSFILE": str(self.folder / "passfile"), **variables}
        command = [program, *place, *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def put(self, table: str, key: str, content: bytes) -> None:
        """Store as the engine does; its keys begin with the name of the database."""
        data = json.dumps({"data": b64encode(content).decode()})
        insert = f"insert into {table} values ('postgres/{key}', '{data}')"  # noqa: S608 - names of tests
        done = self.run("psql", "-c", insert)
        assert done.returncode == 0, done.stderr

    def back_up(self, file: Path) -> None:
        done = self.run("pg_dump", "--format=custom", "--file", file)
        assert done.returncode == 0, done.stderr

    def restore(self, file: Path) -> None:
        done = self.run("pg_restore", "--clean", "--single-transaction", file)
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        postgres.start(self.folder, self.port)

    def kill(self) -> None:
        """kill -9 of all its processes."""
        server = psutil.Process(
            int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        )
        processes = [server, *server.children(recursive=True)]
        server.send_signal(signal.SIGKILL)
        psutil.wait_procs(processes)


def _is_here() -> bool:
    try:
        postgres.programs()
    except ToolchainError:
        return False
    return True


@contextmanager
def running_postgres(folder: Path) -> Iterator[RunningPostgres]:
    """A server that ends with the block. The test is skipped where this machine has none, and fails
    where that is CI's."""
    require("PostgreSQL", "apt-get install postgresql", is_here=_is_here())
    server = RunningPostgres(folder, free_port())
    server.start()
    try:
        yield server
    finally:
        postgres.stop(folder)
