"""The users of the web interface: made on the machine itself, like operators, for here is no
identity provider that knows people."""

import secrets
from collections.abc import Sequence

from sqlalchemy.orm import Session

from acmidm_sandbox.beheerportaal.secrets import hash_secret
from acmidm_sandbox.beheerportaal.store.clients import SHARED_KBO_NUMBER
from acmidm_sandbox.beheerportaal.store.database import Database
from acmidm_sandbox.beheerportaal.store.users import Account, User, everyone

_LONGEST_NAME = 100
_PASSWORD_BYTES = 18


def user_of(
    name: str,
    organisation: Sequence[str],
    *,
    api_beheerder: bool,
    aansluitingenteam: bool = False,
    organisation_name: str = "",
) -> User:
    """Return a user of an organisation, which is known by its OVO code, its KBO number or both.

    Raises:
        ValueError: one sentence, for a name or codes that can't be used.
    """
    for given in (name, organisation_name or name):
        if (
            not given
            or given != given.strip()
            or len(given) > _LONGEST_NAME
            or not given.isprintable()
        ):
            raise ValueError(
                f"a name needs 1 to {_LONGEST_NAME} printable characters, without spaces around it"
            )
    ovo = kbo = None
    for code in organisation:
        if code.startswith("OVO"):
            ovo = code
        else:
            kbo = code.replace(".", "")
    if ovo is None and kbo is None:
        raise ValueError("a user needs an organisation; give its OVO code or KBO number")
    if ovo is None and kbo == SHARED_KBO_NUMBER:
        raise ValueError(
            "KBO number 0316.380.841 is shared by all departments of the Flemish administration;"
            " give the OVO code"
        )
    return User(name, ovo, kbo, api_beheerder, aansluitingenteam, organisation_name)


def add_user(store: Database, user: User) -> str:
    """Add a user; return the password, which is kept as a hash only.

    Raises:
        ValueError: where there is a user of this name.
    """
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    with store.write() as session:
        if session.get(Account, user.name) is not None:
            raise ValueError(
                f"there is a user {user.name} already; remove that one first, or choose another"
                " name"
            )
        hashed = hash_secret(password)
        session.add(Account(name=user.name, user=user, password_hash=hashed))
    return password


def list_users(store: Database) -> list[User]:
    """Return all users, by name."""
    with store.read() as session:
        return everyone(session)


def change_user(store: Database, user: User) -> None:
    """Change a user by its name, such as what the *Lokale Beheerder* grants; it counts from the
    next request, and the password stays.

    Raises:
        ValueError: where there is no such user.
    """
    with store.write() as session:
        _account(session, user.name).user = user


def remove_user(store: Database, name: str) -> None:
    """Remove a user; that ends the sessions too.

    Raises:
        ValueError: where there is no such user.
    """
    with store.write() as session:
        session.delete(_account(session, name))


def _account(session: Session, name: str) -> Account:
    account = session.get(Account, name)
    if account is None:
        raise ValueError(f"there is no user {name}")
    return account
