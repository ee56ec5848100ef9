"""A client as it is or will be, whichever source describes it: a form, the resources of a state or
a preview, an authority.

It is the one shape of a client that is compared. What a source does not know is absent, and never a
change. A form's client is a ``Declaration``, which has besides what the form alone knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeGuard, TypeVar

from pydantic import ValidationError

from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.keys import Key, PublicKeys
from acmidm_onboarding.values.metadata import ClientMetadata, Configuration, ProductDocument, Scopes
from acmidm_onboarding.values.plain import flat, only
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import AuthMethod, Environment, Platform

ClientKey = tuple[str, Platform, Environment]
"""What identifies a client: its key, its platform, its environment."""
Fields = Mapping[str, Any]
"""Metadata or configuration, flat: ``{"organisation.name": "Stad Gent"}``."""

JWKS_URI = "jwks_uri"
OF_ATTRIBUTES = "attributes."
"""How the names of attributes begin among a client's fields."""

NOT_CONFIGURED = ProductDocument({})
NOT_DECLARED = "granted outside this project"
"""The reason that a refresh records for a scope that no form declares."""


@dataclass(frozen=True)
class Grant:
    """How a client has a scope."""

    reason: str | None = None
    """Why the client has it, on one line; None where that is not known."""
    default: bool = False
    """Whether every token has it, whatever its request names."""
    until: str | None = None
    """The last day on which the client has it, as 2027-12-31 (UTC); None where it has no end."""


def grants(scopes: Scopes) -> dict[str, Grant]:
    return {scope: Grant(default=is_default) for scope, is_default in scopes.items()}


class Authentication(StrEnum):
    """By what a client authenticates, and where its keys come from."""

    SECRET = "secret"
    KEYS_OF_FORM = "form"
    KEYS_OF_PORTAL = "portal"
    KEYS_AT_ADDRESS = "jwks_uri"


@dataclass(frozen=True)
class Secret:
    """What is known of a client's secret; its value is not among that."""

    is_there: bool | None = None
    """Whether the client has the declared secret; None where that is not known."""
    generation: int | None = None
    """Which secret the client has, counted from 1; None where it has none, or that is not known."""
    updated_at: int | None = None
    """When it last changed, as its authority says, in seconds since 1970."""
    awaits_key: bool = False
    """Whether a run declared keys, and the secret stays in force until the authority has one of
    them."""


@dataclass(frozen=True)
class HandedOver:
    """When an organisation was last mailed about its client, or why not: ``no-smtp``, ``existed``,
    or a sentence."""

    sent_at: datetime | None = None
    not_sent: str | None = None
    urn: str = field(default="", compare=False)
    """The resource that has the record."""


@dataclass(frozen=True)
class Record:
    """What a state alone knows of a client, or that it has nothing of it yet."""

    urns: Mapping[str, str] = field(default_factory=dict)
    """The URNs of its resources, per part."""
    made_at: datetime | None = None
    """When the engine made the client."""
    keys_since: datetime | None = None
    """When the engine made the resource with its keys."""
    marked_otherwise: frozenset[str] = frozenset()
    """The parts that a refresh found with the marks of others: the next run puts their own marks
    back."""
    others: Mapping[str, Fields] | None = None
    """Its resources of other types: per part their inputs, flat. None where they are not known, as
    in a form."""
    handed_over: HandedOver | None = None
    """The mails to its organisation; None where the state has no record of them."""
    is_taken_over: bool = False
    """Whether the state has nothing of it yet: a run takes it over, and this is how it was."""


