"""Operators: the OAuth clients that may use the management API."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from acmidm_sandbox.beheerportaal.store.tables import operators


@dataclass(frozen=True, slots=True)
class StoredOperator:
    """An operator: its rights are scopes, its keys public JWKs."""

    client_id: str
    rights: list[str]
    jwks: list[dict[str, Any]]


def find(connection: Connection, client_id: str) -> StoredOperator | None:
    """Return the operator, or None."""
    row = (
        connection.execute(select(operators).where(operators.c.client_id == client_id))
        .mappings()
        .one_or_none()
    )
    return None if row is None else StoredOperator(**row)


def put(connection: Connection, operator: StoredOperator) -> None:
    """Register an operator, or replace the one with the same client_id."""
    connection.execute(delete(operators).where(operators.c.client_id == operator.client_id))
    connection.execute(insert(operators), asdict(operator))
