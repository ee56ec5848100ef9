"""What Notificaties accepted: notifications."""

from typing import Any

from sqlalchemy import Connection, insert, select

from beheerportaal.store.audit import now
from beheerportaal.store.tables import notifications as table


def find(connection: Connection, client_id: str, notification_id: str) -> dict[str, Any] | None:
    """The client's notification with this Id, or None."""
    query = select(table.c.document).where(table.c.client_id == client_id, table.c.notification_id == notification_id)
    document: dict[str, Any] | None = connection.execute(query).scalar_one_or_none()
    return document


def add(connection: Connection, client_id: str, document: dict[str, Any]) -> None:
    """Keeps a notification whose Id is new."""
    values = {"received_at": now(), "client_id": client_id, "notification_id": document["Id"], "document": document}
    connection.execute(insert(table), values)
