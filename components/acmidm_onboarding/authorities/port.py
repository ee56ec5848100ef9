"""The port: what this project needs of an authority, whichever adapter answers.

Every method may raise an AuthorityError. Reads answer None for what is surely gone: a 404 of an address that has a list, since
a wrong address answers 404 to everything.
Writes take what the caller believes is there (``known``) and what should be (``wanted``): they read afresh, write
nothing where ``wanted`` is there already, and refuse to overwrite what is neither. ``known=None`` takes over whatever
is there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Protocol, Self, runtime_checkable

from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast

from acmidm_onboarding.authorities.errors import Rejected
from acmidm_onboarding.authorities.harmless import Text
from acmidm_onboarding.model.catalogue import OPERATOR_RIGHTS
from acmidm_onboarding.model.connection import Connection
from acmidm_onboarding.model.identifiers import SHARED_KBO_NUMBER

Jwks = Mapping[str, Mapping[str, Any]]
"""A JWK Set as a map: ``kid`` to the public key's members (RFC 7517 §4)."""

Scopes = Mapping[str, bool]
"""A set of scopes as a map: per scope whether every token has it, whatever its request names."""

Configuration = Mapping[str, Any]
Names = Annotated[tuple[Text, ...], FailFast(), AfterValidator(lambda names: tuple(sorted(set(names))))]


class OrganisationMetadata(BaseModel):
    """Whose client it is: the organisation's name and its codes, as the form has them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: Text
    ovo: Text | None = None
    kbo: Text | None = None

    def is_of(self, codes: Collection[str], shared: Collection[str] = ()) -> bool | None:
        """Say whether this is the organisation with these codes: OVO codes are compared where both have one, KBO numbers else.

        None where no code is known here, or one that several organisations have (``shared``). A name proves nothing.
        """
        kbo = "".join(char for char in self.kbo or "" if char.isdigit())
        here = [(True, self.ovo), (False, None if kbo in (SHARED_KBO_NUMBER, *shared) else kbo)]
        for is_ovo, code in here:
            own = {one for one in codes if one.startswith("OVO") is is_ovo}
            if own and code:
                return code in own
        return False if any(code for _, code in here) else None


class ClientMetadata(BaseModel):
    """What is registered about a client; names are those of RFC 7591 §2 where it has one.

    The one list of a client's fields: the wire's document, the resource's inputs and every comparison are made from it.
    Lists are sorted sets, so that their order is never a change.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    client_name: Text
    software_id: Text | None = None
    """The natural key; None for a client that was made by hand."""
    managed_by: Text | None = None
    """Which stack declares the client, ``<project>/<stack>``; None for one made by hand."""
    incarnation: Text | None = None
    """Which resource of that stack wrote it last: a random mark, see ``Owner``."""
    organisation: OrganisationMetadata
    application: Text
    grant_types: Names
    token_endpoint_auth_method: Text
    contacts: Names
    enabled: bool = True
    attributes: dict[Text, Text] = {}
    """What its tokens say beside its organisation, per claim."""
    jwks_uri: Text | None = None
    """Where its keys are published, for an authority that takes them from there. None: nothing is said, and nothing changed, of that."""

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
            attributes=dict(connection.attributes),
            jwks_uri=connection.jwks_uri,
        )

    @property
    def properties(self) -> dict[str, Any]:
        """The fields as a resource's inputs have them: plain values, those without one left out."""
        return self.model_dump(mode="json", exclude_none=True, exclude={"incarnation"} | (set() if self.attributes else {"attributes"}))

    @property
    def owner(self) -> Owner:
        return Owner(self.software_id, self.managed_by, self.incarnation)

    def as_written_by(self, owner: Owner) -> Self:
        """Return it with the incarnation of an ``owner`` who is otherwise the same: another one wrote it, and that changed nothing else."""
        return self.model_copy(update={"incarnation": owner.incarnation}) if self.owner.is_connection_of(owner) else self

    def as_managed_by(self, wanted: ClientMetadata) -> Self:
        """Return it without an address of keys where ``wanted`` names none: the keys are then another resource's, or the portal's."""
        return self if wanted.jwks_uri else self.model_copy(update={"jwks_uri": None})


@dataclass(frozen=True)
class Owner:
    """Who declares a client or a product's configuration: three marks, which the authority keeps with it. All None for what is nobody's.

    The natural key and the stack say which connection it is of; by these it is found and taken over. The incarnation says which of the
    stack's resources has it: the engine makes one anew before it removes the old one, which must not remove what the new one has.
    """

    software_id: str | None = None
    managed_by: str | None = None
    incarnation: str | None = None

    @property
    def is_nobody(self) -> bool:
        return self.managed_by is None

    def is_connection_of(self, other: Owner) -> bool:
        """Say whether both are the same connection of the same stack, whichever resource has it."""
        return (self.software_id, self.managed_by) == (other.software_id, other.managed_by)

    def is_resource_of(self, other: Owner) -> bool:
        """Say whether both are the same resource of the same stack. Its key may have changed in a run that was cut off."""
        return self == other or (
            self.incarnation is not None and (self.managed_by, self.incarnation) == (other.managed_by, other.incarnation)
        )


@dataclass(frozen=True)
class RegisteredClient:
    client_id: str
    metadata: ClientMetadata
    client_secret_updated_at: int = 0
    """When its secret last changed, in seconds since 1970, as RFC 7591's ``client_id_issued_at``; 0 where that is not known."""


