"""The port: what this project needs of an authority, whichever adapter answers.

Every method may raise an AuthorityError. Reads return None for what is surely gone: a 404 counts
only at an address whose list was seen, since a wrong address answers 404 to everything. Writes take
the document that the caller believes the authority has (``known``) and the document that it should
have (``wanted``). They read afresh, write nothing where the authority has ``wanted`` already, and
refuse to overwrite what is neither of the two. ``known=None`` takes over whatever the authority
has. Where a run ended between the requests of a write, the same write of the next run completes it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from acmidm_onboarding.authorities.errors import Rejected
from acmidm_onboarding.forms.catalogue import OPERATOR_RIGHTS
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.client import Client, ClientKey, Secret, fields_in, grants
from acmidm_onboarding.values.keys import PublicKeys, keys_of
from acmidm_onboarding.values.metadata import (
    ClientMetadata,
    Jwks,
    Owner,
    ProductDocument,
    Scopes,
    without_assigned,
)

if TYPE_CHECKING:  # httpx is not loaded before something is sent
    from acmidm_onboarding.authorities.http.api import Api
    from acmidm_onboarding.settings import PlatformSettings

OpenApi = Callable[[object], "Api"]
"""Prepare requests to an address, with the operator's tokens, the settings' deadlines, and retries
per host."""
S = TypeVar("S", bound="PlatformSettings", contravariant=True)


class Connect(Protocol[S]):
    """A function that makes the authority of a platform, for one type of authority. It sends
    nothing yet."""

    def __call__(self, settings: S, open_api: OpenApi, assigned: frozenset[str], /) -> Authority:
        """Make the authority. ``assigned`` are the scopes that API providers grant by themselves,
        which no form has."""


@dataclass(frozen=True)
class NewSecret:
    """A client secret to set, and for how long the previous secret goes on working, where the
    authority can do that."""

    value: str
    overlap_seconds: int = 0
    follows: int | None = None
    """When the previous secret was set (``client_secret_updated_at``), None for any secret.

    A secret that was set at another moment ends at once: a run that was cut off set it and handed
    it over to nobody, or somebody set it by hand. What works beside that secret stays.
    """


@dataclass(frozen=True)
class RegisteredClient:
    """A client at its authority, with all that lives inside it, as one read saw it."""

    client_id: str
    metadata: ClientMetadata
    client_secret_updated_at: int = 0
    """When its secret last changed, in seconds since 1970, as RFC 7591's ``client_id_issued_at``; 0
    where nobody knows."""
    scopes: Scopes = field(default_factory=dict)
    jwks: Jwks = field(default_factory=dict)

    def as_client(
        self, key: ClientKey, products: Mapping[str, ProductDocument], assigned: frozenset[str]
    ) -> Client:
        """Return the client as reports compare it, with the configurations of its ``products``;
        without the scopes that API providers ``assigned``, which no form has."""
        scopes = without_assigned(self.scopes, assigned, ())
        return Client(
            *key,
            fields=fields_in(self.metadata.properties, self.metadata.incarnation),
            client_id=self.client_id,
            secret=Secret(updated_at=self.client_secret_updated_at),
            scopes=grants(scopes),
            keys=PublicKeys(keys_of(self.jwks)),
            products=products,
        )


def default_names(scopes: Scopes) -> list[str]:
    """Return the names of the default scopes, sorted."""
    return sorted(name for name, is_default in scopes.items() if is_default)


@dataclass(frozen=True)
class Reserved:
    """Why no form may have a client: the end of a sentence that begins with the client."""

    why: str
    is_certain: bool = True
    """Whether the client surely is an operator's or the authority's own. Else it may be: nobody can
    tell until somebody changes what the sentence names."""


def reserved_for_operator() -> Reserved:
    """Return why no form may have an operator's client."""
    return Reserved(tr("is an operator's own"))


class Authority(Protocol):
    """One authority: the clients of one platform in one environment.

    No form may have a client that is ``reserved``: to update or remove that client raises Rejected.
    Scopes and keys are replaced only after the client was registered or updated, so that they raise
    Rejected only for a client that is reserved by its name. None of the OPERATOR_RIGHTS is granted.

    An adapter that inherits ``Authority`` reads the metadata, the scopes and the keys of a client
    with the whole client, unless it reads them apart.
    """

    def reserved(self, client_id: str) -> Reserved | None:
        """Return why no connection may have the client; None where one may, or where the client
        does not exist.

        Reserved are clients of operators, clients of the authority itself, and every client with
        rights over the authority or its clients.
        """

    def register(
        self, metadata: ClientMetadata, client_secret: str | None, scopes: Scopes, jwks: Jwks
    ) -> RegisteredClient:
        """Make the client, with its scopes and keys where the authority takes them now. The result
        has those that the authority confirms to have; the caller then writes the others.

        Raises:
            AlreadyRegistered: where a client with this natural key exists.
        """

    def find(self, software_id: str) -> RegisteredClient | None:
        """Return the client that has a natural key, whatever its client-ID; None where there is
        none."""

    def read(self, client_id: str) -> RegisteredClient | None:
        """Return the client, in as few requests as that takes; None where it is surely gone."""

    def read_metadata(self, client_id: str) -> ClientMetadata | None:
        """Return the metadata of a client; None where the client is surely gone."""
        client = self.read(client_id)
        return client.metadata if client else None

    def update(
        self,
        client_id: str,
        known: ClientMetadata | None,
        wanted: ClientMetadata,
        secret: NewSecret | None,
    ) -> int | None:
        """Replace the metadata, and the secret where one is given. The present secret given once
        more is no rotation. Return when the given secret was set, in seconds since 1970; None where
        none was given, or the client is surely gone since.

        The update takes over a client without an owner: such a client loses whatever a client that
        this project made would not have. Its scopes and keys stay until they are replaced
        themselves. Where ``wanted`` alone has no owner, the marks come off, and nothing else
        changes. Another incarnation of the same owner is no other writer's change.
        """

    def remove(self, client_id: str, owner: Owner) -> bool:
        """Remove the client, its scopes and its keys, if the client still bears the marks of
        ``owner``.

        Return whether the client is gone: False where another resource has it. A client that is
        surely gone already is no error; an answer that a wrong address may have given is one.
        """

    def read_scopes(self, client_id: str) -> Scopes | None:
        """Return the scopes of a client; None where the client is surely gone."""
        client = self.read(client_id)
        return client.scopes if client else None

    def replace_scopes(self, client_id: str, known: Scopes | None, wanted: Scopes) -> None:
        """Replace the whole set of scopes: a scope that somebody slipped in goes too, even a right
        of operators. Those that API providers assign by themselves stay."""

    def read_jwks(self, client_id: str) -> Jwks | None:
        """Return the public keys of a client, by name; None where the client is surely gone."""
        client = self.read(client_id)
        return client.jwks if client else None

    def replace_jwks(self, client_id: str, known: Jwks | None, wanted: Jwks) -> None:
        """Replace the whole set of public keys."""

    def clients(self) -> Iterator[RegisteredClient]:
        """Yield every client, page by page; of an authority that has no list, those that are known
        without it."""


