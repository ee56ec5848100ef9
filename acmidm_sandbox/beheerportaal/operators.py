"""Registering operators, the clients that may use the management API: done on the machine itself,
not over HTTP."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from acmidm_sandbox.beheerportaal.jwk import mistakes, registered
from acmidm_sandbox.beheerportaal.settings import RIGHTS
from acmidm_sandbox.beheerportaal.store.opening import open_database
from acmidm_sandbox.beheerportaal.store.users import ACTOR_PREFIX, Operator


def register_operator(
    database: Path, client_id: str, rights: Sequence[str] = RIGHTS, *, public_jwk: Mapping[str, Any]
) -> None:
    """Register an operator in the portal's database, whether the portal runs or not; an existing
    one is replaced.

    Raises:
        ValueError: for a client_id that reads like a user's, or a key that can't be used.
        UnusableDatabase
    """
    if client_id.startswith(ACTOR_PREFIX):
        raise ValueError(
            f"a client_id that begins with {ACTOR_PREFIX} would look like a user's in the audit"
            " trail; choose another"
        )
    if wrong := mistakes([public_jwk]):
        sentences = [f"{mistake['pointer']} {mistake['detail']}" for mistake in wrong]
        raise ValueError("; ".join(sentences))
    operator = Operator(
        client_id=client_id, rights=sorted(set(rights)), jwks=[registered(public_jwk)]
    )
    with closing(open_database(database)) as store, store.write() as session:
        session.merge(operator)
