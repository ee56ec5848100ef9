"""The schema's history (Alembic), applied whenever the database is opened."""

from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError

from beheerportaal.store.database import Database

_FOLDER = Path(__file__).parent


class UnusableDatabase(Exception):
    """A file that is no database, or one of a newer portal; the text is one sentence for the person who started it."""


def open_database(path: Path) -> Database:
    """Opens the database, making it where it is missing, with its schema up to date.

    Raises:
        UnusableDatabase
    """
    try:
        database = Database(path)
    except OSError as error:
        raise UnusableDatabase(f"{path} can't be used: {error.strerror}; see who owns it and its folder") from error
    try:
        # Almost always so; a portal then starts without Alembic, whose import takes a quarter of the time.
        if revision_of(database) != newest_revision():
            upgrade(database)
    except SQLAlchemyError as error:
        reason = getattr(error, "orig", None) or error
        database.close()
        raise UnusableDatabase(f"{path} can't be used: {reason}; move it away to begin anew") from error
    return database


def revision_of(database: Database) -> str | None:
    """The revision of the schema; None before the first."""
    with database.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision: str = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        return revision


def newest_revision() -> str:
    """The last one that there is a migration for: files are named by number."""
    return max(file.name.partition("_")[0] for file in (_FOLDER / "versions").glob("[0-9]*_*.py"))


def upgrade(database: Database, revision: str = "head") -> None:
    """Brings the schema to `revision`, in one transaction that also keeps a second process from doing the same.

    Raises:
        UnusableDatabase: where a newer portal wrote it.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    with database.write() as connection:
        config = Config()
        config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, revision)
        except CommandError as error:
            raise UnusableDatabase(f"{database.path} can't be used: {error}; start a portal that is no older than it") from error
