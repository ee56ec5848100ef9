"""People and operators at an embedded portal, whether it runs or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from acmidm_sandbox.beheerportaal.settings import RIGHTS
from acmidm_sandbox.beheerportaal.store.opening import open_database
from acmidm_sandbox.beheerportaal.store.users import (
    Account,
    Person,
    Right,
    create_account,
    register_operator,
)


def add_user(
    database: Path,
    name: str,
    organisation: Sequence[str],
    *,
    api_beheerder: bool,
    aansluitingenteam: bool = False,
    organisation_name: str = "",
) -> str:
    """Add somebody of an organisation, known by its codes; the password."""
    holds = {Right.API_BEHEERDER: api_beheerder, Right.AANSLUITINGENTEAM: aansluitingenteam}
    person = Person(
        name=name,
        organisation=organisation_name or None,
        rights=tuple(right for right in Right if holds[right]),
        **{"ovo" if code.startswith("OVO") else "kbo": code for code in organisation},
    )
    with _changing(database) as session:
        return create_account(session, person)


def add_operator(
    database: Path, client_id: str, rights: Sequence[str] = RIGHTS, *, public_jwk: dict[str, Any]
) -> None:
    """Add an operator, in the place of an earlier one with this client-ID."""
    with _changing(database) as session:
        register_operator(session, client_id, rights, public_jwk=public_jwk)


def list_users(database: Path) -> list[Person]:
    """Everybody, by name."""
    with _changing(database) as session:
        return list(session.scalars(select(Account.person).order_by(Account.name)))


def remove_user(database: Path, name: str) -> None:
    """Remove somebody."""
    with _changing(database) as session:
        session.delete(session.get_one(Account, name))


def set_right(database: Path, name: str, *, api_beheerder: bool) -> None:
    """Grant or withdraw the right *API-beheerder*, what the *Lokale Beheerder* does."""
    rights = (Right.API_BEHEERDER,) if api_beheerder else ()
    with _changing(database) as session:
        account = session.get_one(Account, name)
        account.person = account.person.model_copy(update={"rights": rights})


@contextmanager
def _changing(database: Path) -> Iterator[Session]:
    with closing(open_database(database)) as store, store.write() as session:
        yield session