@dataclass(frozen=True)
class FormTerms:
    """What a form says of its clients besides what authorities have. A state remembers all but the
    form's path, its earlier keys, and the exemptions that are not needed."""

    path: str | None = None
    """The form's own path, without its ending: ``stad-gent/loket``."""
    catalogue_names: Mapping[str, str] = field(default_factory=dict)
    """Per scope its name in the catalogue, which evidence uses; in a state only where the two
    differ."""
    is_first: bool = True
    """Whether this is the first client of its form: reports show there what the form says of all
    its clients."""
    formerly: tuple[str, ...] = ()
    """Its earlier keys."""
    adopts: str | None = None
    """The client-ID of an existing client that is taken over."""
    exemptions: Mapping[str, str] = field(default_factory=dict)
    """Per policy that the form is exempted from, the reason."""
    unneeded_exemptions: frozenset[str] = frozenset()
    """The exemptions that no environment of the form needs: a form alone knows them."""
    mandate: Mapping[str, str] = field(default_factory=dict)
    """The folder of the ``supplier`` whose keys it has, and ``until`` which day it may act, as
    2027-12-31 (UTC), which is not there without a mandate; empty where the keys are its
    organisation's own."""
    retire: Mapping[str, str] = field(default_factory=dict)
    """Per platform and product that its form retires, the day from which on it is taken down, as
    2027-03-31 (UTC)."""
    keep: bool = False
    """Whether the client then stays at its authority, managed by nobody, and is not removed."""

    def name_of(self, scope: str) -> str:
        """Return the name of a scope in the catalogue."""
        return self.catalogue_names.get(scope, scope)


@dataclass(frozen=True)
class Leaving:
    """What of a client is taken down, and how, as a run declares and records it; and what the
    engine protects from that."""

    parts: frozenset[str] = frozenset()
    """Its platform and its products, from the run on that begins it: neither engine nor provider
    protects them any more."""
    withdrawn: frozenset[str] = frozenset()
    """The scopes that were taken away because the client, or a product of it, leaves: it gets them
    back where its form calls that off."""
    is_let_go: bool = False
    """Whether its resources take their marks off the client and its products where they would
    remove them."""
    protected: frozenset[str] | None = None
    """Its platform and its products that the engine refuses to remove; None where they are not
    known."""

    @property
    def known_protected(self) -> frozenset[str]:
        """Those that are known to be protected."""
        return self.protected or frozenset()

    def joined(self, part: Client) -> Leaving:
        """Return what leaves of a client with what its record under another name, a ``part``, adds:
        a rename that failed left some of its resources there."""
        protected = part.leaving.protected
        if self.protected is not None:
            protected = self.protected | part.leaving.known_protected
        # A part without a product says nothing about that: scopes and keys go with their client.
        lets_part_go = part.leaving.is_let_go or not part.products
        return replace(
            self,
            parts=self.parts | part.leaving.parts,
            is_let_go=self.is_let_go and lets_part_go,
            protected=protected,
        )


