"""People at an embedded portal, whether it runs or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from acmidm_sandbox.beheerportaal import users


def add_user(
    database: Path, name: str, organisation: Sequence[str], *, api_beheerder: bool, **more: Any
) -> str:
    """Add somebody of an organisation, known by its codes; the password."""
    return users.add_user(
        database, users.user_of(name, organisation, api_beheerder=api_beheerder, **more)
    )


def set_right(database: Path, name: str, *, api_beheerder: bool) -> None:
    """Grant or withdraw the right *API-beheerder*, what the *Lokale Beheerder* does."""
    (user,) = [user for user in users.list_users(database) if user.name == name]
    users.change_user(database, replace(user, api_beheerder=api_beheerder))
