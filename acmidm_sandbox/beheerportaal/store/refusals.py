"""Token requests that were refused. Only the newest are kept, so that nobody fills the disk with
them, and no stranger pushes out what a client surely sent."""

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from acmidm_sandbox.beheerportaal.documents import Refusal, RefusalPage
from acmidm_sandbox.beheerportaal.limits import (
    MOST_REFUSALS,
    MOST_REFUSALS_OF_STRANGERS,
    MOST_UNPROVEN_REFUSALS,
)
from acmidm_sandbox.beheerportaal.store.audit import newest
from acmidm_sandbox.beheerportaal.store.tables import refusals as table


def add(connection: Connection, refusal: Refusal, *, known: bool) -> None:
    """Keep a refusal, `known` where its client is here, in the place of the oldest of its kind."""
    connection.execute(insert(table), {**refusal.model_dump(), "known": known})
    kind: list[ColumnElement[bool]] = [table.c.known.is_(known)]
    most = MOST_REFUSALS_OF_STRANGERS
    if known:
        kind += [table.c.client_id == refusal.client_id, table.c.proven.is_(refusal.proven)]
        most = MOST_REFUSALS if refusal.proven else MOST_UNPROVEN_REFUSALS
    kept = select(table.c.seq).where(*kind).order_by(table.c.seq.desc()).limit(most)
    connection.execute(delete(table).where(*kind, table.c.seq.not_in(kept)))


def page(
    connection: Connection, client_id: str | None, limit: int, after: int | None
) -> RefusalPage:
    """At most `limit` refusals older than number `after`, of requests that name a client or of all,
    newest first."""
    items, following = newest(connection, table, Refusal, client_id, limit, after)
    return RefusalPage(items=items, next=following)
