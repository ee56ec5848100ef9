"""What Notificaties accepted: notifications."""

from typing import Any

from sqlalchemy import Connection, insert, select

from acmidm_sandbox.beheerportaal.store.audit import now
from acmidm_sandbox.beheerportaal.store.tables import notifications as table


def has(connection: Connection, client_id: str, notification_id: str) -> bool:
    """Return whether the client sent a notification with this Id."""
    query = select(table.c.seq).where(
        table.c.client_id == client_id, table.c.notification_id == notification_id
    )
    return connection.execute(query).first() is not None


def add(connection: Connection, client_id: str, document: dict[str, Any]) -> None:
    """Keep a notification whose Id is new."""
    values = {
        "received_at": now(),
        "client_id": client_id,
        "notification_id": document["Id"],
        "document": document,
    }
    connection.execute(insert(table), values)
