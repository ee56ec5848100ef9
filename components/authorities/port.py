"""The port: what this project asks of an authority, whichever adapter answers.

Every method may raise an AuthorityError. Reads answer None for what does not exist, and only a 404 says so.
Writes take what the caller believes is there (``known``) and what should be (``wanted``): they read afresh, write
nothing where ``wanted`` is there already, and refuse to overwrite what is neither. ``known=None`` takes over whatever
is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

Jwks = Mapping[str, Mapping[str, Any]]
"""A JWK Set as a map: ``kid`` to the public key's members (RFC 7517 §4)."""

Configuration = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ClientMetadata:
    """What is registered about a client; the names are RFC 7591's where it has one. Tuples are sorted."""

    client_name: str
    software_id: str | None
    """The natural key; None for a client that was made by hand."""
    managed_by: str | None
    """Who declares the client, ``<project>/<stack>:<resource name>``; None for one made by hand."""
    organisation_name: str
    ovo_code: str | None
    kbo_number: str | None
    application: str
    grant_types: tuple[str, ...]
    token_endpoint_auth_method: str
    contacts: tuple[str, ...]
    enabled: bool = True


@dataclass(frozen=True)
class RegisteredClient:
    client_id: str
    metadata: ClientMetadata
    client_secret_updated_at: int = 0
    """When its secret was last changed, in seconds since 1970, as RFC 7591's ``client_id_issued_at``; 0 where nothing is told of that."""


@dataclass(frozen=True)
class ClientSnapshot:
    """A client with all that lives inside it, as one read saw it."""

    client: RegisteredClient
    scopes: frozenset[str]
    jwks: Jwks


class Authority(Protocol):
    """One authority: the clients of one platform in one environment."""

    def register(self, metadata: ClientMetadata, client_secret: str | None) -> RegisteredClient:
        """Makes the client. Raises AlreadyRegistered where its natural key exists."""

    def read(self, client_id: str) -> RegisteredClient | None: ...

    def update(self, client_id: str, known: ClientMetadata | None, wanted: ClientMetadata, client_secret: str | None) -> RegisteredClient:
        """Replaces the metadata, and the secret where one is given."""

    def remove(self, client_id: str) -> None:
        """Removes the client, its scopes and its keys. One that is gone already is no error."""

    def read_scopes(self, client_id: str) -> frozenset[str] | None: ...

    def replace_scopes(self, client_id: str, known: frozenset[str] | None, wanted: frozenset[str]) -> None: ...

    def read_jwks(self, client_id: str) -> Jwks | None: ...

    def replace_jwks(self, client_id: str, known: Jwks | None, wanted: Jwks) -> None: ...

    def snapshot(self, client_id: str) -> ClientSnapshot | None:
        """The client with all that lives inside it, in as few requests as it takes."""

    def clients(self) -> Iterator[ClientSnapshot]:
        """Every client, page by page."""


class ProductApi(Protocol):
    """The product APIs of one platform: one configuration per product and client."""

    def read(self, product: str, client_id: str) -> Configuration | None: ...

    def put(self, product: str, client_id: str, known: Configuration | None, wanted: Configuration) -> None: ...

    def delete(self, product: str, client_id: str) -> None:
        """Removes the configuration. One that is gone already is no error."""

    def configurations(self, product: str) -> Iterator[tuple[str, Configuration]]:
        """Every client's configuration of a product, page by page."""


@dataclass(frozen=True)
class RecordedChange:
    """One line of an authority's audit trail. ``action`` is ``client.replaced``, ``scopes.replaced`` and the like."""

    at: datetime
    actor: str
    action: str
    document: str
    """The path of the document that changed."""
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@runtime_checkable
class Audited(Protocol):
    """An authority that also tells who changed what; not every one does."""

    def recorded_changes(self, client_id: str) -> Iterator[RecordedChange]:
        """The changes of a client, newest first."""
