"""The keys of clients that got tokens: when each did last, and whether the assertion that it signed
named it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from acmidm_sandbox.beheerportaal.documents import KeyInUse, KeysInUse
from acmidm_sandbox.beheerportaal.store.tables import keys_in_use as table


@dataclass(frozen=True, slots=True)
class Use:
    """A key that signed an assertion for a client."""

    client_id: str
    thumbprint: str
    kid: str
    with_kid: bool


def note(connection: Connection, use: Use, now: int) -> None:
    """Notes that a key got a token."""
    values = {"kid": use.kid, "last_used_at": now, "with_kid": use.with_kid}
    statement = insert(table).values(client_id=use.client_id, thumbprint=use.thumbprint, **values)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["client_id", "thumbprint"], set_=values)
    )


def forget_others(connection: Connection, client_id: str, thumbprints: Collection[str]) -> None:
    """Forgets the keys that a client has no more."""
    connection.execute(
        delete(table).where(table.c.client_id == client_id, table.c.thumbprint.not_in(thumbprints))
    )


def of_client(connection: Connection, client_id: str) -> KeysInUse:
    """Return the keys of a client that got a token, the last used first."""
    query = (
        select(table)
        .where(table.c.client_id == client_id)
        .order_by(table.c.last_used_at.desc(), table.c.thumbprint)
    )
    return KeysInUse(
        items=[
            KeyInUse(
                thumbprint=row.thumbprint,
                kid=row.kid,
                last_used_at=datetime.fromtimestamp(row.last_used_at, UTC).isoformat(),
                with_kid=row.with_kid,
            )
            for row in connection.execute(query)
        ]
    )
