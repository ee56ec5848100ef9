"""Access tokens: of each only the hash, with what it stands for."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, delete, insert, select

from beheerportaal.store.newest import prune
from beheerportaal.store.tables import access_tokens

MOST_PER_CLIENT = 10_000
# One that has ended is known for a while: whoever has it is told so, and is nobody who guesses.
_KEPT_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class StoredToken:
    """What a token stands for; `credential` is the key or secret that it was requested with, times are seconds since 1970."""

    token_hash: str
    client_id: str
    credential: str
    scope: str
    audiences: Sequence[str]
    issued_at: int
    expires_at: int


def hash_of(token: str) -> str:
    """What a token is known by: it is random and long, so that its hash needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def add(connection: Connection, token: StoredToken) -> None:
    """Keeps a token; those that ended long ago go, and the oldest of a client that has too many."""
    connection.execute(delete(access_tokens).where(access_tokens.c.expires_at < int(time.time()) - _KEPT_SECONDS))
    connection.execute(insert(access_tokens), asdict(token))
    prune(connection, access_tokens.c.client_id, token.client_id, MOST_PER_CLIENT)


def find(connection: Connection, token_hash: str) -> StoredToken | None:
    """The token, whether it has ended or not; None where there is no such one."""
    columns = [column for column in access_tokens.c if column.name != "seq"]
    row = connection.execute(select(*columns).where(access_tokens.c.token_hash == token_hash)).mappings().one_or_none()
    return None if row is None else StoredToken(**row)
