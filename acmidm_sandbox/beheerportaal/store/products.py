"""Product configurations: per product one document for each client."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from acmidm_sandbox.beheerportaal.conditions import etag
from acmidm_sandbox.beheerportaal.documents import ConfigurationDocument, ConfigurationItem
from acmidm_sandbox.beheerportaal.store import counters
from acmidm_sandbox.beheerportaal.store.tables import product_configurations as table


@dataclass(frozen=True, slots=True)
class StoredConfiguration:
    """A product's configuration for a client, under its version."""

    client_id: str
    document: ConfigurationDocument
    version: int

    @property
    def item(self) -> ConfigurationItem:
        """As lists give it."""
        return ConfigurationItem.model_construct(
            **dict(self.document), client_id=self.client_id, etag=etag(self.version)
        )


def find(connection: Connection, product: str, client_id: str) -> StoredConfiguration | None:
    """Return the configuration, or None."""
    query = select(table).where(table.c.product == product, table.c.client_id == client_id)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _stored(row)


def add(
    connection: Connection, product: str, client_id: str, document: ConfigurationDocument
) -> int:
    """Keep the first configuration, and return its version."""
    version = _next_version(connection)
    values = {"product": product, "client_id": client_id, "version": version, **dict(document)}
    connection.execute(insert(table), values)
    return version


def replace(
    connection: Connection, product: str, client_id: str, document: ConfigurationDocument
) -> int:
    """Replace the configuration, and return its version."""
    version = _next_version(connection)
    statement = update(table).where(table.c.product == product, table.c.client_id == client_id)
    connection.execute(statement.values(version=version, **dict(document)))
    return version


def remove(connection: Connection, product: str, client_id: str) -> None:
    """Remove the configuration."""
    connection.execute(
        delete(table).where(table.c.product == product, table.c.client_id == client_id)
    )


def page(
    connection: Connection, product: str, limit: int, after: int | None
) -> tuple[Sequence[StoredConfiguration], int | None]:
    """At most `limit` configurations made after number `after`, and the number to go on after, None
    on the last page."""
    query = select(table).where(table.c.product == product).order_by(table.c.seq).limit(limit + 1)
    if after is not None:
        query = query.where(table.c.seq > after)
    rows = connection.execute(query).mappings().all()
    return [_stored(row) for row in rows[:limit]], rows[limit - 1]["seq"] if len(
        rows
    ) > limit else None


def _next_version(connection: Connection) -> int:
    # One counter for all: a configuration that is removed and made again must not come back under
    # an ETag that was used before.
    return counters.take(connection, "product_configuration_version")


def _stored(row: RowMapping) -> StoredConfiguration:
    document = ConfigurationDocument.model_construct(
        **{name: row[name] for name in ConfigurationDocument.model_fields}
    )
    return StoredConfiguration(
        client_id=row["client_id"], document=document, version=row["version"]
    )
