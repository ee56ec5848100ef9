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
from acmidm_sandbox.beheerportaal.store.database import AsJson, Base, Numbered, utc_now
from acmidm_sandbox.beheerportaal.store.products import Notification, Upload

# Of all departments of the Flemish administration: it identifies none of them.
SHARED_KBO_NUMBER = "0316380841"


@dataclass(frozen=True, slots=True)
class LastRefusal:
    """When the last token request of a client was refused, and by which rule of `rules.yaml`. One
    that somebody else may have sent does not count."""

    at: datetime
    rule: str


def _in_document(path: str, **options: Any) -> Mapped[str | None]:
    """Return a column that SQLite fills in with a member of the column `document`."""
    return mapped_column(Computed(f"json_extract(document, '$.{path}')"), **options)


class StoredClient(Numbered):
    """A client: three documents, each changed as a whole and with its version; and its secrets."""

    __tablename__ = "clients"

    client_id: Mapped[str] = mapped_column(unique=True)
    document: Mapped[ClientDocument] = mapped_column(AsJson(ClientDocument))
    client_version: Mapped[int]
    scopes: Mapped[ScopesDocument] = mapped_column(AsJson(ScopesDocument))
    scopes_version: Mapped[int]
    jwks: Mapped[JwksDocument] = mapped_column(AsJson(JwksDocument))
    jwks_version: Mapped[int]
    client_secret_hash: Mapped[str | None]
    # Of the secret before that one, which works until previous_client_secret_expires_at.
    previous_client_secret_hash: Mapped[str | None]
    last_refusal: Mapped[LastRefusal | None] = mapped_column(AsJson(LastRefusal))

    software_id: Mapped[str | None] = _in_document("software_id", unique=True)
    managed_by: Mapped[str | None] = _in_document("managed_by", index=True)
    application: Mapped[str | None] = _in_document("application", index=True)
    ovo: Mapped[str | None] = _in_document("organisation.ovo", index=True)
    kbo: Mapped[str | None] = _in_document("organisation.kbo", index=True)

    def previous_in_force(self, now: float) -> str | None:
        """Return the hash of the previous secret; None where there is none, or it has ended."""
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
    """A request to couple a client to an API: removed when it is approved, kept when refused."""

    __tablename__ = "coupling_requests"

    client_id: Mapped[str] = mapped_column(primary_key=True)
    referentie: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[CouplingRequest] = mapped_column(AsJson(CouplingRequest))


class StoredKeyUse(Base):
    """The last time that a client got a token with a key."""

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
    """Write the next version of a client's keys, and remove the uses of keys that are gone."""
    client.jwks = jwks
    client.jwks_version += 1
    thumbprints = list(map(thumbprint, jwks.keys))
    is_of_client = StoredKeyUse.client_id == client.client_id
    is_of_old_key = StoredKeyUse.thumbprint.not_in(thumbprints)
    session.execute(delete(StoredKeyUse).where(is_of_client, is_of_old_key))


def remove(session: Session, client_id: str) -> None:
    """Remove a client with its scopes, keys and couplings, and with what it sent to the products.
    Its configurations and the audit trail stay."""
    for kind in (StoredClient, StoredCoupling, StoredKeyUse, Upload, Notification):
        session.execute(delete(kind).where(kind.client_id == client_id))


def belongs_to_organisation(ovo: str | None, kbo: str | None) -> ColumnElement[bool]:
    """Return the SQL condition that a client is of the organisation with these codes.

    For an organisation with an OVO code: the client has it, or has the KBO number and no OVO code.
    For one without: the client has the KBO number, and no OVO code, or the only one that clients
    with this number have. Departments can share a KBO number, and are then known by OVO code alone.
    """
    has_kbo = false() if kbo is None or kbo == SHARED_KBO_NUMBER else StoredClient.kbo == kbo
    if ovo is not None:
        return or_(StoredClient.ovo == ovo, and_(has_kbo, StoredClient.ovo.is_(None)))
    count_codes = select(func.count(StoredClient.ovo.distinct())).where(StoredClient.kbo == kbo)
    number_of_codes = count_codes.correlate(None).scalar_subquery()
    return and_(has_kbo, or_(StoredClient.ovo.is_(None), number_of_codes == 1))


def couplings_of(session: Session, client_id: str) -> dict[str, CouplingRequest]:
    """Return a client's requests for couplings, also refused ones, by the API's Referentie."""
    rows = session.scalars(select(StoredCoupling).where(StoredCoupling.client_id == client_id))
    return {row.referentie: row.request for row in rows}


def keys_in_use(session: Session, client_id: str) -> KeysInUse:
    """Return the keys of a client that got a token, the last used first."""
    of_client = select(StoredKeyUse.use).where(StoredKeyUse.client_id == client_id)
    uses = session.scalars(of_client.order_by(StoredKeyUse.thumbprint))
    return KeysInUse(items=sorted(uses, key=lambda use: use.last_used_at, reverse=True))


def audit(
    session: Session,
    actor: str,
    action: Action,
    client_id: str,
    path: str,
    *,
    before: BaseModel | None = None,
    after: BaseModel | None = None,
) -> None:
    """Add a line to the audit trail, in the transaction of the change: who did what to which
    client. `before` and `after` are the document at `path` as a GET returns it, never with a
    secret; None where it is created or removed."""
    entry = AuditEntry(
        at=utc_now(),
        actor=actor,
        action=action,
        client_id=client_id,
        document=path,
        before=None if before is None else before.model_dump(),
        after=None if after is None else after.model_dump(),
    )
    session.add(StoredChange(client_id=client_id, entry=entry))
