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


def add(session: Session, client_id: str, document: dict[str, Any]) -> bool:
    """Keep a notification; False where the client sent one with its Id before."""
    number = document["Id"]
    its = (Notification.client_id == client_id, Notification.notification_id == number)
    if session.scalar(select(Notification.seq).where(*its)) is not None:
        return False
    session.add(
        Notification(
            received_at=now(), client_id=client_id, notification_id=number, document=document
        )
    )
    return True
