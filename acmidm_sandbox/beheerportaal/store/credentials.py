"""What the token endpoint remembers: the assertions that were used."""

import time

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from acmidm_sandbox.beheerportaal.store.tables import used_assertions


def is_used(connection: Connection, client_id: str, jti: str) -> bool:
    """Return whether an assertion was used before."""
    there = select(used_assertions.c.jti).where(
        used_assertions.c.client_id == client_id, used_assertions.c.jti == jti
    )
    return connection.execute(there).first() is not None


def use_assertion(connection: Connection, client_id: str, jti: str, expires_at: int) -> bool:
    """Return whether this is the first use of an assertion; it is remembered until `expires_at`
    (epoch seconds)."""
    connection.execute(
        delete(used_assertions).where(used_assertions.c.expires_at < int(time.time()))
    )
    result = connection.execute(
        sqlite_insert(used_assertions)
        .values(client_id=client_id, jti=jti, expires_at=expires_at)
        .on_conflict_do_nothing()
    )
    return result.rowcount == 1
