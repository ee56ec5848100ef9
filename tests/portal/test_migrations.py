"""The schema's history."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, Table, insert

import beheerportaal.migrations
from beheerportaal.documents import ClientDocument, ConfigurationDocument, JwksDocument, ScopesDocument
from beheerportaal.migrations import newest_revision, open_database, revision_of, upgrade
from beheerportaal.store import audit, clients, products
from beheerportaal.store.audit import Change
from beheerportaal.store.clients import StoredClient
from beheerportaal.store.database import Database
from beheerportaal.store.products import StoredConfiguration
from beheerportaal.store.tables import metadata
from beheerportaal.users import add_user, list_users
from tests.support.portal import client_document, new_key, public_jwk

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


def test_writers_are_durable(tmp_path: Path) -> None:
    """WAL with synchronous=FULL on every connection: the promise of the durability tests, also for a power cut."""
    database = Database(tmp_path / "portal.db")
    with database.read() as first, database.read() as second:
        for connection in (first, second):
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 10_000
    database.close()


def test_a_configuration_of_before_is_nobodys(tmp_path: Path) -> None:
    """From revision 2: no stack bears it until one says so."""
    path = tmp_path / "portal.db"
    database = Database(path)
    upgrade(database, "0002")
    with database.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO product_configurations (product, client_id, configuration, version) VALUES ('dosis', 'one', '{}', 7)"
        )
    database.close()

    upgraded = open_database(path)
    with upgraded.read() as connection:
        assert products.find(connection, "dosis", "one") == StoredConfiguration("one", ConfigurationDocument(configuration={}), 7)
    upgraded.close()


def test_the_web_interface_comes_to_a_database_that_is_in_use(tmp_path: Path) -> None:
    """From revision 1 with clients, keys and a trail: all of that stays as it was, without attributes, and users can be added."""
    path = tmp_path / "portal.db"
    database = Database(path)
    upgrade(database, "0001")
    key = public_jwk(new_key())
    client = StoredClient(
        document=ClientDocument.model_validate(
            {**client_document(), "client_id": "one", "client_id_issued_at": 1, "client_secret_updated_at": None}
        ),
        client_secret_hash=None,
        scopes=ScopesDocument(scopes=["vo_info"]),
        jwks=JwksDocument(keys=[key]),
        jwks_version=7,
    )
    row = {"scopes": client.scopes.scopes, "jwks": client.jwks.keys, "client_version": 1, "scopes_version": 1, "jwks_version": 7}
    with database.write() as connection:
        before = Table("clients", MetaData(), autoload_with=connection)
        since = {"attributes", "previous_client_secret_expires_at"}
        connection.execute(insert(before), {**client.document.model_dump(exclude=since), **row})
        audit.record(connection, "operator", Change("client.created", "one", "/one", None, client.scopes))
    database.close()

    upgraded = open_database(path)
    with upgraded.read() as connection:
        assert clients.find(connection, "one") == client
        assert [entry.actor for entry in audit.page(connection, "one", 10, None).items] == ["operator"]
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    upgraded.close()
    assert add_user(path, "beheer", ["OVO002067"], api_beheerder=True)
    assert [user.name for user in list_users(path)] == ["beheer"]
