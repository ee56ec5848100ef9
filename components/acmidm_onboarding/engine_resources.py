"""Clients from the engine's resources, which ``pulumi stack export`` and ``pulumi preview --json``
have alike.

A client is some resources, each with its inputs, below a component. Of a type that is not in
``Resource`` the inputs are kept as they are. A value that the engine does not know yet is absent.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from acmidm_onboarding.values.client import (
    Client,
    ClientKey,
    FormTerms,
    Grant,
    HandedOver,
    Leaving,
    Record,
    Secret,
    fields_in,
    with_first_marked,
)
from acmidm_onboarding.values.keys import PublicKeys, keys_of
from acmidm_onboarding.values.marks import has_mark
from acmidm_onboarding.values.metadata import Owner, ProductDocument
from acmidm_onboarding.values.plain import flat
from acmidm_onboarding.values.terms import Environment, Platform

EngineResource = Mapping[str, Any]
"""A resource as the engine's documents have it."""
ByPart = Mapping[tuple[ClientKey, str], EngineResource]
"""The resources of clients, by client and part."""

METHOD = "token_endpoint_auth_method"
WAITS = "awaits_key"
"""The output of a client that says that its secret is still in force, whatever its inputs say."""
INCARNATION = "incarnation"
"""The output with the mark by which a resource knows its own client or configuration at the
authority."""
OTHER = "other_owner"
"""The input that a refresh sets: the marks at the authority that are not the resource's own."""
CONFIRMED = "confirmed_client_id"
"""The input of a client that only people change: the client-ID that they confirmed."""
KEEP = "keep"
"""The input of what leaves, from the first run of leaving on: true where it stays at its authority
without its marks when its resource goes, false where it is removed."""
LENT = "lent"
"""The input of a client's keys that has per thumbprint the supplier whose key it is."""
SINCE = "since"
"""The input of a client's keys that has per thumbprint when the key was first declared."""
REFUSED = "refused"
"""The input of a client's keys that says why one of them may not leave yet."""
WITHDRAWN = "withdrawn"
"""The input of a component that has, per platform, the scopes that were taken from a client because
it leaves."""
HAND_OVER = "HandOver"
"""The type of the record of mails to organisations, which is below no client."""

_OURS = ("pulumi-python:dynamic/acmidm", "acmidm:index")
_PASSWORD = "random:index/randomPassword:RandomPassword"
_OF_PROVIDERS = frozenset(
    {
        "client_id",
        "platform",
        "software_id",
        "managed_by",
        "formerly",
        "connection",
        "adopt",
        INCARNATION,
        OTHER,
        KEEP,
    }
)
"""The inputs by which a provider finds what it manages."""


class Resource(StrEnum):
    """What a change is about: one of the resources of a client, the component above them, or
    neither.

    A type that is not named here is ``OTHER``.
    """

    CLIENT = "OAuthClient"
    SCOPES = "ClientScopes"
    KEYS = "ClientJwks"
    PRODUCT = "ProductConfiguration"
    ONBOARDING = "Onboarding"
    OTHER = "another resource"
    NONE = "no resource"
    """The change is about something outside the clients."""


_KINDS = frozenset(Resource)
_PLATFORMS = tuple(Platform)


def resources_in(document: Mapping[str, Any]) -> list[EngineResource]:
    """Return the resources in an export of a state; none where it has no list of them."""
    resources = mapping(document.get("deployment")).get("resources")
    if not isinstance(resources, list):
        return []
    return [resource for resource in resources if isinstance(resource, Mapping)]


def decrypted(secret: object) -> Any:
    """Return the value of a secret in an export with decrypted secrets; None where it is still
    encrypted, and for what is no secret."""
    text = mapping(secret).get("plaintext")
    return json.loads(text) if isinstance(text, str) else None


def kind_of(resource: EngineResource) -> str:
    """Return the last word of the type of a resource of this project, such as ``OAuthClient``;
    empty for any other resource."""
    package, _, kind = _type_of(resource).rpartition(":")
    return kind if package in _OURS else ""


def is_password(resource: EngineResource) -> bool:
    """Return whether a resource makes a client's secret."""
    return _type_of(resource) == _PASSWORD


