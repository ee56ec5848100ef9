"""Requests to couple a client to an API, until they are approved."""

from collections.abc import Collection

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from acmidm_sandbox.beheerportaal.documents import CouplingRequest
from acmidm_sandbox.beheerportaal.store.clients import StoredClient, find
from acmidm_sandbox.beheerportaal.store.tables import coupling_requests as table


def of_client(connection: Connection, client_id: str) -> dict[str, CouplingRequest]:
    """The requests of a client, by Referentie."""
    rows = connection.execute(select(table).where(table.c.client_id == client_id)).mappings()
    return {row["referentie"]: CouplingRequest.model_construct(**row) for row in rows}


def waiting(connection: Connection, apis: Collection[str]) -> list[tuple[CouplingRequest, StoredClient]]:
    """The requests for any of these APIs that nobody decided about, the longest waiting first, each with its client."""
    query = select(table).where(table.c.referentie.in_(apis), table.c.refusal.is_(None)).order_by(table.c.requested_at)
    requests = [CouplingRequest.model_construct(**row) for row in connection.execute(query).mappings()]
    return [(request, client) for request in requests if (client := find(connection, request.client_id))]


def put(connection: Connection, request: CouplingRequest) -> None:
    """Keeps a request, in place of an earlier one of the client for the API."""
    values = request.model_dump()
    statement = insert(table).values(values)
    connection.execute(statement.on_conflict_do_update(index_elements=["client_id", "referentie"], set_=values))


def remove(connection: Connection, client_id: str, referentie: str) -> None:
    """Forgets a request."""
    connection.execute(delete(table).where(table.c.client_id == client_id, table.c.referentie == referentie))
