"""A database that can be used: made with its tables where it is new, refused where it is another
version's."""

import zlib
from pathlib import Path

from sqlalchemy import Table, inspect
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable

# Each of these modules declares tables.
from acmidm_sandbox.beheerportaal.store import (  # noqa: F401
    clients,
    products,
    tokens,
    users,
)
from acmidm_sandbox.beheerportaal.store.database import Base, Database


def _statement(table: Table) -> str:
    """Return the statement that makes a table."""
    return str(CreateTable(table).compile(dialect=sqlite.dialect()))


_TABLES = "".join(map(_statement, Base.metadata.sorted_tables))
# What SQLite keeps in a file for whoever makes it: a positive number of 31 bits.
VERSION = zlib.crc32(_TABLES.encode()) >> 1 or 1


class UnusableDatabase(ValueError):
    """A file that is no database, or one of another version of the portal; the text is one sentence
    for the person who started it."""


def open_database(path: Path) -> Database:
    """Open the database, and make it where it is missing.

    A sandbox's data are made anew by its next `up`, so that there is no way from one version's
    tables to another's.

    Raises:
        UnusableDatabase
    """
    try:
        database = Database(path)
        with database.write() as session:
            connection = session.connection()
            if inspect(connection).get_table_names() == []:
                Base.metadata.create_all(connection)
                connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    except (OSError, SQLAlchemyError) as error:
        reason = getattr(error, "orig", None) or getattr(error, "strerror", None) or error
        raise UnusableDatabase(
            f"{path} can't be used: {reason}; move it away to begin anew"
        ) from error
    if version != VERSION:
        database.close()
        raise UnusableDatabase(
            f"{path} can't be used: another version of the portal made it; move it away to begin"
            " anew (make clean)"
        )
    return database