@dataclass(frozen=True)
class Client:
    """One client."""

    key: str
    platform: Platform
    environment: Environment
    fields: Fields = field(default_factory=dict)
    """The metadata, flat: ``organisation.name``. Empty where it is not known."""
    client_id: str | None = None
    form: FormTerms = field(default_factory=FormTerms)
    secret: Secret = field(default_factory=Secret)
    leaving: Leaving = field(default_factory=Leaving)
    scopes: Mapping[str, Grant] | None = None
    keys: PublicKeys = field(default_factory=PublicKeys)
    products: Mapping[str, ProductDocument] = field(default_factory=dict)
    record: Record = field(default_factory=Record)

    @property
    def is_protected(self) -> bool | None:
        """Whether the engine refuses to remove the client itself; None where that is not known."""
        protected = self.leaving.protected
        return None if protected is None else self.platform.value in protected

    @property
    def client_key(self) -> ClientKey:
        return (self.key, self.platform, self.environment)

    @property
    def client_keys(self) -> tuple[ClientKey, ...]:
        """What identifies it: by its present key, and by earlier ones."""
        keys = (self.key, *self.form.formerly)
        return tuple((key, self.platform, self.environment) for key in keys)

    @property
    def resource_name(self) -> str:
        return resource_name(self.key, self.platform)

    @property
    def resource_names(self) -> tuple[str, ...]:
        """Those under which a state may have it: the present one, and earlier ones."""
        return tuple(resource_name(key, self.platform) for key, *_ in self.client_keys)

    @property
    def natural_keys(self) -> tuple[str, ...]:
        """Those under which an authority may have it: the present one, and earlier ones."""
        where = (self.platform, self.environment)
        return tuple(natural_key(*where, key) for key, *_ in self.client_keys)

    @property
    def organisation(self) -> str:
        return str(self.fields.get("organisation.name") or self.key.partition("/")[0])

    @property
    def code(self) -> str:
        """The organisation's code in the metadata: its OVO code, else its KBO number, else the
        words ``no code``."""
        ovo, kbo = (self.fields.get(f"organisation.{kind}") for kind in ("ovo", "kbo"))
        return str(ovo or kbo or "no code")

    @property
    def registered_for(self) -> list[str]:
        """Platform and environment in the natural key, as ["acmidm", "tni"]."""
        return str(self.fields.get("software_id")).split("/")[:2]

    @property
    def application(self) -> str:
        return self.key.rpartition("/")[2]

    @property
    def attributes(self) -> Fields:
        """The attributes in its tokens, per name."""
        attributes = {}
        for name, value in self.fields.items():
            if name.startswith(OF_ATTRIBUTES):
                attributes[name.removeprefix(OF_ATTRIBUTES)] = value
        return attributes

    @property
    def auth_method(self) -> str | None:
        return self.fields.get("token_endpoint_auth_method")

    @property
    def jwks_uri(self) -> str | None:
        """The address at which its keys are published; None where there is none."""
        return self.fields.get(JWKS_URI)

    @property
    def authentication(self) -> Authentication:
        if self.uses_secret:
            return Authentication.SECRET
        if self.jwks_uri:
            return Authentication.KEYS_AT_ADDRESS
        if self.keys.declared is None:
            return Authentication.KEYS_OF_PORTAL
        return Authentication.KEYS_OF_FORM

    @property
    def granted(self) -> Mapping[str, Grant]:
        """Its scopes; none where they are not known."""
        return self.scopes or {}

    @property
    def had_scopes(self) -> frozenset[str]:
        """The scopes that runs gave it, also those that were withdrawn as it leaves; without those
        that somebody granted by hand."""
        declared = (name for name, grant in self.granted.items() if grant.reason != NOT_DECLARED)
        return self.leaving.withdrawn.union(declared)

    @property
    def leaves(self) -> dict[str, str]:
        """The day of this client's platform, and of each of its products, that its form retires, as
        {"dosis": "2027-03-31"}."""
        parts = {self.platform, *self.products}
        return {name: day for name, day in self.form.retire.items() if name in parts}

    @property
    def announced(self) -> dict[str, str]:
        """All days on which its form retires something, on other platforms too, and ``keep``: for
        reports, which show these at the form's first client; empty for its other clients."""
        if not self.form.is_first:
            return {}
        announced = dict(self.form.retire)
        if self.form.keep:
            announced["keep"] = "yes"
        return announced

    def product(self, name: str) -> ProductDocument:
        """Return the configuration of a product; an empty one where it has none."""
        return self.products.get(name, NOT_CONFIGURED)

    @property
    def configurations(self) -> dict[str, Configuration]:
        """The configurations of its products, without their owners."""
        return {name: product.configuration for name, product in self.products.items()}

    @property
    def acts_for(self) -> dict[str, str]:
        """The other organisations that it sends for: {"OVO001992": "Stad Aalst"}."""
        organisations: dict[str, str] = {}
        for product in self.products.values():
            organisations |= product.afzenders
        return organisations

    def with_uploaded(self, keys: Mapping[str, Key] | None) -> Client:
        """Return the client with the keys that its portal has."""
        return replace(self, keys=replace(self.keys, uploaded=keys))

    @property
    def uses_keys(self) -> bool:
        return self.auth_method == AuthMethod.PRIVATE_KEY_JWT

    @property
    def uses_secret(self) -> bool:
        return self.auth_method in (AuthMethod.CLIENT_SECRET_BASIC, AuthMethod.CLIENT_SECRET_POST)


def natural_key(platform: Platform, environment: Environment, key: str) -> str:
    return f"{platform}/{environment}/{key}"


