"""What the token endpoint remembers: its own key, and the assertions that were used."""

import time
from typing import Any

from joserfc.jwk import RSAKey
from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from beheerportaal.store.tables import server_keys, used_assertions


def server_key(connection: Connection) -> RSAKey:
    """The key that signs access tokens, made at the first call. Needs a writing connection."""
    stored: dict[str, Any] | None = connection.execute(select(server_keys.c.private_jwk)).scalars().first()
    if stored is not None:
        return RSAKey.import_key(stored)
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
    connection.execute(insert(server_keys), {"kid": key.kid, "private_jwk": key.as_dict(private=True)})
    return key


def use_assertion(connection: Connection, client_id: str, jti: str, expires_at: int) -> bool:
    """Whether this is the first use of an assertion; it is remembered until `expires_at` (epoch seconds)."""
    connection.execute(delete(used_assertions).where(used_assertions.c.expires_at < int(time.time())))
    result = connection.execute(
        sqlite_insert(used_assertions).values(client_id=client_id, jti=jti, expires_at=expires_at).on_conflict_do_nothing()
    )
    return result.rowcount == 1
