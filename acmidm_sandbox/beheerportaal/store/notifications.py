"""What Notificaties accepted: notifications."""

from typing import Any

from sqlalchemy import UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from acmidm_sandbox.beheerportaal.store.database import NEVER_AGAIN, AsJson, Numbered, now


class Notification(Numbered):
    """A notification; its Id is its client's."""

    __tablename__ = "notifications"
    __table_args__ = (UniqueConstraint("client_id", "notification_id"), NEVER_AGAIN)

    received_at: Mapped[str]
    client_id: Mapped[str] = mapped_column(index=True)
    notification_id: Mapped[str]
    document: Mapped[dict[str, Any]] = mapped_column(AsJson(dict[str, Any]))


def has(session: Session, client_id: str, notification_id: str) -> bool:
    """Return whether the client sent a notification with this Id."""
    its = (Notification.client_id == client_id, Notification.notification_id == notification_id)
    return session.scalar(select(Notification.seq).where(*its)) is not None


def add(session: Session, client_id: str, document: dict[str, Any]) -> None:
    """Keep a notification whose Id is new."""
    session.add(
        Notification(
            received_at=now(),
            client_id=client_id,
            notification_id=document["Id"],
            document=document,
        )
    )
