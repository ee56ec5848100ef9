"""From a row and its clients to a form: what nobody wrote down is taken from the client itself, never guessed.

What a form cannot say as it is (a second grant type, a scope that is not in the catalogue, a key that may not be registered)
would be lost by the first ``up``, so that such a row is not imported but reported.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from acmidm.importing.listed import ListedClient
from acmidm.importing.sheet import Column, Row
from components.model.catalogue import Catalogue
from components.model.connection import client_name
from components.model.form import Environment, Platform
from components.model.identifiers import SHARED_KBO_NUMBER
from components.model.jwk import InvalidJwk, PublicJwk, public_jwk

_GRANT_TYPES = ("client_credentials",)
_LONGEST_NAME = 64
_NO_KEYS = {
    "jwks_uri": "has its keys at an address: register the keys themselves there first",
    "x5c": "has its key as a certificate: register its public key as a JSON Web Key there first",
    "unreadable": "has keys that cannot be read: register them anew there first",
}
"""What Keycloak's adapter tells in the place of keys that are none, by the member that a key never consists of."""


class CannotBeWritten(Exception):
    """What keeps a row from becoming a form, a sentence each."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("; ".join(reasons))


@dataclass
class Draft:
    """A form to be. ``notes`` is what the first ``up`` will change, for a person to know beforehand."""

    row: Row
    clients: Mapping[Environment, ListedClient]
    organisation: dict[str, str]
    application: str
    contacts: list[str]
    token_endpoint_auth_method: str
    scopes: Mapping[Environment, Sequence[str]]
    keys: Mapping[Environment, Sequence[PublicJwk]]
    notes: list[str] = field(default_factory=list)

    @property
    def code(self) -> str:
        """What identifies the organisation."""
        return self.organisation.get("ovo") or self.organisation["kbo"]

    @property
    def name(self) -> str:
        """The form's place under the folder of forms."""
        return f"{slug(self.organisation['name']) or self.code.lower()}/{self.application}"


def draft_of(row: Row, clients: Mapping[Environment, ListedClient], catalogue: Catalogue, contact: str | None) -> Draft:
    """The form that says what the row's clients have. Raises CannotBeWritten with every reason at once."""
    reasons = [reason for client in clients.values() for reason in _inexpressible(client)]
    scopes: dict[Environment, list[str]] = {}
    keys: dict[Environment, list[PublicJwk]] = {}
    notes: list[str] = []
    for environment, client in clients.items():
        scopes[environment], unknown = _scopes(client, catalogue)
        advice = "which is not in the catalogue: add it there, or withdraw it first"
        reasons += [f'{client} has the scope "{scope}", {advice}' for scope in unknown]
        keys[environment], refused, changed = _keys(client)
        reasons += refused
        notes += changed
    organisation, found = _organisation(row, clients.values())
    reasons += found
    # That of production, the last, where they differ.
    application = next((name for client in reversed(list(clients.values())) if (name := _application(client))), "")
    if not application:
        reasons.append("neither application nor client_name of its clients can name the application")
    method = {client.metadata.token_endpoint_auth_method for client in clients.values()}
    if len(method) > 1:
        reasons.append(f"its clients authenticate differently ({', '.join(sorted(method))}), which takes one form each: write them by hand")
    contacts = sorted({contact for client in clients.values() for contact in client.metadata.contacts})
    if not contacts and contact is None:
        reasons.append("its clients have no contacts: name one with --contact")
    if reasons:
        raise CannotBeWritten(reasons)
    notes += _contradictions(row, clients.values(), organisation)
    notes += _changes_of_names(clients.values(), organisation, application)
    notes += _changes_of_contacts(clients.values(), contacts or [contact or ""])
    notes += [
        f"{client} authenticates with a secret, which nobody can read: up makes a new one, to be handed over"
        for client in clients.values()
        if client.metadata.token_endpoint_auth_method != "private_key_jwt"
    ]
    return Draft(row, clients, organisation, application, contacts or [contact or ""], method.pop(), scopes, keys, notes)


