"""Operators: the OAuth clients that may use the management API."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from beheerportaal.documents import AuthMethod
from beheerportaal.store.tables import operators


@dataclass(frozen=True, slots=True)
class StoredOperator:
    """An operator: its rights are scopes, its keys public JWKs."""

    client_id: str
    rights: list[str]
    token_endpoint_auth_method: AuthMethod
    jwks: list[dict[str, Any]]
    client_secret_hash: str | None


def find(connection: Connection, client_id: str) -> StoredOperator | None:
    """The operator, or None."""
    row = connection.execute(select(operators).where(operators.c.client_id == client_id)).mappings().one_or_none()
    return None if row is None else StoredOperator(**row)


def put(connection: Connection, operator: StoredOperator) -> None:
    """Registers an operator, or replaces the one with the same client_id."""
    values = {
        "rights": operator.rights,
        "token_endpoint_auth_method": operator.token_endpoint_auth_method,
        "jwks": operator.jwks,
        "client_secret_hash": operator.client_secret_hash,
    }
    connection.execute(
        insert(operators)
        .values(client_id=operator.client_id, **values)
        .on_conflict_do_update(index_elements=[operators.c.client_id], set_=values)
    )
