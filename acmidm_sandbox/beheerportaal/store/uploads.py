"""What DOSIS received: uploads, and what became of them. A dossier is its newest upload."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Index, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from acmidm_sandbox.beheerportaal.store.database import NEVER_AGAIN, AsJson, Numbered


class Upload(Numbered):
    """An upload. Times are in seconds since 1970; `processed_at` is null until it was processed.
    One without `errors` succeeded."""

    __tablename__ = "uploads"
    __table_args__ = (
        UniqueConstraint("client_id", "upload_id"),
        Index("ix_uploads_dossier", "client_id", "source", "dossier_number"),
        NEVER_AGAIN,
    )

    client_id: Mapped[str] = mapped_column(index=True)
    upload_id: Mapped[str]
    source: Mapped[str]
    dossier_number: Mapped[str]
    document: Mapped[dict[str, Any]] = mapped_column(AsJson(dict[str, Any]))
    due_at: Mapped[float]
    processed_at: Mapped[float | None]
    errors: Mapped[list[str] | None] = mapped_column(AsJson(list[str]))


def add(
    session: Session, client_id: str, upload_id: str, document: dict[str, Any], due_at: float
) -> None:
    """Keep an upload that will be processed at that time, in the place of one with the same
    upload_id."""
    same = (Upload.client_id == client_id, Upload.upload_id == upload_id)
    session.execute(delete(Upload).where(*same))
    identification = document["Identificatie"]
    session.add(
        Upload(
            client_id=client_id,
            upload_id=upload_id,
            source=identification["Bron"],
            dossier_number=identification["DossierNummer"],
            document=document,
            due_at=due_at,
        )
    )


def due(
    session: Session, client_id: str, until: float
) -> Sequence[tuple[int, dict[str, Any], float]]:
    """Return the uploads that are to be processed, the oldest first: number, document, when it was
    due."""
    waiting = (
        Upload.client_id == client_id,
        Upload.processed_at.is_(None),
        Upload.due_at <= until,
    )
    query = select(Upload).where(*waiting).order_by(Upload.seq)
    return [(upload.seq, upload.document, upload.due_at) for upload in session.scalars(query)]


def finish(session: Session, number: int, processed_at: float, errors: list[str]) -> None:
    """Note what became of an upload, once."""
    upload = session.get(Upload, number)
    if upload is not None and upload.processed_at is None:
        upload.processed_at = processed_at
        upload.errors = errors


def processed(session: Session, client_id: str, **values: str) -> Sequence[Upload]:
    """Return the uploads of a client whose columns have these values and that were processed, the
    newest first."""
    query = select(Upload).filter_by(client_id=client_id, **values)
    query = query.where(Upload.processed_at.is_not(None)).order_by(Upload.seq.desc())
    return session.scalars(query).all()


def remove(session: Session, client_id: str, source: str, dossier_number: str) -> bool:
    """Remove a dossier with all its uploads; False where there is none."""
    dossier = (
        Upload.client_id == client_id,
        Upload.source == source,
        Upload.dossier_number == dossier_number,
    )
    return session.scalars(delete(Upload).where(*dossier).returning(Upload.seq)).first() is not None
