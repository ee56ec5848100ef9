"""Opens the portal's database; makes it where it is new, refuses that of another version."""

import zlib
from pathlib import Path

from sqlalchemy import inspect
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable

# Each of these modules declares tables.
from acmidm_sandbox.beheerportaal.store import clients, products, tokens, users  # noqa: F401
from acmidm_sandbox.beheerportaal.store.database import Base, Database

_TABLES = "".join(
    str(CreateTable(table).compile(dialect=sqlite.dialect()))
    for table in Base.metadata.sorted_tables
)
VERSION = zlib.crc32(_TABLES.encode()) >> 1 or 1
"""Of the tables: another one where a column differs. SQLite's `user_version` keeps it in the file,
a positive number of 31 bits."""


class UnusableDatabase(ValueError):
    """A file that is no database, or one of another version of the portal; the text is one sentence
    for the person who started it."""


def open_database(path: Path) -> Database:
    """Open the database, and make it where it is missing.

    One of another version is refused, and not converted: where somebody moves it away, the next
    start makes a new one. Raises UnusableDatabase, and OSError where the file cannot be made.
    """
    try:
        database = Database(path)
        with database.write() as session:
            connection = session.connection()
            if inspect(connection).get_table_names() == []:
                Base.metadata.create_all(connection)
                connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    except SQLAlchemyError as error:
        reason = getattr(error, "orig", None) or error
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
