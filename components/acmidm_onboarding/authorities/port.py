"""The port: what this project needs of an authority, whichever adapter answers.

Every method may raise an AuthorityError. Reads answer None for what is surely gone: a 404 of an address that has a list, since
a wrong address answers 404 to everything.
Writes take what the caller believes is there (``known``) and what should be (``wanted``): they read afresh, write
nothing where ``wanted`` is there already, and refuse to overwrite what is neither. ``known=None`` takes over whatever
is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Protocol, Self, runtime_checkable

from pydantic import AfterValidator, BaseModel, ConfigDict

from acmidm_onboarding.model.connection import Connection

Jwks = Mapping[str, Mapping[str, Any]]
"""A JWK Set as a map: ``kid`` to the public key's members (RFC 7517 §4)."""

Configuration = Mapping[str, Any]
Names = Annotated[tuple[str, ...], AfterValidator(lambda names: tuple(sorted(set(names))))]


class OrganisationMetadata(BaseModel):
    """Whose client it is: the organisation's name and its codes, as the form has them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    ovo: str | None = None
    kbo: str | None = None


class ClientMetadata(BaseModel):
    """What is registered about a client; names are those of RFC 7591 §2 where it has one.

    The one list of a client's fields: the wire's document, the resource's inputs and every comparison are made from it.
    Lists are sorted sets, so that their order is never a change.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    client_name: str
    software_id: str | None = None
    """The natural key; None for a client that was made by hand."""
    managed_by: str | None = None
    """Which stack declares the client, ``<project>/<stack>``; None for one made by hand."""
    organisation: OrganisationMetadata
    application: str
    grant_types: Names
    token_endpoint_auth_method: str
    contacts: Names
    enabled: bool = True

    @classmethod
    def of(cls, connection: Connection, managed_by: str | None) -> Self:
        """What a connection declares; ``managed_by`` is its stack, None where that does not matter."""
        organisation = connection.organisation
        return cls(
            client_name=connection.client_name,
            software_id=connection.software_id,
            managed_by=managed_by,
            organisation=OrganisationMetadata(name=organisation.name, ovo=organisation.ovo, kbo=organisation.kbo),
            application=connection.application,
            grant_types=("client_credentials",),
            token_endpoint_auth_method=connection.token_endpoint_auth_method.value,
            contacts=connection.contacts,
        )

    @property
    def properties(self) -> dict[str, Any]:
        """The fields as a resource's inputs have them: plain values, those without one left out."""
        return self.model_dump(mode="json", exclude_none=True)

    @property
    def owner(self) -> Owner:
        return Owner(self.software_id, self.managed_by)


@dataclass(frozen=True)
class Owner:
    """Who declares a client or a product's configuration: its natural key, and its stack. Both None for what was made by hand."""

    software_id: str | None = None
    managed_by: str | None = None

    @property
    def is_nobody(self) -> bool:
        return self.managed_by is None


@dataclass(frozen=True)
class RegisteredClient:
    client_id: str
    metadata: ClientMetadata
    client_secret_updated_at: int = 0
    """When its secret last changed, in seconds since 1970, as RFC 7591's ``client_id_issued_at``; 0 where that is not known."""


@dataclass(frozen=True)
class ClientSnapshot:
    """A client with all that lives inside it, as one read saw it."""

    client: RegisteredClient
    scopes: frozenset[str]
    jwks: Jwks


@dataclass(frozen=True)
class ProductDocument:
    """One product's configuration of a client, and whose it is."""

    configuration: Configuration
    owner: Owner


class Authority(Protocol):
    """One authority: the clients of one platform in one environment."""

    def register(self, metadata: ClientMetadata, client_secret: str | None) -> RegisteredClient:
        """Make the client. Raises AlreadyRegistered where its natural key exists."""

    def read(self, client_id: str) -> RegisteredClient | None: ...

    def update(self, client_id: str, known: ClientMetadata | None, wanted: ClientMetadata, client_secret: str | None) -> RegisteredClient:
        """Replace the metadata, and the secret where one is given."""

    def remove(self, client_id: str, owner: Owner) -> None:
        """Remove the client, its scopes and its keys, if it still bears ``owner``; leave another's alone.

        One that is surely gone is no error; an answer that may be a wrong address's is one.
        """

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

    def read(self, product: str, client_id: str) -> ProductDocument | None: ...

    def put(self, product: str, client_id: str, known: ProductDocument | None, wanted: ProductDocument) -> None:
        """Write the configuration and its owner.

        Overwritten is what was there as ``known``, or is as ``wanted`` already; where ``known`` is None, also what bears the
        owner of ``wanted``: an earlier run left it. What bears another owner never is. Where somebody configured by hand
        exactly what is wanted, only the owner changes. Raises ChangedMeanwhile.
        """

    def delete(self, product: str, client_id: str, owner: Owner) -> None:
        """Remove the configuration if it still bears ``owner``; leave another's alone. One that is surely gone is no error."""

    def configurations(self, product: str) -> Iterator[tuple[str, ProductDocument]]:
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
    """An authority that also says who changed what; not every one does."""

    def recorded_changes(self, client_id: str) -> Iterator[RecordedChange]:
        """The changes of a client, newest first."""
