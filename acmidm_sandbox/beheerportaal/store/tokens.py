"""What the token endpoint remembers: access tokens, the assertions that were used, and the key that
signs the copies of tokens."""

import time
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from acmidm_sandbox.beheerportaal.store.database import AsJson, Base


class AccessToken(Base):
    """What an access token, of which only the hash is kept, stands for. `credential` is the key or
    secret that it was requested with; times are seconds since 1970."""

    __tablename__ = "access_tokens"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(index=True)
    credential: Mapped[str]
    scope: Mapped[str]
    audiences: Mapped[list[str]] = mapped_column(AsJson(list[str]))
    issued_at: Mapped[int]
    expires_at: Mapped[int] = mapped_column(index=True)


class UsedAssertion(Base):
    """An assertion that was used, until the time when it would be refused anyway."""

    __tablename__ = "used_assertions"

    client_id: Mapped[str] = mapped_column(primary_key=True)
    jti: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[int] = mapped_column(index=True)


class ServerKey(Base):
    """The portal's own key pair."""

    __tablename__ = "server_keys"

    kid: Mapped[str] = mapped_column(primary_key=True)
    private_jwk: Mapped[dict[str, Any]] = mapped_column(AsJson(dict[str, Any]))


def forget_ended(session: Session, kind: type[AccessToken] | type[UsedAssertion]) -> None:
    """Remove the rows whose time is over."""
    ended = delete(kind).where(kind.expires_at < int(time.time()))
    session.execute(ended, execution_options={"synchronize_session": False})