def is_stack(resource: EngineResource) -> bool:
    """Return whether a resource is the stack itself."""
    return _type_of(resource) == "pulumi:pulumi:Stack"


def is_provider(resource: EngineResource) -> bool:
    """Return whether a resource has the settings of the last run, as the providers got them."""
    return ":providers:pulumi-python::" in str(resource.get("urn"))


def inputs_of(resource: EngineResource | None) -> Mapping[str, Any]:
    """Return the inputs of a resource; none where there is no such resource."""
    return mapping((resource or {}).get("inputs"))


def outputs_of(resource: EngineResource | None) -> Mapping[str, Any]:
    """Return the outputs of a resource; none where there is no such resource."""
    return mapping((resource or {}).get("outputs"))


def name_of(resource: EngineResource) -> str:
    return str(resource.get("urn", "")).rpartition("::")[2]


def part_of(resource: EngineResource) -> tuple[str, Platform, str] | None:
    """Return the key, the platform and the part of the client that a resource belongs to, such as
    ("OVO002067/loket", ACM/IDM, "ClientScopes"); None for any other resource.

    The key is the name of the component: a resource below it may have another name, after a rename
    that failed in part or by hand. A type that is not in ``Resource`` may have several parts, which
    have the rest of the name behind the type.
    """
    kind, inputs = kind_of(resource), inputs_of(resource)
    component = {"urn": resource.get("parent") or ""}
    is_named = kind in _KINDS
    if not kind or not (is_named or kind_of(component) == Resource.ONBOARDING):
        return None
    key, platform = client_of(resource)
    if kind != Resource.ONBOARDING:
        key = name_of(component) or key
    if inputs.get("platform") in _PLATFORMS:
        platform = Platform(inputs["platform"])
    if kind == Resource.PRODUCT:
        return key, platform, product_part(str(inputs.get("product")))
    below = [] if is_named else name_of(resource).split("/")[2:]
    return key, platform, "/".join([kind, *(word for word in below if word != platform)])


def client_of(resource: EngineResource) -> tuple[str, Platform]:
    """Return the key and the platform in the name of a resource, such as
    ``OVO002067/loket/geosecure/dosis``."""
    code, application, *below = [*name_of(resource).split("/"), ""]
    platform = Platform.GEOSECURE if Platform.GEOSECURE in below[:1] else Platform.ACMIDM
    return f"{code}/{application}", platform


def product_part(product: str) -> str:
    return f"{Resource.PRODUCT}/{product}"


def kind_of_part(part: str) -> str:
    """Return the kind of resource that a part is: of ``ProductConfiguration/dosis``
    ``ProductConfiguration``."""
    return part.partition("/")[0]


def key_and_part(resource: EngineResource, environment: Environment) -> tuple[ClientKey, str]:
    """Return the identity and the part of the client that a resource belongs to; an empty key and
    part for any other resource."""
    key, platform, part = part_of(resource) or ("", Platform.ACMIDM, "")
    return (key, platform, environment), part


def by_part(
    resources: Iterable[EngineResource], environment: Environment
) -> dict[tuple[ClientKey, str], EngineResource]:
    """Return the resources that belong to clients, by client and part."""
    parts = dict[tuple[ClientKey, str], EngineResource]()
    for resource in resources:
        client_key, part = key_and_part(resource, environment)
        if part:
            parts[client_key, part] = resource
    return parts


def clients_in(resources: ByPart) -> dict[ClientKey, Client]:
    """Return the clients that resources make together; of some clients there may be only parts."""
    parts: dict[ClientKey, dict[str, EngineResource]] = defaultdict(dict)
    components: dict[str, Mapping[str, Any]] = {}
    for (client_key, part), resource in resources.items():
        if part == Resource.ONBOARDING:
            components[client_key[0]] = inputs_of(resource)
        else:
            parts[client_key][part] = resource
    clients = []
    for client_key, of_client in parts.items():
        clients.append(client_from(client_key, of_client, components.get(client_key[0], {})))
    return with_first_marked(clients)


