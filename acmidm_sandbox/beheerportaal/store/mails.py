"""What the post office received."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Integer,
    LargeBinary,
    RowMapping,
    Table,
    Text,
    UniqueConstraint,
    and_,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Session

from acmidm_sandbox.beheerportaal.store.clients import SHARED_KBO_NUMBER
from acmidm_sandbox.beheerportaal.store.database import Base, now

# The same mail for one organisation is one row, however often it came. One without a Message-ID is
# like no other.
table = Table(
    "mails",
    Base.metadata,
    Column("seq", Integer, primary_key=True),
    Column("organisation", Text, nullable=False),  # its code; empty where the mail names none
    Column("connection", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("message_id", Text),
    Column("subject", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("recipients", JSON, nullable=False),
    Column("received_at", Text, nullable=False),
    Column("times", Integer, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    UniqueConstraint("organisation", "message_id"),
    sqlite_autoincrement=True,
)
_LISTED = [column for column in table.c if column is not table.c.raw]


@dataclass(frozen=True, slots=True)
class Headers:
    """What a mail says of itself; a header that it has not is empty. `organisation` is the code in
    `connection`, if there is one."""

    message_id: str
    connection: str
    organisation: str
    step: str
    subject: str
    sender: str
    to: str


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A mail as it is listed. It came `times` times with the same Message-ID, the first time at
    `received_at` (ISO 8601, UTC)."""

    seq: int
    organisation: str
    connection: str
    step: str
    message_id: str | None
    subject: str
    sender: str
    recipients: list[str]
    received_at: str
    times: int


def of_organisation(ovo: str | None, kbo: str | None) -> ColumnElement[bool]:
    """Return the mails about an organisation's connections; those that name no organisation are
    nobody's, and so are those of a shared number."""
    codes = {code for code in (ovo, kbo) if code and code != SHARED_KBO_NUMBER}
    return table.c.organisation.in_(codes)


def receive(session: Session, headers: Headers, recipients: Sequence[str], raw: bytes) -> None:
    """Keep a mail. The same Message-ID for the same organisation is the same mail, received once
    more."""
    if headers.message_id:
        same = and_(
            table.c.organisation == headers.organisation, table.c.message_id == headers.message_id
        )
        row = session.execute(select(table.c.seq, table.c.recipients).where(same)).one_or_none()
        if row is not None:
            everyone = [
                *row.recipients,
                *(address for address in recipients if address not in row.recipients),
            ]
            session.execute(
                update(table).where(same).values(times=table.c.times + 1, recipients=everyone)
            )
            return
    values = {
        "organisation": headers.organisation,
        "connection": headers.connection,
        "step": headers.step,
        "message_id": headers.message_id or None,
        "subject": headers.subject,
        "sender": headers.sender,
        "recipients": list(recipients),
        "received_at": now(),
        "times": 1,
        "raw": raw,
    }
    session.execute(insert(table), values)


def page(
    session: Session, condition: ColumnElement[bool], limit: int, after: int | None
) -> tuple[list[StoredMail], int | None]:
    """At most `limit` mails older than number `after`, newest first; and the number to go on after,
    where there are more."""
    query = select(*_LISTED).where(condition).order_by(table.c.seq.desc()).limit(limit + 1)
    if after is not None:
        query = query.where(table.c.seq < after)
    mails = [StoredMail(**row) for row in session.execute(query).mappings()]
    return mails[:limit], mails[limit - 1].seq if len(mails) > limit else None


def find(
    session: Session, condition: ColumnElement[bool], number: int
) -> tuple[StoredMail, bytes] | None:
    """Return the mail with this number and its bytes, where the condition holds for it."""
    row = (
        session.execute(select(table).where(and_(condition, table.c.seq == number)))
        .mappings()
        .one_or_none()
    )
    return None if row is None else _with_bytes(row)


def everything(session: Session) -> Iterator[tuple[StoredMail, bytes]]:
    """Yield all mails with their bytes, newest first, one by one."""
    for row in session.execute(select(table).order_by(table.c.seq.desc())).mappings():
        yield _with_bytes(row)


def _with_bytes(row: RowMapping) -> tuple[StoredMail, bytes]:
    return StoredMail(**{name: value for name, value in row.items() if name != "raw"}), row["raw"]
