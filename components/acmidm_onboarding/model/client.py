"""A client as it is or will be, whichever source describes it: a form, the resources of a state or a preview, an authority.

It is the one shape of a client that is compared. What a source does not know is absent, and never a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from acmidm_onboarding.model.connection import Connection
from acmidm_onboarding.model.form import AuthMethod, Environment, Platform
from acmidm_onboarding.model.keys import Key, keys_of
from acmidm_onboarding.model.metadata import ClientMetadata, Owner
from acmidm_onboarding.model.plain import flat

Place = tuple[str, Platform, Environment]
"""What identifies a client: its key, its platform, its environment."""
Fields = Mapping[str, Any]

JWKS_URI = "jwks_uri"
OF_ATTRIBUTES = "attributes."
"""How the names of its attributes begin among its fields."""


@dataclass(frozen=True)
class HandedOver:
    """When an organisation was last mailed about its client; or why it was not: ``no-smtp``, ``existed``, or a sentence."""

    sent_at: datetime | None = None
    not_sent: str | None = None


@dataclass(frozen=True)
class Client:
    """One client."""

    key: str
    platform: Platform
    environment: Environment
    fields: Fields = field(default_factory=dict)
    """The metadata, flat: ``organisation.name``. Empty where it is not known."""
    form: str | None = None
    client_id: str | None = None
    has_secret: bool | None = None
    """Whether it has the client secret that is declared."""
    secret_updated_at: int | None = None
    secret_generation: int | None = None
    """Which of its secrets, one after the other, it has; None where it has none, or that is not known."""
    awaits_key: bool = False
    """Whether its secret is in force until its authority has a key, though a run has declared keys already."""
    adopts: str | None = None
    """The client-ID of an existing client that is taken over."""
    foreign: bool = False
    """Whether this is such a client, as it was before."""
    protected: bool | None = None
    """Whether the engine refuses to remove it, or what is inside it; None where that is not known."""
    protected_products: frozenset[str] = frozenset()
    scopes: Mapping[str, str | None] | None = None
    """Per scope the reason for it, None where that is not known."""
    default_scopes: frozenset[str] = frozenset()
    """Those of the scopes that every token has, whatever its request names."""
    keys: Mapping[str, Key] | None = None
    """None: left to the portal."""
    uploaded: Mapping[str, Key] | None = None
    """The keys that the portal has, where they are left to it and known."""
    compromised: frozenset[str] = frozenset()
    """The thumbprints of keys that its form says are: known from the form alone."""
    signs_without_kid: bool = False
    """Whether its application is known to, by evidence or its authority."""
    proven: frozenset[str] = frozenset()
    """Of keys in the portal, the thumbprints by which evidence was signed."""
    listed: frozenset[str] = frozenset()
    """Those of them that its authority had when a run last looked."""
    products: Mapping[str, Fields] = field(default_factory=dict)
    """Per product its configuration, flat."""
    owners: Mapping[str, Owner] = field(default_factory=dict)
    """Per product whose the configuration is."""
    without_marks: frozenset[str] = frozenset()
    """The parts that bear others' marks, as a refresh has found: the next run puts their own back."""
    exemptions: Mapping[str, str] = field(default_factory=dict)
    """Per policy that the form is exempted from, why."""
    unneeded_exemptions: frozenset[str] = frozenset()
    """Those that exempt nothing in any environment of the form: known from the form alone."""
    retire: Mapping[str, str] = field(default_factory=dict)
    """The days of its platform and its products from which on they are taken down, as 2027-03-31."""
    preserve: bool = False
    """Whether it is left to itself then, and not removed."""
    retained: bool = False
    """Whether the engine leaves it where it is, with its products, when it forgets it."""
    announced: Mapping[str, str] = field(default_factory=dict)
    """All that its form says of leaving, of other platforms too."""
    formerly: tuple[str, ...] = ()
    handed_over: HandedOver | None = None
    """What its organisation was told; None where the state has nothing of that."""
    made_at: datetime | None = None
    """When the engine made it."""
    keys_since: datetime | None = None
    """When the engine made what has its keys."""
    urns: Mapping[str, str] = field(default_factory=dict)
    """The resources that are in the state, per part."""

    @property
    def place(self) -> Place:
        return (self.key, self.platform, self.environment)

    @property
    def resource_name(self) -> str:
        """The key, and behind it the platform where that is not ACM/IDM."""
        return self.key if self.platform is Platform.ACMIDM else f"{self.key}/{self.platform}"

    @property
    def organisation(self) -> str:
        return str(self.fields.get("organisation.name") or self.key.partition("/")[0])

    @property
    def code(self) -> str:
        """The organisation's code, as its authority knows it."""
        return str(next((code for kind in ("ovo", "kbo") if (code := self.fields.get(f"organisation.{kind}"))), "no code"))

    @property
    def registered_for(self) -> list[str]:
        """Platform and environment, as the natural key has them."""
        return str(self.fields.get("software_id")).split("/")[:2]

    @property
    def application(self) -> str:
        return self.key.rpartition("/")[2]

    @property
    def attributes(self) -> Fields:
        """What its tokens say beside its organisation, per name."""
        return {name.removeprefix(OF_ATTRIBUTES): value for name, value in self.fields.items() if name.startswith(OF_ATTRIBUTES)}

    @property
    def auth_method(self) -> str | None:
        return self.fields.get("token_endpoint_auth_method")

    @property
    def jwks_uri(self) -> str | None:
        """Where its keys are published, if its form says so."""
        return self.fields.get(JWKS_URI)

    @property
    def known_keys(self) -> Mapping[str, Key] | None:
        """Its keys, those in the portal too; None where they are not known."""
        return self.uploaded if self.keys is None else self.keys

    @property
    def thumbprints(self) -> frozenset[str]:
        """Those of the keys that are declared, without what is no key."""
        return frozenset(key.thumbprint for key in (self.keys or {}).values() if key.thumbprint)

    @property
    def uses_keys(self) -> bool:
        return self.auth_method == AuthMethod.PRIVATE_KEY_JWT

    @property
    def uses_secret(self) -> bool:
        return self.auth_method in (AuthMethod.CLIENT_SECRET_BASIC, AuthMethod.CLIENT_SECRET_POST)


