"""Tables that keep the newest rows of each client."""

from sqlalchemy import Connection, Table, delete, select

MOST_PER_CLIENT = 1000  # of what a product accepted


def prune(connection: Connection, table: Table, client_id: str, most: int) -> None:
    """Removes the client's oldest rows where there are more than that."""
    newest = select(table.c.seq).where(table.c.client_id == client_id).order_by(table.c.seq.desc())
    too_old = newest.limit(1).offset(most).scalar_subquery()
    connection.execute(delete(table).where(table.c.client_id == client_id, table.c.seq <= too_old))
