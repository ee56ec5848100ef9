"""What the products accepted: the newest messages of each client."""

from typing import Any

from sqlalchemy import Connection, delete, insert, select

from beheerportaal.store.audit import now
from beheerportaal.store.tables import messages

MOST_PER_CLIENT = 1000


def add(connection: Connection, product: str, client_id: str, message: dict[str, Any]) -> None:
    """Keeps an accepted message, in the place of the client's oldest one where there are too many."""
    connection.execute(insert(messages), {"received_at": now(), "product": product, "client_id": client_id, "message": message})
    newest = select(messages.c.seq).where(messages.c.client_id == client_id).order_by(messages.c.seq.desc())
    too_old = newest.limit(1).offset(MOST_PER_CLIENT).scalar_subquery()
    connection.execute(delete(messages).where(messages.c.client_id == client_id, messages.c.seq <= too_old))