class ProductApi(Protocol):
    """The product APIs of one platform: one configuration per product and client."""

    def read(self, product: str, client_id: str) -> ProductDocument | None:
        """Return the configuration of a product for a client; None where there is none."""

    def put(
        self, product: str, client_id: str, known: ProductDocument | None, wanted: ProductDocument
    ) -> None:
        """Write the configuration and its owner.

        A configuration is overwritten where it is as ``known`` or as ``wanted``. Where ``known`` is
        None, one with the owner of ``wanted`` is overwritten too, for an earlier run left it; one
        without an owner only where somebody configured by hand exactly what is wanted. A
        configuration with another owner never is.

        Raises:
            ChangedMeanwhile: where the configuration is another's, or somebody else changed it.
        """

    def delete(self, product: str, client_id: str, owner: Owner) -> bool:
        """Remove the configuration if it still bears the marks of ``owner``. Return whether it is
        gone."""

    def configurations(self, product: str) -> Iterator[tuple[str, ProductDocument]]:
        """Yield every configuration of a product with its client-ID, page by page."""


@dataclass(frozen=True)
class RecordedChange:
    """One change in an authority's audit trail; ``action`` is ``client.replaced``,
    ``scopes.replaced`` and the like."""

    at: datetime
    actor: str
    action: str
    document: str
    """The path of the document that changed."""
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


def require_not_reserved(reserved: Reserved | None, client_id: str, address: str) -> None:
    """Raise Rejected for a write to a client that is ``reserved``; None lets it pass. ``address``
    is that of the client's authority."""
    if reserved is not None:
        raise Rejected(
            tr(
                "client {client} of {address} {why}, so that no form can have it, and nothing was"
                " written; name another client in the form, or have the rights of this client taken"
                " away",
                client=client_id,
                address=address,
                why=reserved.why,
            )
        )


def require_grantable(scopes: Collection[str]) -> None:
    """Raise Rejected for scopes that are rights of operators, naming them: a connection never has
    such a right, whatever the catalogue calls it."""
    if refused := ", ".join(sorted(OPERATOR_RIGHTS.intersection(scopes))):
        raise Rejected(
            tr(
                "scope {scopes} is a right of operators, which no client can be granted; take it"
                " out of the catalogue",
                scopes=refused,
            )
        )


@dataclass(frozen=True)
class KeyUse:
    """When a key of a client last got a token, the key's ``kid`` at that moment, and whether the
    assertion named it."""

    kid: str
    last_used_at: datetime
    with_kid: bool


@runtime_checkable
class KnowsUse(Protocol):
    """An authority that also says which keys of a client are in use."""

    def keys_in_use(self, client_id: str) -> Mapping[str, KeyUse]:
        """Return per thumbprint the last use of each key that got a token; a key that got none is
        left out."""


@runtime_checkable
class Forgets(Protocol):
    """An authority that does not keep all of a client's metadata."""

    unkept: frozenset[str]
    """The fields of ``ClientMetadata`` that a read gives back as if nothing had been registered."""


@runtime_checkable
class DerivesClientIds(Protocol):
    """An authority that makes client-IDs from natural keys, so that a copy made by hand has another
    client-ID."""

    def client_ids_for(self, software_id: str) -> Iterator[str]:
        """Return the client-IDs that a client with this natural key may have, the likeliest
        first."""


@runtime_checkable
class HasProducts(Protocol):
    """An authority that has its clients' product configurations itself, so that no product API is
    needed."""

    product_api: ProductApi


@runtime_checkable
class Audited(Protocol):
    """An authority that also says who changed what."""

    def recorded_changes(self, client_id: str) -> Iterator[RecordedChange]:
        """Yield the changes of a client, newest first."""


@runtime_checkable
class KnowsRights(Protocol):
    """An authority that also says whether somebody may manage an organisation's clients."""

    def administrators(self, codes: Collection[str]) -> int:
        """Return at least how many people have the right *API-beheerder* for the organisation with
        these OVO codes and KBO numbers."""