def resource_name(key: str, platform: str) -> str:
    """Return the name of a client's resources: the key, and behind it the platform where that is
    not ACM/IDM."""
    return key if platform == Platform.ACMIDM else f"{key}/{platform}"


Clients = Mapping[ClientKey, Client]
Records = Mapping[str, Client]
"""What a state has, by resource name; see ``Recorded.parts``."""


_Client = TypeVar("_Client", bound=Client)


def by_client_key(clients: Iterable[_Client]) -> dict[ClientKey, _Client]:
    return {client.client_key: client for client in clients}


def with_first_marked(clients: Iterable[Client]) -> dict[ClientKey, Client]:
    """Return clients by their identity; of those with the same key, the one on the first platform
    has ``form.is_first``."""
    order, first_platforms = list(Platform), dict[str, Platform]()
    by_key = by_client_key(clients)
    for key, platform, _ in sorted(by_key, key=lambda client_key: order.index(client_key[1])):
        first_platforms.setdefault(key, platform)
    marked = {}
    for client_key, client in by_key.items():
        form = replace(client.form, is_first=client.platform is first_platforms[client.key])
        marked[client_key] = replace(client, form=form)
    return marked


def fields_in(document: Mapping[str, Any], incarnation: str | None = None) -> dict[str, Any]:
    """Return the metadata in a document, flat: {"client_name": …, "organisation.ovo": …}; with an
    ``incarnation``, the mark of the resource that has the client, also under that name."""
    found = only(document, ClientMetadata.model_fields)
    if incarnation:
        found["incarnation"] = incarnation
    return flat(found)


def metadata_of(client: Client) -> ClientMetadata:
    """Return the metadata that a client's flat ``fields`` stand for.

    Raises:
        Failure: where a required field is missing, as in a state that somebody edited.
    """
    nested: dict[str, Any] = {}
    for name, value in client.fields.items():
        above, _, below = name.partition(".")
        nested[above] = {**nested.get(above, {}), below: value} if below else value
    try:
        return ClientMetadata.model_validate({**nested, "application": client.application})
    except ValidationError:
        raise Failure(
            tr(
                "the state of {name} has not all of its metadata, and its confirmation is missing:"
                " put the confirmation back from Git",
                name=client.resource_name,
            )
        ) from None


def recorded_as(wanted: Client, records: Records) -> Client | None:
    """Return what a state has of the client that a form declares, also under its earlier keys: a
    rename that failed may have left some parts there. None where it has nothing.

    Where the state has only parts of the client, such as its scopes, it has no ``client_id``.
    """
    parts = [records[name] for name in wanted.resource_names if name in records]
    if not parts:
        return None
    client = whole = next((part for part in parts if part.client_id), parts[0])
    for part in parts:
        if part is not whole and not part.client_id:
            client = _with_part(client, part)
    return client


def is_recorded(client: Client | None) -> TypeGuard[Client]:
    """Return whether a record is of a client, and not of parts of one alone."""
    return client is not None and client.client_id is not None


def known_client(wanted: Client, records: Records, at_authorities: Records) -> Client | None:
    """Return the recorded client of a declared one, else the one that its authority has. Where
    neither has it whole, the parts that the state has; None without any."""
    recorded, found = (recorded_as(wanted, where) for where in (records, at_authorities))
    return found if is_recorded(found) and not is_recorded(recorded) else recorded


def joined_records(records: Records, others: Records) -> Records:
    """Return the clients of two sources by resource name, such as a state and authorities: one that
    both have is the first's, with the parts that the second has of it."""
    clients = dict(others)
    for name, client in records.items():
        clients[name] = _with_part(client, others[name]) if name in others else client
    return clients


def _with_part(client: Client, part: Client) -> Client:
    """Return a client with its scopes, products and keys, and those in ``part``, another record of
    the same client."""
    scopes = client.scopes
    if part.scopes is not None:
        scopes = {**client.granted, **part.scopes}
    return replace(
        client,
        scopes=scopes,
        products={**client.products, **part.products},
        keys=client.keys.joined(part.keys),
        leaving=client.leaving.joined(part),
    )
