"""Clients: one row each, which holds three documents (the client, its scopes, its keys) with a
version each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    delete,
    false,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from acmidm_sandbox.beheerportaal.conditions import etag
from acmidm_sandbox.beheerportaal.documents import (
    ClientDocument,
    ClientItem,
    Etags,
    JwksDocument,
    Organisation,
    ScopesDocument,
)
from acmidm_sandbox.beheerportaal.jwk import thumbprint
from acmidm_sandbox.beheerportaal.store import keys_in_use as uses
from acmidm_sandbox.beheerportaal.store.tables import (
    clients,
    coupling_requests,
    keys_in_use,
    notifications,
    uploads,
)

# Of all departments of the Flemish administration: it identifies none of them.
SHARED_KBO_NUMBER = "0316380841"

_DOCUMENT_COLUMNS = tuple(ClientDocument.model_fields)
_METADATA = {
    name for name in ClientDocument.model_fields if name not in ("client_id", "client_id_issued_at")
}


@dataclass(frozen=True, slots=True)
class LastRefusal:
    """When a client's last token request was refused, and by which rule of the token endpoint."""

    at: datetime
    rule: str


@dataclass(frozen=True, slots=True)
class StoredClient:
    """A client with all that is kept about it."""

    document: ClientDocument
    client_secret_hash: str | None
    scopes: ScopesDocument
    jwks: JwksDocument
    client_version: int = 1
    scopes_version: int = 1
    jwks_version: int = 1
    previous_client_secret_hash: str | None = None
    last_refusal: LastRefusal | None = None

    def previous_in_force(self, now: float) -> str | None:
        """Return the hash of the secret before, as long as it works."""
        return (
            self.previous_client_secret_hash
            if (self.document.previous_client_secret_expires_at or 0) > now
            else None
        )

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


def find(connection: Connection, client_id: str) -> StoredClient | None:
    """Return the client, or None."""
    return _one(connection, clients.c.client_id == client_id)


def find_by_software_id(connection: Connection, software_id: str) -> StoredClient | None:
    """Return the one client with this natural key, or None."""
    return _one(connection, clients.c.software_id == software_id)


def add(connection: Connection, client: StoredClient) -> None:
    """Register a client. Its client_id and software_id must be free."""
    connection.execute(
        insert(clients),
        {
            **client.document.model_dump(),
            "client_secret_hash": client.client_secret_hash,
            "scopes": client.scopes.scopes,
            "default_scopes": client.scopes.default,
            "jwks": client.jwks.keys,
            "client_version": client.client_version,
            "scopes_version": client.scopes_version,
            "jwks_version": client.jwks_version,
        },
    )


def replace_document(
    connection: Connection,
    stored: StoredClient,
    document: ClientDocument,
    secret_hash: str | None,
    previous_hash: str | None,
) -> StoredClient:
    """Write the client document and its secrets, under the next version."""
    version = stored.client_version + 1
    hashes = {"client_secret_hash": secret_hash, "previous_client_secret_hash": previous_hash}
    _write(
        connection,
        document.client_id,
        {**document.model_dump(include=_METADATA), **hashes, "client_version": version},
    )
    return replace(
        stored,
        document=document,
        client_secret_hash=secret_hash,
        previous_client_secret_hash=previous_hash,
        client_version=version,
    )


def replace_scopes(
    connection: Connection, stored: StoredClient, scopes: ScopesDocument
) -> StoredClient:
    """Write the set of scopes, under the next version."""
    renewed = replace(stored, scopes=scopes, scopes_version=stored.scopes_version + 1)
    values = {
        "scopes": scopes.scopes,
        "default_scopes": scopes.default,
        "scopes_version": renewed.scopes_version,
    }
    _write(connection, stored.document.client_id, values)
    return renewed


def replace_jwks(connection: Connection, stored: StoredClient, jwks: JwksDocument) -> StoredClient:
    """Write the set of keys, under the next version."""
    renewed = replace(stored, jwks=jwks, jwks_version=stored.jwks_version + 1)
    _write(
        connection,
        stored.document.client_id,
        {"jwks": jwks.keys, "jwks_version": renewed.jwks_version},
    )
    uses.forget_others(
        connection, stored.document.client_id, [thumbprint(key) for key in jwks.keys]
    )
    return renewed


