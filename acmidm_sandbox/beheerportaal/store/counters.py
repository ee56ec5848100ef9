"""Numbers that are given out once, and never again after a removal."""

from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import insert

from acmidm_sandbox.beheerportaal.store.tables import counters


def take(connection: Connection, name: str, first: int = 1) -> int:
    """Return the next number of a counter, which starts at `first`."""
    statement = (
        insert(counters)
        .values(name=name, value=first)
        .on_conflict_do_update(
            index_elements=[counters.c.name], set_={"value": counters.c.value + 1}
        )
        .returning(counters.c.value)
    )
    number: int = connection.execute(statement).scalar_one()
    return number
