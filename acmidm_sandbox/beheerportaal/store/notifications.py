"""What Notificaties accepted: notifications."""

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import insert

from acmidm_sandbox.beheerportaal.store.audit import now
from acmidm_sandbox.beheerportaal.store.tables import notifications as table


def add(connection: Connection, client_id: str, document: dict[str, Any]) -> bool:
    """Keep a notification; False where the client sent one with its Id before."""
    values = {
        "received_at": now(),
        "client_id": client_id,
        "notification_id": document["Id"],
        "document": document,
    }
    return connection.execute(insert(table).values(values).on_conflict_do_nothing()).rowcount > 0
