"""Sessions of the web interface."""

import hashlib
import secrets
import time
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from beheerportaal.store.tables import sessions

LONGEST_SECONDS = 8 * 3600
IDLE_SECONDS = 30 * 60
# Seen again sooner than this, a session's time is not written anew: a page is read without waiting for the disk.
_TOUCH_SECONDS = 60


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session; `user_name` is None until someone has logged on. `idle_at`, when it ends unless it is used, is never after `ends_at`."""

    token_hash: str
    user_name: str | None
    csrf_token: str
    ends_at: int
    idle_at: int

    @property
    def needs_touch(self) -> bool:
        """Whether its use has to be written down, lest it ends for idleness."""
        return min(time.time() + IDLE_SECONDS, self.ends_at) - self.idle_at > _TOUCH_SECONDS


def start(connection: Connection, user_name: str | None) -> tuple[str, StoredSession]:
    """A new session and its token, which only the browser keeps. Clears away those that have ended."""
    now = int(time.time())
    connection.execute(delete(sessions).where(sessions.c.idle_at < now))
    token = secrets.token_urlsafe(32)
    session = StoredSession(_digest(token), user_name, secrets.token_urlsafe(32), now + LONGEST_SECONDS, now + IDLE_SECONDS)
    connection.execute(
        insert(sessions),
        {
            "token_hash": session.token_hash,
            "user_name": user_name,
            "csrf_token": session.csrf_token,
            "ends_at": session.ends_at,
            "idle_at": session.idle_at,
        },
    )
    return token, session


def find(connection: Connection, token: str) -> StoredSession | None:
    """The session of a token, None where it has ended."""
    now = int(time.time())
    query = select(sessions).where(sessions.c.token_hash == _digest(token), sessions.c.idle_at >= now, sessions.c.ends_at >= now)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else StoredSession(**row)


def touch(connection: Connection, session: StoredSession) -> None:
    """Notes that the session is in use."""
    idle_at = min(int(time.time()) + IDLE_SECONDS, session.ends_at)
    connection.execute(update(sessions).where(sessions.c.token_hash == session.token_hash).values(idle_at=idle_at))


def end(connection: Connection, session: StoredSession) -> None:
    """Ends the session."""
    connection.execute(delete(sessions).where(sessions.c.token_hash == session.token_hash))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
