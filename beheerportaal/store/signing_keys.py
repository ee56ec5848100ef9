"""The portal's own keys, with which it signs access tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import RSAKey
from sqlalchemy import Connection, delete, insert, select

from beheerportaal.store.tables import server_keys


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair, and since when it signs, in seconds since 1970."""

    kid: str
    private_jwk: dict[str, Any]
    signs_from: float


def everyone(connection: Connection) -> list[SigningKey]:
    """All of them, the newest last."""
    return [SigningKey(**row) for row in connection.execute(select(server_keys).order_by(server_keys.c.signs_from)).mappings()]


def add(connection: Connection, signs_from: float) -> None:
    """Makes one that will sign from then on."""
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
    connection.execute(insert(server_keys), {"kid": key.kid, "private_jwk": key.as_dict(private=True), "signs_from": signs_from})


def remove(connection: Connection, keys: Sequence[SigningKey]) -> None:
    """Removes keys."""
    connection.execute(delete(server_keys).where(server_keys.c.kid.in_([key.kid for key in keys])))
