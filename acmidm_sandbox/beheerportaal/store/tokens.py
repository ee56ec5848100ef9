"""What the token endpoint keeps: access tokens, used assertions, and its own key."""

import time
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from acmidm_sandbox.beheerportaal.store.database import AsJson, Base


class AccessToken(Base):
    """What an access token stands for; of the token itself only a hash is kept. `credential` is the
    key (by its thumbprint) or the secret (by a hash) that it was requested with; times are seconds
    since 1970."""

    __tablename__ = "access_tokens"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(index=True)
    credential: Mapped[str]
    scope: Mapped[str]
    audiences: Mapped[list[str]] = mapped_column(AsJson(list[str]))
    issued_at: Mapped[int]
    expires_at: Mapped[int] = mapped_column(index=True)


class UsedAssertion(Base):
    """An assertion that was used. It is kept until it would be refused for its age."""

    __tablename__ = "used_assertions"

    client_id: Mapped[str] = mapped_column(primary_key=True)
    jti: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[int] = mapped_column(index=True)


class ServerKey(Base):
    """The key pair that signs the JWTs of introspection."""

    __tablename__ = "server_keys"

    kid: Mapped[str] = mapped_column(primary_key=True)
    private_jwk: Mapped[dict[str, Any]] = mapped_column(AsJson(dict[str, Any]))


def remove_expired(session: Session, kind: type[AccessToken] | type[UsedAssertion]) -> None:
    """Remove the rows of a table whose `expires_at` has passed."""
    expired = delete(kind).where(kind.expires_at < int(time.time()))
    session.execute(expired, execution_options={"synchronize_session": False})