def client_from(
    key: ClientKey, parts: Mapping[str, EngineResource], component: Mapping[str, Any]
) -> Client:
    """Return the client that its resources make, by part: {"OAuthClient": …,
    "ProductConfiguration/dosis": …}. Of what they do not have, nothing is known.

    ``component`` has the inputs of their component: what the form says of all its clients.
    """
    client = parts.get(Resource.CLIENT)
    metadata, outputs = inputs_of(client), outputs_of(client)
    awaits = outputs.get(WAITS) is True
    if awaits:  # the method in force is not that of the inputs
        metadata = {**metadata, METHOD: outputs.get(METHOD)}
    has_secret = None if client is None else metadata.get("client_secret") is not None
    scopes = inputs_of(parts.get(Resource.SCOPES))
    products = {part.partition("/")[2]: part for part in parts if part.startswith(product_part(""))}
    return Client(
        *key,
        fields=fields_in(metadata, _incarnation(client)),
        client_id=(client or {}).get("id") or metadata.get(CONFIRMED) or None,
        form=FormTerms(
            adopts=mapping(metadata.get("adopt")).get("client_id"),
            exemptions=mapping(component.get("exemptions")),
            mandate=mapping(component.get("mandate")),
            retire=mapping(component.get("retire")),
            keep=component.get(KEEP) is True,
            catalogue_names=mapping(scopes.get("catalogue_names")),
        ),
        secret=Secret(
            is_there=has_secret,
            updated_at=outputs.get("client_secret_updated_at"),
            awaits_key=awaits,
        ),
        leaving=_leaving(key[1], parts, products, component),
        scopes=_grants(scopes) if Resource.SCOPES in parts else None,
        keys=_public_keys(parts.get(Resource.KEYS)),
        products={product: _product(parts[part]) for product, part in products.items()},
        record=_record(parts),
    )


def _public_keys(resource: EngineResource | None) -> PublicKeys:
    """Return the keys of a client by the resource that has them. Without it no key is declared; its
    ``jwks`` None leaves them to the portal."""
    if resource is None:
        return PublicKeys({})
    inputs, jwks = inputs_of(resource), None
    if inputs.get("jwks") is not None:
        members = mapping(inputs["jwks"]).items()
        jwks = keys_of({kid: mapping(of_key) for kid, of_key in members})
    return PublicKeys(
        jwks,
        lent=mapping(inputs.get(LENT)),
        proven=mapping(inputs.get("proven")),
        seen=outputs_of(resource).get("seen"),
    )


def _record(parts: Mapping[str, EngineResource]) -> Record:
    """Return what the state alone knows of the client that these parts make."""
    urns: dict[str, str] = {}
    others: dict[str, Mapping[str, Any]] = {}
    marked_otherwise: set[str] = set()
    for part, resource in parts.items():
        inputs = inputs_of(resource)
        urns[part] = str(resource.get("urn", ""))
        if OTHER in inputs:
            marked_otherwise.add(part)
        if kind_of_part(part) not in _KINDS:
            others[part] = _compared(inputs)
    return Record(
        urns=urns,
        made_at=_made_at(parts.get(Resource.CLIENT)),
        keys_since=_made_at(parts.get(Resource.KEYS)),
        marked_otherwise=frozenset(marked_otherwise),
        others=others,
    )


def generations_in(
    resources: Iterable[EngineResource],
) -> Iterator[tuple[tuple[str, Platform], int]]:
    """Yield the key and platform of each client with a secret, and which secret that is, counted
    from 1, as the keepers of its password say."""
    for resource in resources:
        if is_password(resource) and not resource.get("delete"):
            keepers = mapping(inputs_of(resource).get("keepers"))
            number = str(keepers.get("generation"))
            generation = int(number) if number.isdecimal() else 1
            yield client_of(resource), generation


def environment_in(resources: Iterable[EngineResource]) -> Environment | None:
    """Return the environment in the natural keys of clients; None without any."""
    for resource in resources:
        parts = str(inputs_of(resource).get("software_id", "")).split("/")
        if len(parts) > 2 and parts[1] in list(Environment):
            return Environment(parts[1])
    return None


