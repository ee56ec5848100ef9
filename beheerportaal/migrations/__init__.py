"""The schema's history (Alembic), applied at each start."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from beheerportaal.store.database import Database


def upgrade(database: Database, revision: str = "head") -> None:
    """Brings the schema to `revision`, in one transaction that also keeps a second process from doing the same."""
    with database.write() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
