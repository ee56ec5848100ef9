"""Registers operators, the OAuth clients that may call the management API: in the database on this
machine, not over HTTP."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from acmidm_sandbox.beheerportaal.jwk import mistakes_in_keys, registered_members
from acmidm_sandbox.beheerportaal.settings import RIGHTS
from acmidm_sandbox.beheerportaal.store.opening import open_database
from acmidm_sandbox.beheerportaal.store.users import ACTOR_PREFIX, Operator


def register_operator(
    database: Path, client_id: str, rights: Sequence[str] = RIGHTS, *, public_jwk: Mapping[str, Any]
) -> None:
    """Register an operator in the portal's database, whether the portal runs or not; an existing
    one is replaced. Raises ValueError for a client_id that reads like a user's, or a key that can't
    be used, and UnusableDatabase."""
    if client_id.startswith(ACTOR_PREFIX):
        raise ValueError(
            f"a client_id that begins with {ACTOR_PREFIX} would look like a user's in the audit"
            " trail; choose another"
        )
    if mistakes := mistakes_in_keys([public_jwk]):
        sentences = [f"{mistake['pointer']} {mistake['detail']}" for mistake in mistakes]
        raise ValueError("; ".join(sentences))
    operator = Operator(
        client_id=client_id, rights=sorted(set(rights)), jwks=[registered_members(public_jwk)]
    )
    with closing(open_database(database)) as store, store.write() as session:
        session.merge(operator)
