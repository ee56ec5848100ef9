"""What is known of a client at an authority: its metadata, whose it is, its scopes, its keys and
its products.

``ClientMetadata`` is the one list of a client's fields: the wire's document, the resource's inputs
and every comparison are made from it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field

from acmidm_onboarding.values.harmless import Text
from acmidm_onboarding.values.identifiers import SHARED_KBO_NUMBER
from acmidm_onboarding.values.names import Part
from acmidm_onboarding.values.plain import without

Jwks = Mapping[str, Mapping[str, Any]]
"""A JWK Set as a map: ``kid`` to the public key's members (RFC 7517 §4)."""

Scopes = Mapping[str, bool]
"""A set of scopes as a map: per scope whether every token has it, whatever its request names."""

Configuration = Mapping[str, Any]
AFZENDERS = "afzenders"
"""How the configuration of a product, as it is sent, names the organisations that a client sends
for."""
Names = Annotated[
    tuple[Text, ...], FailFast(), AfterValidator(lambda names: tuple(sorted(set(names))))
]


class OrganisationMetadata(BaseModel):
    """Whose client it is: the organisation's name and its codes, as the form has them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: Text
    ovo: Text | None = None
    kbo: Text | None = None

    def is_of(self, codes: Collection[str], shared: Collection[str] = ()) -> bool | None:
        """Return whether this is the organisation with these ``codes``: OVO codes are compared
        where both have one, else KBO numbers.

        None where that cannot be known: there is no code here, or a KBO number that several
        organisations have (``shared``). A name proves nothing.
        """
        kbo: str | None = "".join(filter(str.isdigit, self.kbo or ""))
        if kbo in (SHARED_KBO_NUMBER, *shared):
            kbo = None
        for is_ovo, known in ((True, self.ovo), (False, kbo)):
            of_kind = {code for code in codes if code.startswith("OVO") is is_ovo}
            if of_kind and known:
                return known in of_kind
        return False if self.ovo or kbo else None


class PortalMetadata(Part):
    """What people see of a client itself at a portal; names are those of RFC 7591 §2 where it has
    one.

    The next field of a client is one more line here. Lists are sorted sets, so that their order is
    never a change.
    """

    client_name: Text
    organisation: OrganisationMetadata
    grant_types: Names
    token_endpoint_auth_method: Text
    contacts: Names
    attributes: dict[Text, Text] = Field(default_factory=dict)
    """What its tokens say beside its organisation, per claim."""
    jwks_uri: Text | None = None
    """Where its keys are published, for an authority that takes them from there. None: nothing is
    said, and nothing changed, of that."""

    @property
    def properties(self) -> dict[str, Any]:
        """The fields as files and a resource's inputs have them: plain values, those without one
        left out."""
        fields = self.model_dump(mode="json", exclude_none=True, exclude={"incarnation"})
        for name in ("attributes", "keys_declared"):
            if not fields.get(name):
                fields.pop(name, None)
        return fields


class ClientMetadata(PortalMetadata):
    """What is registered about a client: what people see, and what only programs do."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=False)

    software_id: Text | None = None
    """The natural key; None for a client that was made by hand."""
    managed_by: Text | None = None
    """Which stack declares the client, ``<project>/<stack>``; None for one made by hand."""
    incarnation: Text | None = None
    """Which resource of that stack wrote it last: a random mark, see ``Owner``."""
    keys_declared: bool = False
    """Whether that stack names its keys: the portal then takes no upload, which the next refresh
    would undo."""
    application: Text
    enabled: bool = True

    @property
    def for_people(self) -> PortalMetadata:
        """What of it people see: without the marks, and without the application, by which a
        confirmation is named."""
        return PortalMetadata(**self.model_dump(include=set(PortalMetadata.model_fields)))

    @property
    def owner(self) -> Owner:
        return Owner(self.software_id, self.managed_by, self.incarnation)

    def as_written_by(self, owner: Owner) -> Self:
        """Return the metadata with the incarnation of ``owner``, for a comparison that passes over
        which resource of a connection wrote it; as it is, where ``owner`` is of another
        connection."""
        if not self.owner.is_connection_of(owner):
            return self
        return self.model_copy(update={"incarnation": owner.incarnation})

    def as_managed_by(self, wanted: ClientMetadata) -> Self:
        """Return the metadata without ``jwks_uri`` where ``wanted`` has none, for a comparison of
        what the resource of ``wanted`` manages: the keys are then another resource's, or the
        portal's."""
        return self if wanted.jwks_uri else self.model_copy(update={"jwks_uri": None})


@dataclass(frozen=True)
class Owner:
    """Who declares a client or a product's configuration: three marks, which the authority keeps
    with it. All None for what is nobody's.

    The natural key and the stack say which connection it is of; by these it is found and taken
    over. The incarnation says which of the stack's resources has it: the engine makes one anew
    before it removes the old one, which must not remove what the new one has.
    """

    software_id: str | None = None
    managed_by: str | None = None
    incarnation: str | None = None

    @property
    def marks(self) -> dict[str, str]:
        """Those that there are, by their names."""
        return {name: mark for name, mark in asdict(self).items() if mark is not None}

    @property
    def is_nobody(self) -> bool:
        return self.managed_by is None

    def is_connection_of(self, other: Owner) -> bool:
        """Return whether both are the same connection of the same stack, whichever resource has
        it."""
        return (self.software_id, self.managed_by) == (other.software_id, other.managed_by)

    def is_resource_of(self, other: Owner) -> bool:
        """Return whether both are the same resource of the same stack. Its key may differ: a run
        that was cut off may have changed it."""
        return self == other or (
            self.incarnation is not None
            and (self.managed_by, self.incarnation) == (other.managed_by, other.incarnation)
        )


@dataclass(frozen=True)
class ProductDocument:
    """One product's configuration of a client, and whose it is."""

    configuration: Configuration
    owner: Owner = Owner()

    @property
    def afzenders(self) -> dict[str, str]:
        """The organisations that the client sends for: per code the name."""
        senders = self.configuration.get(AFZENDERS) or ()
        return {str(sender["code"]): str(sender["name"]) for sender in senders}

    @property
    def without_afzenders(self) -> Configuration:
        return without(self.configuration, (AFZENDERS,))

    def with_only(self, stays: Callable[[str], bool]) -> Self:
        """Return the configuration with only those organisations, of all that the client sends for,
        for whose code ``stays`` is true."""
        configuration = dict(self.without_afzenders)
        senders = self.configuration.get(AFZENDERS) or ()
        staying = [sender for sender in senders if stays(sender["code"])]
        if staying:
            configuration[AFZENDERS] = staying
        return replace(self, configuration=configuration)


def without_assigned(scopes: Scopes, assigned: frozenset[str], declared: Collection[str]) -> Scopes:
    """Return the scopes that count for drift: without those that a provider ``assigned`` by itself
    and that nobody declares."""
    hidden = assigned.difference(declared)
    return without(scopes, hidden)
