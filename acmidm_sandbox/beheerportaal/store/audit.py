"""The audit trail, written in the transaction of the change itself."""

from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel
from sqlalchemy import Connection, insert, select

from acmidm_sandbox.beheerportaal.documents import Action, AuditEntry, AuditPage
from acmidm_sandbox.beheerportaal.store.tables import audit


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one document; `before` and `after` are what a reader of the document sees,
    so never a secret."""

    action: Action
    client_id: str
    document: str
    before: BaseModel | None
    after: BaseModel | None


def now() -> str:
    """Return the time in ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def record(connection: Connection, actor: str, change: Change) -> None:
    """Add a line to the trail."""
    connection.execute(
        insert(audit),
        {
            "at": now(),
            "actor": actor,
            "action": change.action,
            "client_id": change.client_id,
            "document": change.document,
            "before": change.before and change.before.model_dump(),
            "after": change.after and change.after.model_dump(),
        },
    )


def page(connection: Connection, client_id: str | None, limit: int, after: int | None) -> AuditPage:
    """At most `limit` entries of a client or of all that are older than number `after`, newest
    first."""
    query = select(audit).order_by(audit.c.seq.desc()).limit(limit + 1)
    if client_id is not None:
        query = query.where(audit.c.client_id == client_id)
    if after is not None:
        query = query.where(audit.c.seq < after)
    rows = connection.execute(query).mappings().all()
    items = [
        AuditEntry.model_construct(**{name: row[name] for name in AuditEntry.model_fields})
        for row in rows[:limit]
    ]
    return AuditPage(items=items, next=str(rows[limit - 1]["seq"]) if len(rows) > limit else None)


def last_actor(connection: Connection, client_id: str, action: Action) -> tuple[str, str] | None:
    """When and by whom a client was last changed so."""
    query = select(audit.c.at, audit.c.actor).where(
        audit.c.client_id == client_id, audit.c.action == action
    )
    row = connection.execute(query.order_by(audit.c.seq.desc()).limit(1)).one_or_none()
    return None if row is None else (row.at, row.actor)
