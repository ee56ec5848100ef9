"""What the products accepted."""

from typing import Any

from sqlalchemy import Connection, insert

from beheerportaal.store.audit import now
from beheerportaal.store.tables import messages


def add(connection: Connection, product: str, client_id: str, message: dict[str, Any]) -> None:
    """Keeps an accepted message."""
    connection.execute(insert(messages), {"received_at": now(), "product": product, "client_id": client_id, "message": message})
