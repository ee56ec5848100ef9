"""The audit trail, written in the transaction of the change itself."""

from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel
from sqlalchemy import Connection, func, insert, select

from beheerportaal.documents import Action, AuditEntry, AuditPage
from beheerportaal.plain import plain
from beheerportaal.store.tables import audit

_LONGEST_PAGE = 2**20  # bytes of documents


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
    """At most `limit` entries older than number `after`, newest first; fewer where their documents are large, but one at least."""
    size = func.coalesce(func.length(audit.c.before), 0) + func.coalesce(func.length(audit.c.after), 0)
    query = select(audit, size.label("size")).order_by(audit.c.seq.desc()).limit(limit + 1)
    if client_id is not None:
        query = query.where(audit.c.client_id == client_id)
    if after is not None:
        query = query.where(audit.c.seq < after)
    items: list[AuditEntry] = []
    left, last = _LONGEST_PAGE, 0
    with connection.execute(query) as found:
        rows = found.mappings()
        # One by one: SQLite reads no row that is not asked for.
        while row := rows.fetchone():
            left -= row["size"]
            if len(items) == limit or (items and left < 0):
                return AuditPage(items=items, next=str(last))
            last = row["seq"]
            items.append(AuditEntry.model_construct(**{name: value for name, value in row.items() if name not in ("seq", "size")}))
    return AuditPage(items=items, next=None)


def last_actor(connection: Connection, client_id: str, action: Action) -> tuple[str, str] | None:
    """When and by whom a client was last changed so."""
    query = select(audit.c.at, audit.c.actor).where(audit.c.client_id == client_id, audit.c.action == action)
    row = connection.execute(query.order_by(audit.c.seq.desc()).limit(1)).one_or_none()
    return None if row is None else (row.at, row.actor)
