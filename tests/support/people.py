"""People at an embedded portal, whether it runs or not."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from acmidm_sandbox.beheerportaal import users
from acmidm_sandbox.beheerportaal.store.opening import open_database
from acmidm_sandbox.beheerportaal.store.users import User


def add_user(
    database: Path, name: str, organisation: Sequence[str], *, api_beheerder: bool, **more: Any
) -> str:
    """Add somebody of an organisation, known by its codes; the password."""
    user = users.user_of(name, organisation, api_beheerder=api_beheerder, **more)
    with closing(open_database(database)) as store:
        return users.add_user(store, user)


def list_users(database: Path) -> list[User]:
    """Everybody, by name."""
    with closing(open_database(database)) as store:
        return users.list_users(store)


def remove_user(database: Path, name: str) -> None:
    """Remove somebody."""
    with closing(open_database(database)) as store:
        users.remove_user(store, name)


def set_right(database: Path, name: str, *, api_beheerder: bool) -> None:
    """Grant or withdraw the right *API-beheerder*, what the *Lokale Beheerder* does."""
    with closing(open_database(database)) as store:
        (user,) = [user for user in users.list_users(store) if user.name == name]
        users.change_user(store, replace(user, api_beheerder=api_beheerder))