def mapping(value: object) -> Mapping[str, Any]:
    """Return a mapping as it is, and an empty one for anything else, such as a value that the
    engine does not know."""
    return value if isinstance(value, Mapping) else {}


def _type_of(resource: EngineResource) -> str:
    urn = str(resource.get("urn", "")).split("::")
    return urn[2].rpartition("$")[2] if len(urn) > 3 else ""


def _grants(inputs: Mapping[str, Any]) -> dict[str, Grant]:
    """Return the scopes in the inputs of a client's scopes: {"scopes": {"dv_kbo": "the reason"},
    "default_scopes": {"dv_kbo": True}, "until": {"dv_kbo": "2027-12-31"}}."""
    default, until = mapping(inputs.get("default_scopes")), mapping(inputs.get("until"))
    reasons = mapping(inputs.get("scopes")).items()
    return {name: Grant(reason, name in default, until.get(name)) for name, reason in reasons}


def _product(resource: EngineResource) -> ProductDocument:
    inputs = inputs_of(resource)
    owner = Owner(inputs.get("software_id"), inputs.get("managed_by"), _incarnation(resource))
    return ProductDocument(mapping(inputs.get("configuration")), owner)


def _compared(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs that reports compare of a resource whose type is not in ``Resource``, flat:
    without those that its provider needs, and without any that has a secret or an unknown value in
    it."""
    compared = {}
    for name, value in inputs.items():
        is_of_provider = name.startswith("__") or name in _OF_PROVIDERS
        if not (is_of_provider or has_mark(str(value))):
            compared[name] = value
    return flat(compared)


def _leaving(
    platform: Platform,
    parts: Mapping[str, EngineResource],
    products: Mapping[str, str],
    component: Mapping[str, Any],
) -> Leaving:
    """Return what of a client a run has recorded as leaving, and what the engine protects:
    products, and the platform, which leaves once each resource of its client says so.

    ``products`` has the part of each product.
    """
    of_client = parts.keys() & {Resource.CLIENT, Resource.SCOPES, Resource.KEYS}
    keep = {part: inputs_of(resource).get(KEEP) for part, resource in parts.items()}
    leaving = {product for product, part in products.items() if keep[part] is not None}
    if of_client and all(keep[part] is not None for part in of_client):
        leaving.add(platform.value)
    protected = {product for product, part in products.items() if parts[part].get("protect")}
    if any(parts[part].get("protect") for part in of_client):
        protected.add(platform.value)
    # The client and its products are removed or let go; scopes and keys go with the client.
    removable = parts.keys() & {Resource.CLIENT, *products.values()}
    return Leaving(
        frozenset(leaving),
        withdrawn=frozenset(mapping(mapping(component.get(WITHDRAWN)).get(platform))),
        is_let_go=bool(removable) and all(keep[part] is True for part in removable),
        protected=frozenset(protected),
    )


def _incarnation(resource: EngineResource | None) -> str | None:
    """Return the incarnation of a resource; None for one that a preview is about to make."""
    return outputs_of(resource).get(INCARNATION)


def _made_at(resource: EngineResource | None) -> datetime | None:
    made = (resource or {}).get("created")
    return datetime.fromisoformat(made) if isinstance(made, str) else None


def handed_over_in(resources: Iterable[EngineResource]) -> dict[str, HandedOver]:
    """Return what the hand-over recorded of each client's mails, by the name of the record, as
    ``hand_over_outcome.record_name`` makes it of platform and client-ID."""
    handed_over = {}
    for resource in resources:
        if kind_of(resource) != HAND_OVER:
            continue
        urn = str(resource.get("urn", ""))
        records = mapping(outputs_of(resource).get("records"))
        for name, record in records.items():
            handed_over[name] = _handed_over(mapping(record), urn)
    return handed_over


def _handed_over(record: Mapping[str, Any], urn: str) -> HandedOver:
    sent_at, not_sent = record.get("sent_at"), record.get("not_sent")
    moment = datetime.fromisoformat(sent_at) if sent_at else None
    reason = str(not_sent) if not_sent else None
    return HandedOver(moment, reason, urn)
