"""What DOSIS received: uploads, and what became of them. A dossier is its newest upload."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from acmidm_sandbox.beheerportaal.store.tables import uploads as table


@dataclass(frozen=True, slots=True)
class Processed:
    """What became of an upload. `processed_at` is in seconds since 1970; an upload without `errors`
    succeeded."""

    upload_id: str
    source: str
    dossier_number: str
    processed_at: float
    errors: list[str]


def add(
    connection: Connection, client_id: str, upload_id: str, document: dict[str, Any], due_at: float
) -> None:
    """Keep an upload that will be processed at that time, in the place of one with the same
    upload_id."""
    connection.execute(
        delete(table).where(table.c.client_id == client_id, table.c.upload_id == upload_id)
    )
    identification = document["Identificatie"]
    values = {
        "source": identification["Bron"],
        "dossier_number": identification["DossierNummer"],
        "document": document,
    }
    connection.execute(
        insert(table), {"client_id": client_id, "upload_id": upload_id, "due_at": due_at, **values}
    )


def due(
    connection: Connection, client_id: str, until: float
) -> Sequence[tuple[int, dict[str, Any], float]]:
    """Return the uploads that are to be processed, the oldest first: number, document, when it was
    due."""
    query = select(table.c.seq, table.c.document, table.c.due_at).order_by(table.c.seq)
    waiting = query.where(
        table.c.client_id == client_id, table.c.processed_at.is_(None), table.c.due_at <= until
    )
    return [(row.seq, row.document, row.due_at) for row in connection.execute(waiting)]


def finish(connection: Connection, number: int, processed_at: float, errors: list[str]) -> None:
    """Notes what became of an upload, once."""
    statement = update(table).where(table.c.seq == number, table.c.processed_at.is_(None))
    connection.execute(statement.values(processed_at=processed_at, errors=errors))


def of_upload(connection: Connection, client_id: str, upload_id: str) -> Processed | None:
    """Return what became of the upload; None where there is none, or it was not processed yet."""
    return next(iter(_processed(connection, client_id, table.c.upload_id == upload_id)), None)


def of_dossier(
    connection: Connection, client_id: str, source: str, dossier_number: str
) -> Processed | None:
    """Return what became of the dossier's newest upload that was processed."""
    processed = _processed(
        connection, client_id, table.c.source == source, table.c.dossier_number == dossier_number
    )
    return next(iter(processed), None)


def failures(connection: Connection, client_id: str, source: str) -> list[Processed]:
    """Return the dossiers of a source whose newest upload could not be processed, the newest
    first."""
    newest: dict[str, Processed] = {}
    for upload in _processed(connection, client_id, table.c.source == source):
        newest.setdefault(upload.dossier_number, upload)
    return [upload for upload in newest.values() if upload.errors]


def remove(connection: Connection, client_id: str, source: str, dossier_number: str) -> bool:
    """Remove a dossier with all its uploads; False where there is none."""
    dossier = (
        table.c.client_id == client_id,
        table.c.source == source,
        table.c.dossier_number == dossier_number,
    )
    return connection.execute(delete(table).where(*dossier)).rowcount > 0


def _processed(
    connection: Connection, client_id: str, *conditions: ColumnElement[bool]
) -> list[Processed]:
    columns = (
        table.c.upload_id,
        table.c.source,
        table.c.dossier_number,
        table.c.processed_at,
        table.c.errors,
    )
    query = select(*columns).where(
        table.c.client_id == client_id, table.c.processed_at.is_not(None), *conditions
    )
    return [
        Processed(**row)
        for row in connection.execute(query.order_by(table.c.seq.desc())).mappings()
    ]