def note_refusal(connection: Connection, client_id: str, rule: str) -> None:
    """Note that a token request was refused that has proved to be the client's. An operator's is
    noted nowhere."""
    values = {"refused_at": datetime.now(UTC).isoformat(), "refused_rule": rule}
    _write(connection, client_id, values)


def remove(connection: Connection, client_id: str) -> None:
    """Remove the client with its scopes and keys, and with what it sent: nobody else would ever
    remove that."""
    for table in (clients, coupling_requests, uploads, notifications, keys_in_use):
        connection.execute(delete(table).where(table.c.client_id == client_id))


def page(
    connection: Connection, condition: ColumnElement[bool], limit: int, after: int | None
) -> tuple[Sequence[StoredClient], int | None]:
    """At most `limit` clients that satisfy a condition, such as `of_organisation`, registered after
    number `after`; and the number to go on after, None on the last page."""
    query = (
        select(clients)
        .where(condition, clients.c.seq > (after or 0))
        .order_by(clients.c.seq)
        .limit(limit + 1)
    )
    rows = connection.execute(query).mappings().all()
    return [_stored(row) for row in rows[:limit]], rows[limit - 1]["seq"] if len(
        rows
    ) > limit else None


def matching(**values: str | None) -> ColumnElement[bool]:
    """Return the clients whose columns have these values; None means any."""
    return and_(
        true(), *(clients.c[name] == value for name, value in values.items() if value is not None)
    )


def with_any_scope(scopes: Collection[str]) -> ColumnElement[bool]:
    """Return the clients that have at least one of these scopes."""
    each = func.json_each(clients.c.scopes).table_valued("value")
    return select(each.c.value).where(each.c.value.in_(scopes)).correlate(clients).exists()


def find_among(
    connection: Connection, condition: ColumnElement[bool], client_id: str
) -> StoredClient | None:
    """Return the client where it satisfies the condition, such as `of_organisation`, else None."""
    return _one(connection, and_(condition, clients.c.client_id == client_id))


def of_organisation(ovo: str | None, kbo: str | None) -> ColumnElement[bool]:
    """Return the clients of an organisation. Where both sides have an OVO code it decides.

    A KBO number is for clients without an OVO code, and for others where all with the number have
    one OVO code: departments can share it.
    """
    its_ovo, its_kbo = (clients.c.organisation[name].as_string() for name in ("ovo", "kbo"))
    by_ovo = false() if ovo is None else its_ovo == ovo
    by_kbo = false() if kbo is None or kbo == SHARED_KBO_NUMBER else its_kbo == kbo
    if ovo is not None:
        return or_(by_ovo, and_(by_kbo, its_ovo.is_(None)))
    everyone = clients.alias().c.organisation
    codes = (
        select(func.count(everyone["ovo"].as_string().distinct()))
        .where(everyone["kbo"].as_string() == kbo)
        .scalar_subquery()
    )
    return and_(by_kbo, or_(its_ovo.is_(None), codes == 1))


def _one(connection: Connection, condition: ColumnElement[bool]) -> StoredClient | None:
    row = connection.execute(select(clients).where(condition)).mappings().one_or_none()
    return None if row is None else _stored(row)


def _stored(row: RowMapping) -> StoredClient:
    return StoredClient(
        # Without checks: these were made when it was written.
        document=ClientDocument.model_construct(
            **{
                **{name: row[name] for name in _DOCUMENT_COLUMNS},
                "organisation": Organisation.model_construct(**row["organisation"]),
            }
        ),
        client_secret_hash=row["client_secret_hash"],
        scopes=ScopesDocument.model_construct(scopes=row["scopes"], default=row["default_scopes"]),
        jwks=JwksDocument.model_construct(keys=row["jwks"]),
        client_version=row["client_version"],
        scopes_version=row["scopes_version"],
        jwks_version=row["jwks_version"],
        previous_client_secret_hash=row["previous_client_secret_hash"],
        last_refusal=None
        if row["refused_at"] is None
        else LastRefusal(datetime.fromisoformat(row["refused_at"]), row["refused_rule"]),
    )


def _write(connection: Connection, client_id: str, values: dict[str, Any]) -> None:
    connection.execute(update(clients).where(clients.c.client_id == client_id).values(**values))
