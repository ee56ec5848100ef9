"""A client as it is or will be, whichever source describes it: a form's connection, resources of the engine, an authority.

What a source does not know is absent, and never a change.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from acmidm.report.kinds import Resource
from components.authorities.port import ClientMetadata, ClientSnapshot, ProductDocument
from components.model.connection import Connection
from components.model.form import AuthMethod, Environment, Platform

Place = tuple[str, Platform, Environment]
"""What identifies a client: its key, its platform, its environment."""
Fields = Mapping[str, Any]
EngineResource = Mapping[str, Any]
"""A resource as the engine's documents have it."""

OWNER = ("software_id", "managed_by")
_REQUIRED = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}
_USAGE = ("alg", "use", "key_ops", "x5c", "x5t#S256")
"""What else is public of a key and not the key."""


@dataclass(frozen=True)
class Key:
    """A public key: its thumbprint (RFC 7638), None where that cannot be worked out, when it ends, and what else its owner says of it."""

    thumbprint: str | None
    expires: datetime | None = None
    usage: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    """Of all members: two keys with the same one are the same, whatever they have besides."""

    @property
    def shown(self) -> dict[str, str]:
        """All but the key material, as people read it."""
        return {**self.usage, **({"exp": f"{self.expires:%Y-%m-%d %H:%M} UTC"} if self.expires else {})}


@dataclass(frozen=True)
class ClientState:
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
    adopts: str | None = None
    """The client-ID of an existing client that is taken over."""
    foreign: bool = False
    """Whether this is such a client, as it was before."""
    protected: bool | None = None
    protected_products: frozenset[str] = frozenset()
    scopes: Mapping[str, str | None] | None = None
    """Per scope the reason for it, None where that is not known."""
    keys: Mapping[str, Key] | None = None
    """None: left to the portal."""
    uploaded: Mapping[str, Key] | None = None
    """The keys that the portal has, where they are left to it and known."""
    products: Mapping[str, Fields] = field(default_factory=dict)
    """Per product its configuration, flat."""
    owners: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    """Per product whose the configuration is: natural key and stack."""
    exemptions: Mapping[str, str] = field(default_factory=dict)
    """Per policy that the form is exempted from, why."""
    unneeded_exemptions: frozenset[str] = frozenset()
    """Those that exempt nothing in any environment of the form: known from the form alone."""
    formerly: tuple[str, ...] = ()
    urns: Mapping[str, str] = field(default_factory=dict)
    """The resources that are in the state, per part."""

    @property
    def place(self) -> Place:
        return (self.key, self.platform, self.environment)

    @property
    def organisation(self) -> str:
        return str(self.fields.get("organisation.name") or self.key.partition("/")[0])

    @property
    def application(self) -> str:
        return self.key.rpartition("/")[2]

    @property
    def auth_method(self) -> str | None:
        return self.fields.get("token_endpoint_auth_method")

    @property
    def uses_keys(self) -> bool:
        return self.auth_method == AuthMethod.PRIVATE_KEY_JWT


States = Mapping[Place, ClientState]


def state_of(connection: Connection, *, protect: bool | None, managed_by: str | None = None) -> ClientState:
    """A connection of a form as the client that it declares; ``protect`` is the stack's setting, where it is known."""
    products, owner = connection.products, (connection.software_id, managed_by)
    return ClientState(
        key=connection.key,
        platform=connection.platform,
        environment=connection.environment,
        fields=flat(ClientMetadata.of(connection, managed_by).properties),
        form=connection.form or None,
        has_secret=connection.uses_secret,
        adopts=connection.adopt,
        protected=None if protect is None else protect and not connection.is_ending(),
        protected_products=frozenset(product for product in products if protect and not connection.is_ending(product)),
        scopes=dict(connection.scopes),
        keys=None if connection.keys is None else {kid: key_of(key.members) for kid, key in connection.keys.items()},
        products={product: flat(configuration) for product, configuration in products.items()},
        owners=dict.fromkeys(products, owner),
        exemptions=dict(connection.exemptions),
        formerly=connection.formerly,
    )


