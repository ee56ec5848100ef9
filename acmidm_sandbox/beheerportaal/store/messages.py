"""What the products' APIs received: notifications, and uploads with what became of them."""

from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from acmidm_sandbox.beheerportaal.store.database import NEVER_AGAIN, AsJson, Numbered


class Notification(Numbered):
    """A notification that Notificaties accepted; its Id is its client's."""

    __tablename__ = "notifications"
    __table_args__ = (UniqueConstraint("client_id", "notification_id"), NEVER_AGAIN)

    received_at: Mapped[str]
    client_id: Mapped[str]
    notification_id: Mapped[str]
    document: Mapped[dict[str, Any]] = mapped_column(AsJson(dict[str, Any]))


class Upload(Numbered):
    """An upload. A dossier is its newest upload. `due_at` is when it is processed, in seconds since
    1970; `errors` is null until it was, and empty where it succeeded."""

    __tablename__ = "uploads"
    __table_args__ = (
        UniqueConstraint("client_id", "upload_id"),
        Index("ix_uploads_dossier", "client_id", "source", "dossier_number"),
        NEVER_AGAIN,
    )

    client_id: Mapped[str]
    upload_id: Mapped[str]
    source: Mapped[str]
    dossier_number: Mapped[str]
    document: Mapped[dict[str, Any]] = mapped_column(AsJson(dict[str, Any]))
    due_at: Mapped[float]
    errors: Mapped[list[str] | None] = mapped_column(AsJson(list[str]))
