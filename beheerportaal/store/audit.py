"""The audit trail, written in the transaction of the change itself."""

from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel
from sqlalchemy import Connection, insert, select

from beheerportaal.documents import Action, AuditEntry, AuditPage
from beheerportaal.plain import plain
from beheerportaal.store.tables import audit


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one document; `before` and `after` are what a reader of the document sees, so never a secret."""

    action: Action
    client_id: str
    document: str
    before: BaseModel | None
    after: BaseModel | None


def now() -> str:
    """The time in ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def record(connection: Connection, actor: str, change: Change) -> None:
    """Adds a line to the trail."""
    connection.execute(
        insert(audit),
        {
            "at": now(),
            "actor": actor,
            "action": change.action,
            "client_id": change.client_id,
            "document": change.document,
            "before": plain(change.before),
            "after": plain(change.after),
        },
    )


def page(connection: Connection, client_id: str | None, limit: int, after: int | None) -> AuditPage:
    """At most `limit` entries older than number `after`, newest first."""
    query = select(audit).order_by(audit.c.seq.desc()).limit(limit + 1)
    if client_id is not None:
        query = query.where(audit.c.client_id == client_id)
    if after is not None:
        query = query.where(audit.c.seq < after)
    rows = connection.execute(query).mappings().all()
    return AuditPage(
        items=[AuditEntry.model_construct(**{name: value for name, value in row.items() if name != "seq"}) for row in rows[:limit]],
        next=str(rows[limit - 1]["seq"]) if len(rows) > limit else None,
    )
