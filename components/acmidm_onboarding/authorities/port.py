"""The port: what this project needs of an authority, whichever adapter answers.

Every method may raise an AuthorityError. Reads answer None for what is surely gone: a 404 of an address that has a
list, since a wrong address answers 404 to everything. Writes take what the caller believes is there (``known``) and
what should be (``wanted``): they read afresh, write nothing where ``wanted`` is there already, and refuse to overwrite
what is neither. ``known=None`` takes over whatever is there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from acmidm_onboarding.authorities.errors import Rejected
from acmidm_onboarding.forms.catalogue import OPERATOR_RIGHTS
from acmidm_onboarding.values.client import Client, ClientKey, fields_in, grants
from acmidm_onboarding.values.keys import keys_of
from acmidm_onboarding.values.metadata import ClientMetadata, Jwks, Owner, ProductDocument, Scopes, without_assigned

if TYPE_CHECKING:  # httpx is not loaded before something is sent
    from acmidm_onboarding.authorities.http.api import Api
    from acmidm_onboarding.settings import PlatformSettings

OpenApi = Callable[[object], "Api"]
"""Prepare requests to an address, with the operator's tokens, the settings' deadlines, and retries per host."""
S = TypeVar("S", bound="PlatformSettings", contravariant=True)


class Connect(Protocol[S]):
    """How a type of authority makes the authority of a platform. Nothing is sent yet."""

    def __call__(self, settings: S, open_api: OpenApi, assigned: frozenset[str], /) -> Authority:
        """``assigned`` are the scopes that API providers grant by themselves: they are none of a form's."""


@dataclass(frozen=True)
class RegisteredClient:
    client_id: str
    metadata: ClientMetadata
    client_secret_updated_at: int = 0
    """When its secret last changed, in seconds since 1970, as RFC 7591's ``client_id_issued_at``; 0 where that is not
    known."""


@dataclass(frozen=True)
class NewSecret:
    """A client secret that is to be set, and for how long the one before it goes on working, where the authority can
    have it so."""

    value: str
    overlap_seconds: int = 0
    follows: int | None = None
    """When the one before was set (``client_secret_updated_at``), None for any. A secret that was set at another time
    was handed over to nobody, by a run that was cut off, or is somebody's who has no business there: it ends at once,
    and what works beside it stays."""


@dataclass(frozen=True)
class ClientParts:
    """What lives inside a client."""

    scopes: Scopes = field(default_factory=dict)
    jwks: Jwks = field(default_factory=dict)


NO_PARTS = ClientParts()


@dataclass(frozen=True)
class ClientSnapshot:
    """A client with all that lives inside it, as one read saw it."""

    client: RegisteredClient
    scopes: Scopes
    jwks: Jwks

    def as_client(self, place: ClientKey, products: Mapping[str, ProductDocument], assigned: frozenset[str]) -> Client:
        """Return it with its ``products``, without the scopes that their provider ``assigned``."""
        metadata, scopes = self.client.metadata, without_assigned(self.scopes, assigned, ())
        return Client(
            *place,
            fields=fields_in(metadata.properties, metadata.incarnation),
            client_id=self.client.client_id,
            secret_updated_at=self.client.client_secret_updated_at,
            scopes=grants(scopes),
            keys=keys_of(self.jwks),
            products={product: document.configuration for product, document in products.items()},
            owners={product: document.owner for product, document in products.items()},
        )


@dataclass(frozen=True)
class Reserved:
    """Why no form may have a client: the end of a sentence that begins with it."""

    why: str
    is_certain: bool = True
    """Whether it is known to be an operator's or the authority's; else it cannot be told from one as long as it is as
    it is."""


OPERATORS_OWN = Reserved("is an operator's own")