def states_of(connections: Iterable[Connection], *, protect: bool | None, managed_by: str | None = None) -> dict[Place, ClientState]:
    states = {state.place: state for one in connections for state in [state_of(one, protect=protect, managed_by=managed_by)]}
    first = _first_platforms(states)
    return {place: state if place in first else replace(state, exemptions={}) for place, state in states.items()}


def snapshot_state(
    place: Place, snapshot: ClientSnapshot, products: Mapping[str, ProductDocument], assigned: frozenset[str]
) -> ClientState:
    """A client as its authority has it; ``assigned`` are the scopes that are left out, for their provider assigned them."""
    client, found = snapshot.client, products.items()
    return ClientState(
        *place,
        fields=flat(client.metadata.properties),
        client_id=client.client_id,
        secret_updated_at=client.client_secret_updated_at,
        scopes=dict.fromkeys(snapshot.scopes - assigned),
        keys={kid: key_of(members) for kid, members in snapshot.jwks.items()},
        products={product: flat(document.configuration) for product, document in found},
        owners={product: (document.owner.software_id, document.owner.managed_by) for product, document in found},
    )


def part_of(resource: EngineResource) -> tuple[str, Platform, str] | None:
    """The key, the platform and the part of a client that one of the four resources is, or the component above them."""
    kind, inputs = kind_of(resource), _mapping(resource.get("inputs"))
    name = str(resource.get("urn" if kind == Resource.ONBOARDING else "parent", "")).rpartition("::")[2]
    if kind not in list(Resource) or not name:
        return None
    platform = inputs.get("platform")
    part = product_part(str(inputs.get("product"))) if kind == Resource.PRODUCT else kind
    return name, Platform(platform) if platform in list(Platform) else Platform.ACMIDM, part


def product_part(product: str) -> str:
    return f"{Resource.PRODUCT}/{product}"


def kind_of(resource: EngineResource) -> str:
    """The last word of a resource's type."""
    urn = str(resource.get("urn", "")).split("::")
    return urn[2].rpartition("$")[2].rpartition(":")[2] if len(urn) > 3 else ""


def states_in(resources: Iterable[EngineResource], environment: Environment) -> dict[Place, ClientState]:
    """The clients that resources make together."""
    clients: dict[Place, dict[str, EngineResource]] = defaultdict(dict)
    for resource in resources:
        if found := part_of(resource):
            clients[found[0], found[1], environment][found[2]] = resource
    return states_of_parts(clients)


def states_of_parts(clients: Mapping[Place, Mapping[str, EngineResource]]) -> dict[Place, ClientState]:
    """Clients from the resources of each; one without an ``OAuthClient`` is left out."""
    inputs = {
        place[0]: _mapping(parts[Resource.ONBOARDING].get("inputs")) for place, parts in clients.items() if Resource.ONBOARDING in parts
    }
    whole = {place: parts for place, parts in clients.items() if Resource.CLIENT in parts}
    exemptions = {place: _mapping(inputs.get(place[0], {}).get("exemptions")) for place in _first_platforms(whole)}
    return {place: replace(resource_state(place, parts), exemptions=exemptions.get(place, {})) for place, parts in whole.items()}


