"""Clients, and what is kept about them: their documents and secrets, couplings that they wait for,
the keys that they use, and the audit trail."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Computed, and_, bindparam, delete, false, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from acmidm_sandbox.beheerportaal.documents import (
    Action,
    AuditEntry,
    ClientDocument,
    ClientItem,
    CouplingRequest,
    Etags,
    JwksDocument,
    KeyInUse,
    KeysInUse,
    ScopesDocument,
)
from acmidm_sandbox.beheerportaal.http import etag
from acmidm_sandbox.beheerportaal.jwk import thumbprint
from acmidm_sandbox.beheerportaal.store.database import AsJson, Base, Numbered, now
from acmidm_sandbox.beheerportaal.store.products import Notification, Upload

# Of all departments of the Flemish administration: it identifies none of them.
SHARED_KBO_NUMBER = "0316380841"


@dataclass(frozen=True, slots=True)
class LastRefusal:
    """When a token request was refused that had proved to be the client's, and by which rule of the
    token endpoint."""

    at: datetime
    rule: str


def _in_document(path: str, **how: Any) -> Mapped[str | None]:
    """Return a column that SQLite fills in from the client's document."""
    return mapped_column(Computed(f"json_extract(document, '$.{path}')"), **how)


class StoredClient(Numbered):
    """A client: three documents with a version each, for the unit of a change is a whole document;
    and the hashes of its secrets."""

    __tablename__ = "clients"

    client_id: Mapped[str] = mapped_column(unique=True)
    document: Mapped[ClientDocument] = mapped_column(AsJson(ClientDocument))
    client_version: Mapped[int] = mapped_column(default=1)
    scopes: Mapped[ScopesDocument] = mapped_column(AsJson(ScopesDocument))
    scopes_version: Mapped[int] = mapped_column(default=1)
    jwks: Mapped[JwksDocument] = mapped_column(AsJson(JwksDocument))
    jwks_version: Mapped[int] = mapped_column(default=1)
    client_secret_hash: Mapped[str | None]
    # Of the secret before, which works until its end.
    previous_client_secret_hash: Mapped[str | None]
    last_refusal: Mapped[LastRefusal | None] = mapped_column(AsJson(LastRefusal))

    software_id: Mapped[str | None] = _in_document("software_id", unique=True)
    managed_by: Mapped[str | None] = _in_document("managed_by", index=True)
    application: Mapped[str | None] = _in_document("application", index=True)
    ovo: Mapped[str | None] = _in_document("organisation.ovo", index=True)
    kbo: Mapped[str | None] = _in_document("organisation.kbo", index=True)

    def previous_in_force(self, now: float) -> str | None:
        """Return the hash of the secret before, as long as it works."""
        ends_at = self.document.previous_client_secret_expires_at or 0
        return self.previous_client_secret_hash if ends_at > now else None

    def has_any(self, scopes: Collection[str]) -> bool:
        """Return whether at least one of these scopes is granted."""
        return not set(scopes).isdisjoint(self.scopes.scopes)

    @property
    def item(self) -> ClientItem:
        """The client as lists give it."""
        return ClientItem.model_construct(
            **dict(self.document),
            scopes=self.scopes.scopes,
            default_scopes=self.scopes.default,
            jwks=self.jwks,
            etags=Etags(
                client=etag(self.client_version),
                scopes=etag(self.scopes_version),
                jwks=etag(self.jwks_version),
            ),
        )


class StoredCoupling(Base):
    """A request to couple a client to an API, until it is approved."""

    __tablename__ = "coupling_requests"

    client_id: Mapped[str] = mapped_column(primary_key=True)
    referentie: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[CouplingRequest] = mapped_column(AsJson(CouplingRequest))


class StoredKeyUse(Base):
    """A key of a client that got a token: when it did last, and whether the assertion that it
    signed named it."""

    __tablename__ = "keys_in_use"

    client_id: Mapped[str] = mapped_column(primary_key=True)
    thumbprint: Mapped[str] = mapped_column(primary_key=True)
    use: Mapped[KeyInUse] = mapped_column(AsJson(KeyInUse))


class StoredChange(Numbered):
    """A line of the audit trail."""

    __tablename__ = "audit"

    client_id: Mapped[str] = mapped_column(index=True)
    entry: Mapped[AuditEntry] = mapped_column(AsJson(AuditEntry))


_CLIENT = select(StoredClient).where(StoredClient.client_id == bindparam("client_id"))


def find(session: Session, client_id: str) -> StoredClient | None:
    """Return the client, or None."""
    return session.scalar(_CLIENT, {"client_id": client_id})


def replace_jwks(session: Session, client: StoredClient, jwks: JwksDocument) -> None:
    """Write the set of keys under the next version, and forget the use of those that are gone."""
    client.jwks = jwks
    client.jwks_version += 1
    thumbprints = list(map(thumbprint, jwks.keys))
    of_client = StoredKeyUse.client_id == client.client_id
    is_gone = StoredKeyUse.thumbprint.not_in(thumbprints)
    session.execute(delete(StoredKeyUse).where(of_client, is_gone))


def remove(session: Session, client_id: str) -> None:
    """Remove the client with its scopes and keys, and with what it sent: nobody else would ever
    remove that."""
    for kind in (StoredClient, StoredCoupling, StoredKeyUse, Upload, Notification):
        session.execute(delete(kind).where(kind.client_id == client_id))


def of_organisation(ovo: str | None, kbo: str | None) -> ColumnElement[bool]:
    """Return the clients of an organisation. Where both sides have an OVO code it decides.

    A KBO number is for clients without an OVO code, and for others where all with the number have
    one OVO code: departments can share it.
    """
    by_kbo = false() if kbo is None or kbo == SHARED_KBO_NUMBER else StoredClient.kbo == kbo
    if ovo is not None:
        return or_(StoredClient.ovo == ovo, and_(by_kbo, StoredClient.ovo.is_(None)))
    with_number = select(func.count(StoredClient.ovo.distinct())).where(StoredClient.kbo == kbo)
    codes = with_number.correlate(None).scalar_subquery()
    return and_(by_kbo, or_(StoredClient.ovo.is_(None), codes == 1))


def couplings_of(session: Session, client_id: str) -> dict[str, CouplingRequest]:
    """Return the requests of a client, by Referentie."""
    rows = session.scalars(select(StoredCoupling).where(StoredCoupling.client_id == client_id))
    return {row.referentie: row.request for row in rows}


def keys_in_use(session: Session, client_id: str) -> KeysInUse:
    """Return the keys of a client that got a token, the last used first."""
    its = (
        select(StoredKeyUse.use)
        .where(StoredKeyUse.client_id == client_id)
        .order_by(StoredKeyUse.thumbprint)
    )
    uses = session.scalars(its).all()
    return KeysInUse(items=sorted(uses, key=lambda use: use.last_used_at, reverse=True))


def record(
    session: Session,
    actor: str,
    action: Action,
    client_id: str,
    path: str,
    *,
    before: BaseModel | None = None,
    after: BaseModel | None = None,
) -> None:
    """Add a line to the audit trail, in the transaction of the change itself. `before` and `after`
    are what a reader of the document at `path` sees, so never a secret."""
    entry = AuditEntry(
        at=now(),
        actor=actor,
        action=action,
        client_id=client_id,
        document=path,
        before=_content(before),
        after=_content(after),
    )
    session.add(StoredChange(client_id=client_id, entry=entry))


def _content(document: BaseModel | None) -> dict[str, Any] | None:
    return None if document is None else document.model_dump()
