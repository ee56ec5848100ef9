"""Sessions of the web interface."""

import hashlib
import secrets
import time

from sqlalchemy import Connection, delete, insert, select

from acmidm_sandbox.beheerportaal.store.tables import sessions

LONGEST_SECONDS = 8 * 3600


def start(connection: Connection, user_name: str) -> str:
    """Start a session of a user, clear away ended ones, and return its token, which only the
    browser keeps."""
    now = int(time.time())
    connection.execute(delete(sessions).where(sessions.c.ends_at < now))
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(sessions),
        {"token_hash": _digest(token), "user_name": user_name, "ends_at": now + LONGEST_SECONDS},
    )
    return token


def user_of(connection: Connection, token: str) -> str | None:
    """Return the name of the user whose session a token is of, None where it has ended."""
    query = select(sessions.c.user_name).where(
        sessions.c.token_hash == _digest(token), sessions.c.ends_at >= int(time.time())
    )
    name: str | None = connection.execute(query).scalar_one_or_none()
    return name


def end(connection: Connection, token: str) -> None:
    """End a session."""
    connection.execute(delete(sessions).where(sessions.c.token_hash == _digest(token)))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