def resource_state(place: Place, parts: Mapping[str, EngineResource]) -> ClientState:
    """A client from its resources; what the engine does not know yet is absent."""
    own = {part: resource for part, resource in parts.items() if part != Resource.ONBOARDING}
    state = ClientState(*place, keys={}, urns={part: str(resource.get("urn", "")) for part, resource in own.items()})
    for part, resource in own.items():
        inputs, product = _mapping(resource.get("inputs")), part.partition("/")[2]
        if part == Resource.CLIENT:
            adopt, outputs = _mapping(inputs.get("adopt")), _mapping(resource.get("outputs"))
            state = replace(
                state,
                fields=flat({name: inputs[name] for name in ClientMetadata.model_fields if name in inputs}),
                client_id=resource.get("id") or None,
                has_secret=inputs.get("client_secret") is not None,
                secret_updated_at=outputs.get("client_secret_updated_at"),
                adopts=adopt.get("client_id"),
                protected=bool(resource.get("protect")),
            )
        elif part == Resource.SCOPES:
            state = replace(state, scopes=_mapping(inputs.get("scopes")))
        elif part == Resource.KEYS:
            state = replace(state, keys=_keys(inputs["jwks"]) if inputs.get("jwks") is not None else None)
        else:
            state = replace(
                state,
                products={**state.products, product: flat(_mapping(inputs.get("configuration")))},
                owners={**state.owners, product: (inputs.get("software_id"), inputs.get("managed_by"))},
                protected_products=state.protected_products | ({product} if resource.get("protect") else set()),
            )
    return state


def before_adoption(after: ClientState, parts: Mapping[str, EngineResource]) -> ClientState | None:
    """The client that is taken over, as it is before: its resources' ``adopt.before``. None where none is, or it is refused."""
    seen = {part: _mapping(_mapping(resource.get("inputs")).get("adopt")).get("before") for part, resource in parts.items()}
    if not isinstance(seen.get(Resource.CLIENT), Mapping):
        return None
    state = resource_state(after.place, {part: {"inputs": _mapping(before)} for part, before in seen.items() if before})
    products = {product: fields for product, fields in state.products.items() if fields}
    scopes = None if state.scopes is None else dict.fromkeys(state.scopes)
    return replace(state, client_id=after.adopts, foreign=True, protected=None, scopes=scopes, products=products, urns={})


def key_of(members: Mapping[str, Any]) -> Key:
    """A key in a JWK Set. Only what identifies it is kept, so that no other member of it can get into a report."""
    public = {name: members.get(name) for name in _REQUIRED.get(str(members.get("kty")), ())}
    is_whole = bool(public) and all(isinstance(value, str) for value in public.values())
    exp, expires = members.get("exp"), None
    if isinstance(exp, int | float):
        try:
            expires = datetime.fromtimestamp(exp, UTC)
        except (ValueError, OverflowError, OSError):
            is_whole = False
    usage = {name: shown(members[name]) for name in _USAGE if members.get(name)}
    return Key(_hash(public) if is_whole else None, expires, usage, _hash({name: _plain(value) for name, value in members.items()}))


def shown(value: Any) -> str:
    """A value as people read it: texts as they are, lists with commas, all else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return json.dumps(_plain(value), ensure_ascii=False, sort_keys=True)


def flat(value: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """``{"test": {"url": …}}`` as ``{"test.url": …}``, so that a change shows at the field that changes."""
    fields: dict[str, Any] = {}
    for name, part in value.items():
        if isinstance(part, Mapping) and part:
            fields |= flat(part, f"{above}{name}.")
        else:
            fields[f"{above}{name}"] = _plain(part)
    return fields


def _first_platforms(places: Iterable[Place]) -> set[Place]:
    """Per connection its first platform: what a form has for all its clients is reported there alone."""
    order = list(Platform)
    return set({place[::2]: place for place in sorted(places, key=lambda place: order.index(place[1]), reverse=True)}.values())


def _keys(jwks: Any) -> dict[str, Key]:
    return {kid: key_of(_mapping(members)) for kid, members in _mapping(jwks).items()}


def _mapping(value: Any) -> Mapping[str, Any]:
    """A mapping as it is; whatever else there is, the engine's marker of what it does not know yet too, is none."""
    return value if isinstance(value, Mapping) else {}


def _plain(value: Any) -> Any:
    """Whole numbers as integers: they travel as floating point; lists as lists, for their order is a change."""
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _hash(members: Mapping[str, Any]) -> str:
    """SHA-256 of the members as RFC 7638 writes them, base64url."""
    text = json.dumps(members, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()).decode().rstrip("=")