@dataclass(frozen=True)
class NewSecret:
    """A client secret that is to be set, and for how long the one before it goes on working, where the authority can have it so."""

    value: str
    overlap_seconds: int = 0
    follows: int | None = None
    """When the one before was set (``client_secret_updated_at``), None for any. A secret that was set at another time was handed over
    to nobody, by a run that was cut off, or is somebody's who has no business there: it ends at once, and what works beside it stays."""


@dataclass(frozen=True)
class ClientSnapshot:
    """A client with all that lives inside it, as one read saw it."""

    client: RegisteredClient
    scopes: Scopes
    jwks: Jwks


@dataclass(frozen=True)
class Reserved:
    """Why no form may have a client: the end of a sentence that begins with it."""

    why: str
    is_certain: bool = True
    """Whether it is known to be an operator's or the authority's; else it cannot be told from one as long as it is as it is."""


OPERATORS_OWN = Reserved("is an operator's own")


@dataclass(frozen=True)
class ProductDocument:
    """One product's configuration of a client, and whose it is."""

    configuration: Configuration
    owner: Owner


class Authority(Protocol):
    """One authority: the clients of one platform in one environment.

    No form may have a client that is ``reserved``: to update or remove it raises Rejected. Scopes and keys are written of what was
    registered or updated before; of a client that is reserved by its name they raise the same. None of the OPERATOR_RIGHTS is granted.
    """

    keeps_previous_secret: ClassVar[bool]
    """Whether the secret before a new one can go on working for a while."""

    def reserved(self, client_id: str) -> Reserved | None:
        """Return why the client is no connection's and never becomes one; None where it may be, or does not exist.

        Reserved are clients of operators, of the authority itself, and whatever has rights over the authority or its clients.
        """

    def register(self, metadata: ClientMetadata, client_secret: str | None) -> RegisteredClient:
        """Make the client. Raises AlreadyRegistered where its natural key exists."""

    def find(self, software_id: str) -> RegisteredClient | None:
        """Return the client that has a natural key, whatever its client-ID."""

    def read(self, client_id: str) -> RegisteredClient | None: ...

    def update(self, client_id: str, known: ClientMetadata | None, wanted: ClientMetadata, secret: NewSecret | None) -> RegisteredClient:
        """Replace the metadata, and the secret where one is given. The same secret again is no rotation.

        A client that is nobody's is taken over by it: it keeps nothing that a client which was made here would not have, but for its
        scopes and keys, which are replaced by themselves. Another incarnation of the same owner is no other writer's change.
        """

    def remove(self, client_id: str, owner: Owner) -> bool:
        """Remove the client, its scopes and its keys, if ``owner`` still is the resource that has it; leave another's alone.

        Return whether it is gone. One that is surely gone is no error; an answer that may be a wrong address's is one.
        """

    def read_scopes(self, client_id: str) -> Scopes | None: ...

    def replace_scopes(self, client_id: str, known: Scopes | None, wanted: Scopes) -> None:
        """Replace the set of scopes. What was slipped into one of ours goes, whatever it is."""

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

    def delete(self, product: str, client_id: str, owner: Owner) -> bool:
        """Remove the configuration if ``owner`` still is the resource that has it; leave another's alone. Return whether it is gone."""

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


def require_not_reserved(found: Reserved | None, client_id: str, address: str) -> None:
    """Raises Rejected, with the sentence that a refused write shows."""
    if found is not None:
        raise Rejected(f"client {client_id} of {address} {found.why}, so that no form can have it, and nothing was written")


def without_assigned(scopes: Scopes, assigned: frozenset[str], declared: Collection[str]) -> Scopes:
    """Return the scopes that are ours to look at: not those that a provider ``assigned`` by itself and nobody declares."""
    return {name: default for name, default in scopes.items() if name in declared or name not in assigned}


def require_grantable(scopes: Collection[str]) -> None:
    """Raises Rejected where a right of operators is among them: whatever a catalogue calls it, it is none of a connection's."""
    if reserved := ", ".join(sorted(OPERATOR_RIGHTS.intersection(scopes))):
        raise Rejected(f"scope {reserved} is a right of operators, which no client can be granted; take it out of the catalogue")


@dataclass(frozen=True)
class KeyUse:
    """The last token that a key of a client got, by the key's ``kid`` at the time; and whether what it signed had a ``kid``."""

    kid: str
    last_used_at: datetime
    with_kid: bool


@runtime_checkable
class KnowsUse(Protocol):
    """An authority that also says which keys of a client are in use; not every one does."""

    def keys_in_use(self, client_id: str) -> Mapping[str, KeyUse]:
        """Return per thumbprint the last use of each key that got a token; one that got none is left out."""


@runtime_checkable
class Audited(Protocol):
    """An authority that also says who changed what; not every one does."""

    def recorded_changes(self, client_id: str) -> Iterator[RecordedChange]:
        """The changes of a client, newest first."""


@runtime_checkable
class KnowsRights(Protocol):
    """An authority that also says whether somebody may manage an organisation's clients; not every one does."""

    def administrators(self, codes: Collection[str]) -> int:
        """Return how many people hold the right *API-beheerder* for the organisation with these OVO codes and KBO numbers, at least."""