Clients = Mapping[Place, Client]
Records = Mapping[str, Client]
"""What a state has, by resource name; see ``Recorded.parts``."""


def declared_clients(connections: Iterable[Connection], *, protect: bool | None, managed_by: str | None = None) -> dict[Place, Client]:
    """The clients that connections of forms declare; ``protect`` is the stack's setting, where it is known."""
    return with_exemptions_once(_state_of(connection, protect, managed_by) for connection in connections)


def with_exemptions_once(states: Iterable[Client]) -> dict[Place, Client]:
    """By place: what a form has for all its clients is reported at the first of its platforms alone."""
    order, first, found = list(Platform), dict[str, Platform](), {state.place: state for state in states}
    for key, platform, _ in sorted(found, key=lambda place: order.index(place[1])):
        first.setdefault(key, platform)
    others = {place: state for place, state in found.items() if state.platform is not first[state.key]}
    return {**found, **{place: replace(state, exemptions={}, announced={}) for place, state in others.items()}}


def _state_of(connection: Connection, protect: bool | None, managed_by: str | None) -> Client:
    products, owner = connection.products, Owner(connection.software_id, managed_by)
    return Client(
        key=connection.key,
        platform=connection.platform,
        environment=connection.environment,
        fields=flat(ClientMetadata.of(connection, managed_by).properties),
        form=connection.form or None,
        has_secret=connection.uses_secret,
        secret_generation=connection.secret_generation if connection.uses_secret else None,
        adopts=connection.adopt,
        protected=None if protect is None else protect and not connection.is_leaving(),
        protected_products=frozenset(product for product in products if protect and not connection.is_leaving(product)),
        scopes=dict(connection.scopes),
        default_scopes=connection.default_scopes,
        keys=None if connection.keys is None else keys_of({kid: key.members for kid, key in connection.keys.items()}),
        compromised=connection.compromised,
        signs_without_kid=connection.signs_without_kid,
        proven=frozenset({connection.evidence.thumbprint} if connection.keys is None and connection.evidence else ()),
        products={product: flat(configuration) for product, configuration in products.items()},
        owners=dict.fromkeys(products, owner),
        exemptions=dict(connection.exemptions),
        **leaving(_days(connection), connection.platform, products, preserve=connection.preserve),
        retained=connection.preserve and connection.is_leaving(),
        formerly=connection.formerly,
    )


def _days(connection: Connection) -> dict[str, str]:
    return {name: day.isoformat() for name, day in connection.retire.items()}


def leaving(retire: Mapping[str, str], platform: Platform, products: Iterable[str], *, preserve: bool) -> dict[str, Any]:
    """The fields about leaving, from what a form says of all its clients."""
    own = {platform.value, *products}
    return {
        "retire": {name: day for name, day in retire.items() if name in own},
        "preserve": preserve,
        "announced": {**retire, **({"preserve": "yes"} if preserve else {})},
    }


def with_incarnation(fields: Fields, incarnation: str | None) -> dict[str, Any]:
    """Return a client's fields with the mark of the resource that has it, which no form knows."""
    return {**fields, **({"incarnation": incarnation} if incarnation else {})}


def recorded_as(connection: Connection, records: Records) -> Client | None:
    """Return what a state has of a connection: one client, and with it what a rename that failed in part left under another name.

    One that is there in parts alone has no ``client_id``.
    """
    own = connection.resource_name
    names = (own, *(former + own.removeprefix(connection.key) for former in connection.formerly))
    found = [records[name] for name in names if name in records]
    client = next((one for one in found if one.client_id), found[0] if found else None)
    for part in found:
        if client is not None and part is not client and not part.client_id:
            client = _with(client, part)
    return client


def _with(client: Client, part: Client) -> Client:
    return replace(
        client,
        scopes={**(client.scopes or {}), **(part.scopes or {})},
        products={**client.products, **part.products},
        owners={**client.owners, **part.owners},
        protected_products=client.protected_products | part.protected_products,
        keys=None if client.keys is None or part.keys is None else {**client.keys, **part.keys},
        listed=client.listed | part.listed,
        protected=client.protected or part.protected,
        retained=client.retained and (part.retained or not part.products),
    )
