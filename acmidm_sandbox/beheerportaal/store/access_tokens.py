"""Access tokens: of each only the hash, with what it stands for."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, delete, insert, select

from acmidm_sandbox.beheerportaal.store.tables import access_tokens


@dataclass(frozen=True, slots=True)
class StoredToken:
    """What a token stands for; `credential` is the key or secret that it was requested with, times
    are seconds since 1970."""

    token_hash: str
    client_id: str
    credential: str
    scope: str
    audiences: Sequence[str]
    issued_at: int
    expires_at: int


def hash_of(token: str) -> str:
    """Return what a token is known by: it is random and long, so that its hash needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def add(connection: Connection, token: StoredToken) -> None:
    """Keep a token; those that have ended go."""
    connection.execute(delete(access_tokens).where(access_tokens.c.expires_at < int(time.time())))
    connection.execute(insert(access_tokens), asdict(token))


def find(connection: Connection, token_hash: str) -> StoredToken | None:
    """Return the token, whether it has ended or not; None where there is no such one."""
    row = (
        connection.execute(select(access_tokens).where(access_tokens.c.token_hash == token_hash))
        .mappings()
        .one_or_none()
    )
    return None if row is None else StoredToken(**row)