class Authority(Protocol):
    """One authority: the clients of one platform in one environment.

    No form may have a client that is ``reserved``: to update or remove it raises Rejected. Scopes and keys are written
    of what was registered or updated before; of a client that is reserved by its name they raise the same. None of the
    OPERATOR_RIGHTS is granted.

    An adapter that is an ``Authority`` by name reads the parts of a client from the whole, unless it reads them apart.
    """

    def reserved(self, client_id: str) -> Reserved | None:
        """Return why the client is no connection's and never becomes one; None where it may be, or does not exist.

        Reserved are clients of operators, of the authority itself, and whatever has rights over the authority or its
        clients.
        """

    def register(
        self, metadata: ClientMetadata, client_secret: str | None, parts: ClientParts = NO_PARTS
    ) -> RegisteredClient:
        """Make the client. Raises AlreadyRegistered where its natural key exists.

        ``parts`` are for an authority that wants them along. Whether it takes them or not, they are written afterwards.
        Where clients cannot be found by their key, an answer that is lost raises AnswerLost.
        """

    def find(self, software_id: str) -> RegisteredClient | None:
        """Return the client that has a natural key, whatever its client-ID."""

    def read(self, client_id: str) -> RegisteredClient | None:
        found = self.snapshot(client_id)
        return found.client if found else None

    def update(
        self, client_id: str, known: ClientMetadata | None, wanted: ClientMetadata, secret: NewSecret | None
    ) -> RegisteredClient:
        """Replace the metadata, and the secret where one is given. The same secret again is no rotation.

        A client that is nobody's is taken over by it: it keeps nothing that a client which was made here would not
        have, but for its scopes and keys, which are replaced by themselves. Another incarnation of the same owner is no
        other writer's change.
        """

    def remove(self, client_id: str, owner: Owner) -> bool:
        """Remove the client, its scopes and its keys, if ``owner`` still is the resource that has it; leave another's
        alone.

        Return whether it is gone. One that is surely gone is no error; an answer that may be a wrong address's is one.
        """

    def read_scopes(self, client_id: str) -> Scopes | None:
        found = self.snapshot(client_id)
        return found.scopes if found else None

    def replace_scopes(self, client_id: str, known: Scopes | None, wanted: Scopes) -> None:
        """Replace the set of scopes. What was slipped into one of ours goes, whatever it is."""

    def read_jwks(self, client_id: str) -> Jwks | None:
        found = self.snapshot(client_id)
        return found.jwks if found else None

    def replace_jwks(self, client_id: str, known: Jwks | None, wanted: Jwks) -> None: ...

    def snapshot(self, client_id: str) -> ClientSnapshot | None:
        """The client with all that lives inside it, in as few requests as it takes."""

    def clients(self) -> Iterator[ClientSnapshot]:
        """Every client, page by page; of an authority that lists none, nothing, once it was reached."""


class ProductApi(Protocol):
    """The product APIs of one platform: one configuration per product and client."""

    def read(self, product: str, client_id: str) -> ProductDocument | None: ...

    def put(self, product: str, client_id: str, known: ProductDocument | None, wanted: ProductDocument) -> None:
        """Write the configuration and its owner.

        Overwritten is what was there as ``known``, or is as ``wanted`` already; where ``known`` is None, also what
        bears the owner of ``wanted``: an earlier run left it. What bears another owner never is. Where somebody
        configured by hand exactly what is wanted, only the owner changes. Raises ChangedMeanwhile.
        """

    def delete(self, product: str, client_id: str, owner: Owner) -> bool:
        """Remove the configuration if ``owner`` still is the resource that has it; leave another's alone. Return
        whether it is gone."""

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
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


def require_not_reserved(found: Reserved | None, client_id: str, address: str) -> None:
    """Raises Rejected, with the sentence that a refused write shows."""
    if found is not None:
        raise Rejected(
            f"client {client_id} of {address} {found.why}, so that no form can have it, and nothing was written"
        )


def require_grantable(scopes: Collection[str]) -> None:
    """Raises Rejected where a right of operators is among them: whatever a catalogue calls it, it is none of a
    connection's."""
    if reserved := ", ".join(sorted(OPERATOR_RIGHTS.intersection(scopes))):
        raise Rejected(
            f"scope {reserved} is a right of operators, which no client can be granted; take it out of the catalogue"
        )


@dataclass(frozen=True)
class KeyUse:
    """The last token that a key of a client got, by the key's ``kid`` at the time; and whether what it signed had a
    ``kid``."""

    kid: str
    last_used_at: datetime
    with_kid: bool


@runtime_checkable
class KnowsUse(Protocol):
    """An authority that also says which keys of a client are in use; not every one does."""

    def keys_in_use(self, client_id: str) -> Mapping[str, KeyUse]:
        """Return per thumbprint the last use of each key that got a token; one that got none is left out."""


@runtime_checkable
class Forgets(Protocol):
    """An authority that does not keep all that is registered of a client."""

    unkept: frozenset[str]
    """The fields of ``ClientMetadata`` that it gives back as if nothing had been registered."""


@runtime_checkable
class DerivesClientIds(Protocol):
    """An authority that makes client-IDs from natural keys: a client that was copied by hand has another client-ID."""

    def client_ids_for(self, software_id: str) -> Iterator[str]:
        """Return the client-IDs that a client with this natural key may have, the likeliest first."""


@runtime_checkable
class HasProducts(Protocol):
    """An authority that has its clients' product configurations itself: no product API is asked."""

    product_api: ProductApi


@runtime_checkable
class Audited(Protocol):
    """An authority that also says who changed what; not every one does."""

    def recorded_changes(self, client_id: str) -> Iterator[RecordedChange]:
        """The changes of a client, newest first."""


@runtime_checkable
class KnowsRights(Protocol):
    """An authority that also says whether somebody may manage an organisation's clients; not every one does."""

    def administrators(self, codes: Collection[str]) -> int:
        """Return how many people hold the right *API-beheerder* for the organisation with these OVO codes and KBO
        numbers, at least."""
