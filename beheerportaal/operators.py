"""Registering operators, the clients that may use the management API: done on the machine itself, not over HTTP."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from beheerportaal.jwk import mistakes, registered
from beheerportaal.secrets import hash_secret
from beheerportaal.settings import RIGHTS
from beheerportaal.store import operators
from beheerportaal.store.opening import open_database
from beheerportaal.store.users import ACTOR_PREFIX


def register_operator(
    database: Path,
    client_id: str,
    rights: Sequence[str] = RIGHTS,
    *,
    public_jwk: Mapping[str, Any] | None = None,
    secret: str | None = None,
) -> None:
    """Registers an operator in the portal's database, whether the portal runs or not; an existing one is replaced.

    Give either `public_jwk` (it authenticates with private_key_jwt) or `secret` (client_secret_basic).

    Raises:
        ValueError: for unknown rights, a client_id that reads like a user's, a key that can't be used, or neither or both of the
            two credentials.
        UnusableDatabase
    """
    if unknown := sorted(set(rights) - set(RIGHTS)):
        raise ValueError(f"unknown right {', '.join(unknown)}; use {' and '.join(RIGHTS)}")
    if client_id.startswith(ACTOR_PREFIX):
        raise ValueError(f"a client_id that begins with {ACTOR_PREFIX} would look like a user's in the audit trail; choose another")
    if (public_jwk is None) == (secret is None):
        raise ValueError("an operator needs a public JWK or a secret, and not both")
    if public_jwk is not None and (found := mistakes([public_jwk])):
        raise ValueError("; ".join(f"{mistake['pointer']} {mistake['detail']}" for mistake in found))
    operator = operators.StoredOperator(
        client_id=client_id,
        rights=sorted(set(rights)),
        token_endpoint_auth_method="client_secret_basic" if public_jwk is None else "private_key_jwt",
        jwks=[] if public_jwk is None else [registered(public_jwk)],
        client_secret_hash=None if secret is None else hash_secret(secret),
    )
    store = open_database(database)
    try:
        with store.write() as connection:
            operators.put(connection, operator)
    finally:
        store.close()
