"""Requests to couple a client to an API, until they are approved."""

from collections.abc import Collection

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from acmidm_sandbox.beheerportaal.documents import ClientDocument, CouplingRequest
from acmidm_sandbox.beheerportaal.store.clients import find
from acmidm_sandbox.beheerportaal.store.tables import coupling_requests as table


def of_client(connection: Connection, client_id: str) -> dict[str, CouplingRequest]:
    """Return the requests of a client, by Referentie."""
    rows = connection.execute(select(table).where(table.c.client_id == client_id)).mappings()
    return {row["referentie"]: CouplingRequest.model_construct(**row) for row in rows}


def waiting(connection: Connection, apis: Collection[str]) -> list[tuple[str, ClientDocument]]:
    """Return which clients wait to be coupled to any of these APIs, with its Referentie, the
    longest waiting first."""
    query = (
        select(table)
        .where(table.c.referentie.in_(apis), table.c.refusal.is_(None))
        .order_by(table.c.requested_at)
    )
    requests = connection.execute(query).all()
    return [
        (row.referentie, client.document)
        for row in requests
        if (client := find(connection, row.client_id))
    ]


def put(connection: Connection, request: CouplingRequest) -> None:
    """Keep a request, in place of an earlier one of the client for the API."""
    values = request.model_dump()
    statement = insert(table).values(values)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["client_id", "referentie"], set_=values)
    )


def remove(connection: Connection, client_id: str, referentie: str) -> None:
    """Forgets a request."""
    connection.execute(
        delete(table).where(table.c.client_id == client_id, table.c.referentie == referentie)
    )
