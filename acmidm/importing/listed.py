"""The clients that the authorities of an environment list, with their scopes, keys and product
configurations, and what a form that takes them over says of these."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from acmidm.edit.new.draft import Draft
from acmidm.report.undeclared import clients_of
from acmidm.sheet import SheetRow
from acmidm.words import slug
from acmidm_onboarding.authorities.connected import Connected
from acmidm_onboarding.authorities.port import RegisteredClient, Reserved
from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.forms.form import EnvironmentRequest
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.jwk import InvalidJwk, PublicJwk, public_jwk
from acmidm_onboarding.values.metadata import ClientMetadata, ProductDocument
from acmidm_onboarding.values.plain import filled, only, without
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Environment, Platform

_GRANT_TYPES = ("client_credentials",)
_NO_KEYS = {
    "jwks_uri": "has its keys at an address: register the keys themselves there first",
    "x5c": "has its key as a certificate: register its public key as a JSON Web Key there first",
    "unreadable": "has keys that cannot be read: register them anew there first",
}
"""The only member of the JSON Web Key that an adapter gives in the place of keys that it cannot
read, and why."""


@dataclass(frozen=True)
class ListedClient:
    """One client as its authority has it."""

    environment: Environment
    platform: Platform
    registered: RegisteredClient
    configurations: Mapping[str, ProductDocument]
    """Per product."""
    reserved: Reserved | None = None
    """Why the authority keeps it from forms, as a client of its own; None where it does not."""

    @property
    def client_id(self) -> str:
        return self.registered.client_id

    @property
    def metadata(self) -> ClientMetadata:
        return self.registered.metadata

    def __str__(self) -> str:
        return (
            f'client {self.client_id} ("{self.metadata.client_name}",'
            f" {self.metadata.organisation.name}) on {self.environment}"
        )


@dataclass(kw_only=True)
class ExistingClients(Draft):
    """The draft of the form that takes over the clients of a row."""

    row: SheetRow
    clients: Mapping[Environment, ListedClient]
    keys: Mapping[Environment, Sequence[PublicJwk]]
    notes: list[str] = field(default_factory=list)
    """What a person has to check, though nothing is wrong."""

    def __str__(self) -> str:
        return str(self.row)

    @property
    def all_keys(self) -> dict[str, PublicJwk]:
        """The keys of all environments, by their thumbprints."""
        return {key.thumbprint: key for key in chain.from_iterable(self.keys.values())}

    @property
    def without_code(self) -> list[str]:
        """The client-IDs of clients for which the authority has no code of an organisation, and
        that ``adopts`` of ``organisation.yaml`` does not name, as it has to."""
        organisation = self.owner.organisation
        without_code = []
        for client in self.clients.values():
            has_code = client.metadata.organisation.is_of([organisation.code]) is not None
            if not has_code and client.client_id not in organisation.adopts:
                without_code.append(client.client_id)
        return without_code


@dataclass(frozen=True)
class Register:
    """All clients of one stack."""

    stack: str
    clients: tuple[ListedClient, ...]

    def find(self, client_id: str) -> ListedClient | None:
        """Return a client by its ID, in capitals or not, as people copy a UUID; None where it is
        not listed."""
        for client in self.clients:
            if client.client_id.lower() == client_id.lower():
                return client
        return None


def read_register(stack: str, environment: Environment, platforms: Connected) -> Register:
    """Return all clients of a stack, with their configurations, as its authorities list them.

    Raises:
        AuthorityError: where an authority does not answer.
        Failure: where an authority lists no clients, so that no client of a row could be found.
    """
    for platform, connected in platforms.items():
        if not connected.can.lists_clients:
            raise Failure(
                f"stack {stack} cannot be imported from: the authority of {platform} lists no"
                " clients; name the client-ID under adopt in each form"
            )
    configured: dict[tuple[Platform, str], dict[str, ProductDocument]] = defaultdict(dict)
    for platform, connected in platforms.items():
        for product in connected.products:
            for client_id, document in connected.product_api.configurations(product):
                configured[platform, client_id][product] = document
    clients = []
    for platform, registered, reserved in clients_of(platforms):
        documents = configured[platform, registered.client_id]
        clients.append(ListedClient(environment, platform, registered, documents, reserved))
    return Register(stack, tuple(clients))


def inexpressible(client: ListedClient) -> Iterator[str]:
    """Yield each reason why no form can declare a client as it is, but for its scopes, attributes
    and keys."""
    metadata = client.metadata
    if metadata.grant_types != _GRANT_TYPES:
        types = ", ".join(metadata.grant_types) or tr("none")
        yield f"{client} has the grant types {types}, where a form has client_credentials alone"
    if not metadata.enabled:
        yield f"{client} is disabled, and a form would enable it: enable it first, or remove it"
    if client.reserved is not None:
        yield f"{client} {client.reserved.why}"
    managed_by = {str(client): metadata.managed_by}
    for product, document in client.configurations.items():
        managed_by[f"the {product} configuration of {client}"] = document.owner.managed_by
    for what, stack in managed_by.items():
        if stack is not None:
            yield f"{what} is managed by {stack}: only that stack can declare it"


def request_of(client: ListedClient, catalogue: Catalogue, reasons: list[str]) -> dict[str, Any]:
    """Return a form's entry for the environment of a client, with ``adopt`` and without ``jwks``:
    {"adopt": {"acmidm": "…"}, "scopes": {"dv_dosis_schrijven": {}}}. Scopes have the catalogue's
    names. Add to ``reasons`` each scope and attribute that the catalogue lacks."""
    names = catalogue.scopes_by_name[client.platform]
    assigned = catalogue.assigned_by_provider(client.platform)
    # No form requests what the platform assigns to each client by itself.
    granted = without(client.registered.scopes, assigned)
    scopes: dict[str, Any] = {}
    for scope, is_default in only(granted, names).items():
        scopes[names[scope]] = filled({"default": is_default})
    unknown = {
        "scope": sorted(without(granted, names)),
        "attribute": sorted(without(client.metadata.attributes, catalogue.attributes)),
    }
    for what, lacking in unknown.items():
        reasons += [
            f'{client} has the {what} "{name}", which is not in the catalogue: add it there, or'
            " remove it first"
            for name in lacking
        ]
    products = {}
    for product, document in sorted(client.configurations.items()):
        products[product] = dict(document.configuration)
    request = {
        "adopt": {Platform.ACMIDM.value: client.client_id},
        "scopes": dict(sorted(scopes.items())),
        **only(client.metadata.properties, EnvironmentRequest.model_fields),
        "products": products,
    }
    return filled(request)


def registrable_keys(client: ListedClient, reasons: list[str], notes: list[str]) -> list[PublicJwk]:
    """Return the keys of a client, in the order of their ``kid``. A key that may not be registered
    is left out, and why is added to ``reasons``: the client cannot be imported then. A returned key
    that has ended, or loses members, is added to ``notes`` for a person to check."""
    keys = []
    for kid, members in sorted(client.registered.jwks.items()):
        if len(members) == 1 and not _NO_KEYS.keys().isdisjoint(members):
            [elsewhere] = members
            reasons.append(f"{client} {_NO_KEYS[elsewhere]}")
            continue
        try:
            key = public_jwk(dict(members))
        except InvalidJwk as error:
            reasons += [f'key "{kid}" of {client} {reason.sentence}' for reason in error.reasons]
            continue
        keys.append(key)
        if key.has_ended(datetime.now(UTC)):
            notes.append(
                f'key "{kid}" of {client} ended on {key.expires:%Y-%m-%d}, and the form has it all'
                " the same: take it out once another is there"
            )
        if lost := sorted(members.keys() - key.members.keys()):
            notes.append(
                f'key "{kid}" of {client} loses what means nothing to this project:'
                f" {', '.join(lost)}"
            )
    return keys


def application_of(client: ListedClient) -> str:
    """Return the name of a client's application as a form writes it: its ``application``, else its
    ``client_name`` without the organisation's name; empty where it has neither."""
    metadata = client.metadata
    return slug(metadata.application) or slug(
        metadata.client_name.replace(metadata.organisation.name, "")
    )
