"""What DOSIS received: uploads, and what became of them. A dossier is its newest upload."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from acmidm_sandbox.beheerportaal.store.tables import uploads as table


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


def processed(connection: Connection, client_id: str, **values: str) -> Sequence[RowMapping]:
    """Return what became of the uploads whose columns have these values, the newest first; one that
    was not processed yet is not among them. `processed_at` is in seconds since 1970; an upload
    without `errors` succeeded."""
    conditions = [table.c[name] == value for name, value in values.items()]
    query = select(table).where(
        table.c.client_id == client_id, table.c.processed_at.is_not(None), *conditions
    )
    return connection.execute(query.order_by(table.c.seq.desc())).mappings().all()


def remove(connection: Connection, client_id: str, source: str, dossier_number: str) -> bool:
    """Remove a dossier with all its uploads; False where there is none."""
    dossier = (
        table.c.client_id == client_id,
        table.c.source == source,
        table.c.dossier_number == dossier_number,
    )
    return connection.execute(delete(table).where(*dossier)).rowcount > 0
