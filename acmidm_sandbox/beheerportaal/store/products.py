"""What is kept for products: each client's configuration, and what clients sent to their APIs."""

from typing import Any

from sqlalchemy import Index, UniqueConstraint, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from acmidm_sandbox.beheerportaal.documents import ConfigurationDocument, ConfigurationItem
from acmidm_sandbox.beheerportaal.http import etag
from acmidm_sandbox.beheerportaal.store.database import NEVER_AGAIN, AsJson, Numbered


class Configuration(Numbered):
    """A product's configuration for a client; it stays when the client is removed. Its version is
    the time when it was written, in nanoseconds: one that is removed and made again gets another
    ETag."""

    __tablename__ = "product_configurations"
    __table_args__ = (UniqueConstraint("product", "client_id"), NEVER_AGAIN)

    product: Mapped[str]
    client_id: Mapped[str] = mapped_column(index=True)
    document: Mapped[ConfigurationDocument] = mapped_column(AsJson(ConfigurationDocument))
    version: Mapped[int]

    @property
    def item(self) -> ConfigurationItem:
        """The configuration as lists give it."""
        return ConfigurationItem.model_construct(
            **dict(self.document), client_id=self.client_id, etag=etag(self.version)
        )


class Notification(Numbered):
    """A notification that Notificaties accepted; two clients may use the same Id."""

    __tablename__ = "notifications"
    __table_args__ = (UniqueConstraint("client_id", "notification_id"), NEVER_AGAIN)

    received_at: Mapped[str]
    client_id: Mapped[str]
    notification_id: Mapped[str]
    document: Mapped[dict[str, Any]] = mapped_column(AsJson(dict[str, Any]))


class Upload(Numbered):
    """An upload of a dossier to DOSIS. `due_at` is when it is processed, in seconds since 1970;
    `errors` is null until then, and empty where it succeeded."""

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


_CONFIGURATION = select(Configuration).where(
    Configuration.product == bindparam("product"), Configuration.client_id == bindparam("client_id")
)


def find(session: Session, product: str, client_id: str) -> Configuration | None:
    """Return a product's configuration for a client; None where it has none."""
    return session.scalar(_CONFIGURATION, {"product": product, "client_id": client_id})


def configurations_of(session: Session, client_id: str) -> dict[str, dict[str, Any]]:
    """Return the configurations of a client, by the name of the product."""
    rows = session.scalars(select(Configuration).where(Configuration.client_id == client_id))
    return {row.product: row.document.configuration for row in rows}
