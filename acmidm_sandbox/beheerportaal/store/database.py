"""The SQLite file: durable, one writer at a time, readers never wait.

WAL with `synchronous=FULL` syncs at each commit, so what was answered survives kill -9 and a power
cut. Writers take the lock at the start (`BEGIN IMMEDIATE`): a transaction that reads first and
upgrades later could fail halfway with SQLITE_BUSY.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

BUSY_TIMEOUT_MILLISECONDS = 10_000


class Database:
    """One SQLite file and its connections; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Open the file, making it and its folder where they are missing, for its owner alone. Its
        tables are the work of `opening.py`.

        Raises:
            OSError: where it can't be made.
        """
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives the files beside it, such as the write-ahead log, the same mode.
        path.touch(mode=0o600)
        self.path = path
        self.engine = _engine(path)
        self._writing = self.engine.execution_options(writes=True)
        # SQLite's own busy handler sleeps and retries: threads of this process that queue for a
        # lock are served sooner.
        self._writer = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection with one consistent view of the data."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is committed when the block ends, and rolled back when it raises."""
        with self._writer, self._writing.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close all connections, which also folds the write-ahead log into the file."""
        self.engine.dispose()


def _engine(path: Path) -> Engine:
    # An error message must not carry a stored value into the log.
    engine = create_engine(URL.create("sqlite", database=str(path)), hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = (
            None  # the driver opens no transactions of its own: `_begin` does
        )
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT_MILLISECONDS}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