def slug(text: str) -> str:
    """A text as the name of a file or an application: ``Stad Gênt (loket)`` is ``stad-gent-loket``."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain))[:_LONGEST_NAME].strip("-")


def _inexpressible(client: ListedClient) -> Iterator[str]:
    metadata = client.metadata
    if metadata.grant_types != _GRANT_TYPES:
        yield f"{client} has the grant types {', '.join(metadata.grant_types) or 'none'}, where a form gives client_credentials alone"
    if not metadata.enabled:
        yield f"{client} is disabled, and a form would enable it: enable it first, or remove it"
    if metadata.managed_by is not None:
        yield f"{client} is managed by {metadata.managed_by}: see whose it is, and write its form by hand"


def _scopes(client: ListedClient, catalogue: Catalogue) -> tuple[list[str], list[str]]:
    """The scopes as the catalogue names them, and those that it does not know. What providers assign needs no asking."""
    names = {catalogue.name_on(client.platform, scope): scope for scope in catalogue.scopes}
    asked = client.snapshot.scopes - catalogue.assigned_by_provider(client.platform)
    return sorted(names[scope] for scope in asked if scope in names), sorted(asked - names.keys())


def _keys(client: ListedClient) -> tuple[list[PublicJwk], list[str], list[str]]:
    """The keys, those that may not be registered any more, and those that lose something."""
    keys, refused, changed = [], [], []
    for kid, members in sorted(client.snapshot.jwks.items()):
        if len(members) == 1 and (told := _NO_KEYS.get(next(iter(members)))):
            refused.append(f"{client} {told}")
            continue
        try:
            key = public_jwk(dict(members))
        except InvalidJwk as error:
            refused += [f'key "{kid}" of {client} {reason.sentence}' for reason in error.reasons]
            continue
        keys.append(key)
        lost = sorted(members.keys() - key.members.keys())
        if lost:
            changed.append(f'key "{kid}" of {client} loses what means nothing to this project: {", ".join(lost)}')
    return keys, refused, changed


def _organisation(row: Row, clients: Iterable[ListedClient]) -> tuple[dict[str, str], list[str]]:
    """Name and codes as the authority has them, so that taking over changes none; the row's where it has none."""
    found = list(clients)
    codes = {(client.metadata.ovo_code, client.metadata.kbo_number) for client in found}
    if len(codes) > 1:
        return {}, ["its clients are of different organisations: " + ", ".join(map(str, found))]
    ovo, kbo = codes.pop()
    asked = row.values.get(Column.KBO)
    if asked and kbo and asked != kbo:
        return {}, [f"{row.place(Column.KBO)} says {asked}, while {found[0]} has KBO number {kbo}"]
    kbo = kbo or (None if ovo else asked)
    if not ovo and not kbo:
        return {}, [f"neither column {Column.KBO} nor {found[0]} has a code of the organisation"]
    if kbo == SHARED_KBO_NUMBER and not ovo:
        return {}, [f"KBO number {kbo} is shared by many bodies, and {found[0]} has no OVO code: give it one there"]
    name = found[-1].metadata.organisation_name or row.values.get(Column.CUSTOMER, "")
    return {"name": name, **({"ovo": ovo} if ovo else {}), **({"kbo": kbo} if kbo else {})}, []


def _application(client: ListedClient) -> str:
    """Its application, else what its name says besides the organisation's."""
    metadata = client.metadata
    return slug(metadata.application) or slug(metadata.client_name.replace(metadata.organisation_name, ""))


def _contradictions(row: Row, clients: Iterable[ListedClient], organisation: Mapping[str, str]) -> Iterator[str]:
    """What the row says of the organisation and the authority does not: perhaps the client is another's."""
    asked, customer = row.values.get(Column.KBO), row.values.get(Column.CUSTOMER, "")
    if asked and "kbo" not in organisation:
        has = f"{organisation['ovo']} and no KBO number"
        yield f"{row.place(Column.KBO)} says {asked}, while its organisation has {has} at the authority: see whether it is the same"
    for name in dict.fromkeys(client.metadata.organisation_name for client in clients):
        if name and customer and slug(customer) != slug(name):
            yield f'{row.place(Column.CUSTOMER)} says "{customer}", and the authority "{name}": see whether it is the same'


def _changes_of_names(clients: Iterable[ListedClient], organisation: Mapping[str, str], application: str) -> Iterator[str]:
    """What the clients are called, and their organisation and application, where the form says it differently."""
    declared = {
        "application": application,
        "client_name": client_name(organisation["name"], application),
        "organisation_name": organisation["name"],
        "ovo_code": organisation.get("ovo"),
        "kbo_number": organisation.get("kbo"),
    }
    for client in clients:
        for member, said in declared.items():
            own = getattr(client.metadata, member)
            if own != said:
                has = f'the {member} "{own}"' if own else f"no {member}"
                yield f'{client} has {has}; the form says "{said}"'


def _changes_of_contacts(clients: Iterable[ListedClient], contacts: Sequence[str]) -> list[str]:
    return [
        f"{client} has the contacts {', '.join(client.metadata.contacts) or 'none'}; the form says {', '.join(contacts)}"
        for client in clients
        if set(client.metadata.contacts) != set(contacts)
    ]


def request_of(draft: Draft, environment: Environment, key_files: Sequence[str]) -> dict[str, Any]:
    """What the form asks in one environment."""
    client = draft.clients[environment]
    request: dict[str, Any] = {"adopt": {Platform.ACMIDM.value: client.client_id}}
    if key_files:
        request["jwks"] = list(key_files)
    if draft.scopes[environment]:
        request["scopes"] = {scope: {} for scope in draft.scopes[environment]}
    if client.configurations:
        request["products"] = {product: dict(configuration) for product, configuration in sorted(client.configurations.items())}
    return request
