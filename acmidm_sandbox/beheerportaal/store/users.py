"""Who may use the portal: users of the web interface, each of one organisation, with their
sessions; and operators."""

import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from acmidm_sandbox.beheerportaal.documents import Organisation
from acmidm_sandbox.beheerportaal.store.clients import SHARED_KBO_NUMBER
from acmidm_sandbox.beheerportaal.store.database import AsJson, Base

ACTOR_PREFIX = "user:"
ADMINISTRATOR, TEAM = "API-beheerder", "Aansluitingenteam"
LONGEST_SESSION_SECONDS = 8 * 3600


@dataclass(frozen=True, slots=True)
class User:
    """Someone who acts for an organisation; without the right *API-beheerder* that person sees no
    client.

    Who is of the `aansluitingenteam` sees those of all organisations, registers their products, and
    removes them.
    """

    name: str
    ovo: str | None
    kbo: str | None
    api_beheerder: bool
    aansluitingenteam: bool = False
    organisation_name: str = ""

    @property
    def actor(self) -> str:
        """How the audit trail names this user: no operator's client_id may begin like this."""
        return f"{ACTOR_PREFIX}{self.name}"

    @property
    def organisation_code(self) -> str:
        """The OVO code, else the KBO number."""
        return self.ovo or self.kbo or ""

    @property
    def organisation(self) -> Organisation:
        """As a client has it; its code stands for a name that nobody gave."""
        return Organisation(
            name=self.organisation_name or self.organisation_code, ovo=self.ovo, kbo=self.kbo
        )

    @property
    def rights(self) -> list[str]:
        """What the rights are called."""
        rights = {ADMINISTRATOR: self.api_beheerder, TEAM: self.aansluitingenteam}
        return [right for right, holds in rights.items() if holds]


class Account(Base):
    """What a user logs on with."""

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(primary_key=True)
    user: Mapped[User] = mapped_column(AsJson(User))
    password_hash: Mapped[str]


class WebSession(Base):
    """A session of the web interface. Of its token only the hash is kept: who reads the database
    can't take a session over."""

    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_name: Mapped[str] = mapped_column(ForeignKey("users.name", ondelete="CASCADE"), index=True)
    ends_at: Mapped[int] = mapped_column(index=True)


class Operator(Base):
    """An OAuth client that may use the management API: its rights are scopes, its keys public
    JWKs."""

    __tablename__ = "operators"

    client_id: Mapped[str] = mapped_column(primary_key=True)
    rights: Mapped[list[str]] = mapped_column(AsJson(list[str]))
    jwks: Mapped[list[dict[str, Any]]] = mapped_column(AsJson(list[dict[str, Any]]))


def everyone(session: Session) -> list[User]:
    """Return all users, by name."""
    return list(session.scalars(select(Account.user).order_by(Account.name)))


def administrators(session: Session, code: str) -> int:
    """Return how many hold the right *API-beheerder* for the organisation with this OVO code or KBO
    number; nobody by a number that is shared."""
    if code == SHARED_KBO_NUMBER:
        return 0
    holders = (user for user in everyone(session) if user.api_beheerder)
    return sum(code in (user.ovo, user.kbo) for user in holders)


def start_session(session: Session, user_name: str) -> str:
    """Start a session of a user, clear away ended ones, and return its token, which only the
    browser keeps."""
    now = int(time.time())
    session.execute(delete(WebSession).where(WebSession.ends_at < now))
    token = secrets.token_urlsafe(32)
    session.add(
        WebSession(
            token_hash=hash_of(token),
            user_name=user_name,
            ends_at=now + LONGEST_SESSION_SECONDS,
        )
    )
    return token


def user_of_session(session: Session, token: str) -> User | None:
    """Return the user whose session a token is of, None where it has ended."""
    found = session.get(WebSession, hash_of(token))
    if found is None or found.ends_at < int(time.time()):
        return None
    account = session.get(Account, found.user_name)
    return None if account is None else account.user


def hash_of(token: str) -> str:
    """Return what a token is known by: it is random and long, so that its hash needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()
