"""Tables that keep the newest rows of each client, or of whatever else a column says whose they are."""

from typing import Any

from sqlalchemy import Column, Connection, delete, select

MOST_PER_CLIENT = 1000  # of what a product accepted


def prune(connection: Connection, owner: Column[Any], value: str, most: int) -> None:
    """Removes the owner's oldest rows where there are more than that; the table has a column `seq`."""
    table = owner.table
    newest = select(table.c.seq).where(owner == value).order_by(table.c.seq.desc())
    too_old = newest.limit(1).offset(most).scalar_subquery()
    connection.execute(delete(table).where(owner == value, table.c.seq <= too_old))
