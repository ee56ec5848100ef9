"""The schema's history."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import beheerportaal.migrations
from beheerportaal.migrations import newest_revision, open_database, revision_of, upgrade
from beheerportaal.operators import register_operator
from beheerportaal.store import operators
from beheerportaal.store.database import Database
from beheerportaal.store.tables import metadata
from tests.support.portal import new_key, public_jwk

SCRIPTS = ScriptDirectory(str(Path(beheerportaal.migrations.__file__).parent))


def test_the_migrations_make_the_tables_that_the_code_expects(tmp_path: Path) -> None:
    """From an empty file, revision by revision, to exactly the declared schema."""
    database = Database(tmp_path / "portal.db")
    for revision in reversed([script.revision for script in SCRIPTS.walk_revisions()]):
        upgrade(database, revision)
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_the_newest_revision_is_known_without_alembic(tmp_path: Path) -> None:
    """The files' numbers say what Alembic would: so a start on a current database needs no migration run."""
    assert newest_revision() == SCRIPTS.get_current_head()
    database = Database(tmp_path / "portal.db")
    assert revision_of(database) is None
    upgrade(database)
    assert revision_of(database) == newest_revision()
    database.close()


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    """What is there stays; the history has one line and one head."""
    path = tmp_path / "portal.db"
    register_operator(path, "operator", public_jwk=public_jwk(new_key()))
    database = open_database(path)
    with database.read() as connection:
        assert operators.find(connection, "operator") is not None
        assert MigrationContext.configure(connection).get_current_revision() == SCRIPTS.get_current_head()
    database.close()


def test_writers_are_durable(tmp_path: Path) -> None:
    """WAL with synchronous=FULL on every connection: the promise of the durability tests, also for a power cut."""
    database = Database(tmp_path / "portal.db")
    with database.read() as first, database.read() as second:
        for connection in (first, second):
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 10_000
    database.close()
