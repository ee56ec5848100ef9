"""The SQLite file: durable, one writer at a time, readers never wait.

WAL with `synchronous=FULL` syncs at each commit, so what was answered survives kill -9 and a power
cut. Writers take the lock at the start (`BEGIN IMMEDIATE`): a transaction that reads first and
upgrades later could fail halfway with SQLITE_BUSY.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Dialect,
    Engine,
    Text,
    create_engine,
    event,
    select,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator
from typing_extensions import override

BUSY_TIMEOUT_MILLISECONDS = 10_000


class Base(DeclarativeBase):
    """A table; each module of this room declares those of its subject."""


# For a table of `Numbered`: SQLite then gives no number again after a row is removed.
NEVER_AGAIN = {"sqlite_autoincrement": True}


class Numbered(Base):
    """A table whose rows are numbered in the order in which they were added, for `page_of`."""

    __abstract__ = True
    __table_args__: Any = NEVER_AGAIN

    seq: Mapped[int] = mapped_column(primary_key=True)


class AsJson(TypeDecorator[Any]):
    """A column that has a value of some type as JSON, such as `AsJson(ClientDocument)`."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind
        self._adapter = TypeAdapter(kind)

    @override
    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Return what SQLAlchemy writes; None is NULL."""
        return None if value is None else self._adapter.dump_json(value).decode()

    @override
    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Return what SQLAlchemy has read as a value."""
        return None if value is None else self._adapter.validate_json(value)


class Database:
    """One SQLite file and its connections; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Open the file, making it and its folder where they are missing, for this user alone;
        `opening.py` makes its tables. Raises OSError where it can't be made."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives the files beside it, such as the write-ahead log, the same mode.
        path.touch(mode=0o600)
        self.path = path
        self.engine = _engine(path)
        # Without expiry, rows can still be read after their session has ended.
        self.read = sessionmaker(self.engine, expire_on_commit=False)
        """A session with one consistent view of the data."""
        writing = self.engine.execution_options(writes=True)
        self._write = sessionmaker(writing, expire_on_commit=False)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Begin a transaction: committed when the block ends, rolled back when it raises."""
        with self._write.begin() as session:
            # Takes the lock now, before anything is read.
            session.connection()
            yield session

    def close(self) -> None:
        """Close all connections, which also folds the write-ahead log into the file."""
        self.engine.dispose()


Row = TypeVar("Row", bound=Numbered)


def page_of(
    session: Session,
    kind: type[Row],
    condition: ColumnElement[bool],
    limit: int,
    after: int | str | None,
    *,
    newest_first: bool = False,
) -> tuple[Sequence[Row], str | None]:
    """Return at most `limit` rows that satisfy a condition, and the number of the last of them,
    which is the `after` of the next page; None where this is the last page."""
    order = kind.seq.desc() if newest_first else kind.seq
    query = select(kind).where(condition).order_by(order).limit(limit + 1)
    if after is not None:
        number = int(after)
        beyond = kind.seq < number if newest_first else kind.seq > number
        query = query.where(beyond)
    rows = session.scalars(query).all()
    following = str(rows[limit - 1].seq) if len(rows) > limit else None
    return rows[:limit], following


def utc_now() -> str:
    """Return the time now, as in 2026-11-25T03:17:00.000Z."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _engine(path: Path) -> Engine:
    """Return an engine whose transactions are begun by SQLAlchemy, not by the driver. One that
    writes takes SQLite's lock at its start."""
    # Without parameters, no stored value gets into the log with an error.
    engine = create_engine(URL.create("sqlite", database=str(path)), hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        # The driver begins no transactions: `_begin` does.
        connection.isolation_level = None
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
        statement = "BEGIN IMMEDIATE" if writes else "BEGIN"
        connection.exec_driver_sql(statement)

    return engine
