"""From a row and its clients to a form: what nobody wrote down is taken from the client itself,
never guessed.

The first ``up`` would remove what no form can have: a second grant type, a scope that is not in the
catalogue, a key that may not be registered. Such a row is not imported but reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from acmidm.importing.listed import ListedClient
from acmidm.importing.organisations import FolderOwner, Organisations
from acmidm.sheet import Headings, SheetRow
from acmidm.words import shown, slug
from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.forms.files import form_file
from acmidm_onboarding.forms.form import EnvironmentRequest, Form
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.declaration import client_name
from acmidm_onboarding.values.identifiers import SHARED_KBO_NUMBER, look_of
from acmidm_onboarding.values.jwk import InvalidJwk, PublicJwk, public_jwk
from acmidm_onboarding.values.metadata import ClientMetadata, Scopes, without_assigned
from acmidm_onboarding.values.problems import Unusable, quoted
from acmidm_onboarding.values.terms import Environment, Platform


class Column(StrEnum):
    """The columns that are read, named as in the spreadsheet that connections were kept in."""

    KBO = "KBOnummer"
    CUSTOMER = "Klant"
    TAN = "TAN"
    URI_TEST = "URI TEST"
    URI_PROD = "URI PRD"
    CLIENT_TEST = "CliëntID TEST"
    CLIENT_PROD = "CliëntID PRD"


CLIENT_IDS = (Column.CLIENT_TEST, Column.CLIENT_PROD)
HEADINGS = Headings(tuple(Column), ((Column.KBO,), CLIENT_IDS))
_GRANT_TYPES = ("client_credentials",)
_SAID = [
    name
    for name in Form.model_fields
    if name in ClientMetadata.model_fields.keys() - {"application", "contacts"}
]
"""The fields that a form has once, so that its clients have to have them alike."""
_NO_KEYS = {
    "jwks_uri": "has its keys at an address: register the keys themselves there first",
    "x5c": ("has its key as a certificate: register its public key as a JSON Web Key there first"),
    "unreadable": "has keys that cannot be read: register them anew there first",
}
"""What an adapter gives in the place of keys that are elsewhere, by a member that no key has."""


@dataclass
class ImportedForm:
    """A planned form. ``notes`` are what the first ``up`` will change, for a person to know
    beforehand."""

    row: SheetRow
    clients: Mapping[Environment, ListedClient]
    organisation: FolderOwner
    application: str
    contacts: list[str]
    said: Mapping[str, Any]
    """What else a form says once of all its clients, by field."""
    scopes: Mapping[Environment, Scopes]
    """By their names in the catalogue."""
    keys: Mapping[Environment, Sequence[PublicJwk]]
    notes: list[str] = field(default_factory=list)

    @property
    def nameless(self) -> list[ListedClient]:
        """The clients of which the authority does not know whose they are: ``organisation.yaml``
        has to name them."""
        others = (
            client
            for client in self.clients.values()
            if client.client_id not in self.organisation.adopts
        )
        return [
            client
            for client in others
            if client.metadata.organisation.is_of([self.organisation.code]) is None
        ]

    @property
    def name(self) -> str:
        """The form's place in the folder of forms."""
        return f"{self.organisation.folder}/{form_file(self.application).removesuffix('.yaml')}"


def draft_of(
    row: SheetRow,
    clients: Mapping[Environment, ListedClient],
    catalogue: Catalogue,
    organisations: Organisations,
    contact: str | None,
) -> ImportedForm:
    """Return the form that has what the row's clients have. Raises Unusable with every reason at
    once."""
    reasons = [reason for client in clients.values() for reason in _inexpressible(client)]
    scopes: dict[Environment, Scopes] = {}
    keys: dict[Environment, list[PublicJwk]] = {}
    notes: list[str] = []
    for environment, client in clients.items():
        scopes[environment], unknown = _scopes(client, catalogue)
        reasons += [
            f'{client} has the scope "{scope}", which is not in the catalogue: add it there, or'
            " withdraw it first"
            for scope in unknown
        ]
        unknown_names = client.metadata.attributes.keys() - catalogue.attributes.keys()
        reasons += [
            f'{client} has the attribute "{name}" in its tokens, which the catalogue lacks: add it'
            " there, or remove it first"
            for name in sorted(unknown_names)
        ]
        keys[environment], refused, changed = _keys(client)
        reasons += refused
        notes += changed
    organisation, more = _organisation(row, clients.values(), organisations)
    reasons += more
    # Where applications differ, production's counts, which is the last.
    application = next(
        (name for client in reversed(list(clients.values())) if (name := _application(client))), ""
    )
    if not application:
        reasons.append(
            "neither application nor client_name of its clients can name the application"
        )
    metadata = [client.metadata.properties for client in clients.values()]
    for name in _SAID:
        if len(values := {shown(properties.get(name, tr("none"))) for properties in metadata}) > 1:
            reasons.append(
                f"its clients differ in {name} ({', '.join(sorted(values))}), which takes one form"
                " each: write them by hand"
            )
    contacts = sorted(
        {contact for client in clients.values() for contact in client.metadata.contacts}
    )
    if not contacts and contact is None:
        reasons.append("its clients have no contacts: name one with --contact")
    if organisation is not None:
        reasons += _second_identity(row, organisation, organisations)
    if reasons or organisation is None:
        raise Unusable(*reasons)
    wanted_contacts = contacts or [contact or ""]
    notes += _contradictions(row, clients.values(), organisation)
    for environment, client in clients.items():
        expected = catalogue.client_names(scopes[environment], environment, organisation.name)
        notes += _changes_of_names(client, organisation, application, expected)
    notes += _changes_of_contacts(clients.values(), wanted_contacts)
    notes += [
        f"{client} authenticates with a secret, which nobody can read: up makes a new one, to be"
        " handed over"
        for client in clients.values()
        if client.metadata.token_endpoint_auth_method != "private_key_jwt"
    ]
    said = {name: value for name, value in metadata[0].items() if name in _SAID}
    draft = ImportedForm(
        row, clients, organisation, application, wanted_contacts, said, scopes, keys, notes
    )
    draft.notes += _unknown_owners(draft)
    return draft


def _inexpressible(client: ListedClient) -> Iterator[str]:
    metadata = client.metadata
    if metadata.grant_types != _GRANT_TYPES:
        types = ", ".join(metadata.grant_types) or tr("none")
        yield f"{client} has the grant types {types}, where a form has client_credentials alone"
    if not metadata.enabled:
        yield f"{client} is disabled, and a form would enable it: enable it first, or remove it"
    if client.reserved is not None:
        yield f"{client} {client.reserved.why}"
    if metadata.managed_by is not None:
        yield f"{client} is managed by {metadata.managed_by}: only that stack can declare it"
    for product, document in client.configurations.items():
        if document.owner.managed_by is not None:
            yield (
                f"the {product} configuration of {client} is managed by"
                f" {document.owner.managed_by}: only that stack can declare it"
            )


def _scopes(client: ListedClient, catalogue: Catalogue) -> tuple[Scopes, list[str]]:
    """Return the scopes by their names in the catalogue, and those that it lacks. What providers
    assign is left out."""
    names = {catalogue.name_on(client.platform, scope): scope for scope in catalogue.scopes}
    granted = without_assigned(
        client.snapshot.scopes, catalogue.assigned_by_provider(client.platform), ()
    )
    by_name = {names[scope]: default for scope, default in granted.items() if scope in names}
    return {name: by_name[name] for name in sorted(by_name)}, sorted(granted.keys() - names.keys())


def _keys(client: ListedClient) -> tuple[list[PublicJwk], list[str], list[str]]:
    """Return the keys, why some may not be registered any more, and what to know of others."""
    keys, refused, changed = [], [], []
    for kid, members in sorted(client.snapshot.jwks.items()):
        if len(members) == 1 and (member := next(iter(members))) in _NO_KEYS:
            refused.append(f"{client} {_NO_KEYS[member]}")
            continue
        try:
            key = public_jwk(dict(members))
        except InvalidJwk as error:
            refused += [f'key "{kid}" of {client} {reason.sentence}' for reason in error.reasons]
            continue
        keys.append(key)
        if key.has_ended(datetime.now(UTC)):
            changed.append(
                f'key "{kid}" of {client} ended on {key.expires:%Y-%m-%d}, and the form has it all'
                " the same: take it out once another is there"
            )
        lost = sorted(members.keys() - key.members.keys())
        if lost:
            changed.append(
                f'key "{kid}" of {client} loses what means nothing to this project:'
                f" {', '.join(lost)}"
            )
    return keys, refused, changed


def _organisation(
    row: SheetRow, clients: Iterable[ListedClient], organisations: Organisations
) -> tuple[FolderOwner | None, list[str]]:
    """Return the organisation by the codes at the authority or, without those, the row's; or else
    why there is none."""
    in_row, owners = row.values.get(Column.KBO), []
    for client in reversed(list(clients)):
        # Production, the last, names an organisation that is new.
        has = client.metadata.organisation
        if in_row and has.kbo and in_row != has.kbo:
            return None, [
                f"{row.named(Column.KBO)} has {in_row}, while {client} has KBO number {has.kbo}"
            ]
        kbo = has.kbo or (None if has.ovo else in_row)
        if not has.ovo and not kbo:
            return None, [
                f"neither column {Column.KBO} nor {client} has a code of the organisation"
            ]
        if kbo == SHARED_KBO_NUMBER and not has.ovo:
            return None, [
                f"KBO number {kbo} is shared by many bodies, and {client} has no OVO code: give it"
                " one there"
            ]
        try:
            owners.append(
                organisations.of(has.name or row.values.get(Column.CUSTOMER, ""), has.ovo, kbo)
            )
        except ValueError as error:
            return None, [f"{client}: {error}"]
    if len(set(owners)) > 1:
        return None, [f"its clients are of different organisations: {', '.join(map(str, clients))}"]
    return owners[0], []


def _application(client: ListedClient) -> str:
    """Return its application, else the part of its name that is not the organisation's."""
    metadata = client.metadata
    return slug(metadata.application) or slug(
        metadata.client_name.replace(metadata.organisation.name, "")
    )


def _second_identity(
    row: SheetRow, owner: FolderOwner, organisations: Organisations
) -> Iterator[str]:
    """Yield what in a row is another organisation's than that of its client."""
    kbo, customer = row.values.get(Column.KBO), row.values.get(Column.CUSTOMER)
    if kbo is not None and owner.kbo not in (None, kbo):
        yield (
            f"{row.named(Column.KBO)} has {kbo}, while its organisation has {owner.code} and KBO"
            f" number {owner.kbo}: see which is right"
        )
    elif kbo is not None and (other := organisations.another(owner, kbo, None)):
        yield _of_another(row, Column.KBO, other, owner)
    if look_of(customer or "") == look_of(owner.name):
        return
    if customer is not None and (other := organisations.another(owner, None, customer)):
        yield _of_another(row, Column.CUSTOMER, other, owner)


def _of_another(row: SheetRow, column: Column, other: str, owner: FolderOwner) -> str:
    return (
        f"{row.named(column)} has {quoted(row.values[column])}, which is that of {other} and not"
        f" of {owner.folder}: see which is right"
    )


def _contradictions(
    row: SheetRow, clients: Iterable[ListedClient], owner: FolderOwner
) -> Iterator[str]:
    """Yield what row and authority have differently about the organisation: perhaps the client is
    another's."""
    in_row, customer = row.values.get(Column.KBO), row.values.get(Column.CUSTOMER, "")
    if in_row and owner.kbo is None:
        yield (
            f"{row.named(Column.KBO)} has {in_row}, while its organisation has {owner.code} and no"
            " KBO number: see whether it is the same"
        )
    for name in dict.fromkeys(client.metadata.organisation.name for client in clients):
        if name and customer and slug(customer) != slug(name):
            yield (
                f'{row.named(Column.CUSTOMER)} has "{customer}", and the authority "{name}": see'
                " whether it is the same"
            )


def _changes_of_names(
    client: ListedClient, owner: FolderOwner, application: str, expected: Sequence[str]
) -> Iterator[str]:
    """Yield each name and code that the form has differently from a client; an API may expect a
    name of it."""
    own, organisation = client.metadata, client.metadata.organisation
    for member, at_authority, declared in (
        ("application", own.application, application),
        ("client_name", own.client_name, client_name(owner.name, application, expected)),
        ("organisation.name", organisation.name, owner.name),
        ("organisation.ovo", organisation.ovo, owner.ovo),
        ("organisation.kbo", organisation.kbo, owner.kbo),
    ):
        if (at_authority or "") != (declared or ""):
            there = f'the {member} "{at_authority}"' if at_authority else f"no {member}"
            in_form = f'"{declared}"' if declared else "none"
            yield f"{client} has {there}; the form has {in_form}"


def _unknown_owners(draft: ImportedForm) -> Iterator[str]:
    """Yield each client that is this organisation's by the spreadsheet alone."""
    owner = draft.organisation
    file = f"{owner.folder}/organisation.yaml"
    adopts = f"adopts in {file} has it" if owner.is_new else f"has to be added to adopts in {file}"
    for client in draft.nameless:
        yield (
            f"{client} has no code of an organisation there, and {adopts}: see whether it is"
            f" {owner.name}'s"
        )


def _changes_of_contacts(clients: Iterable[ListedClient], contacts: Sequence[str]) -> list[str]:
    changes = []
    for client in clients:
        if set(client.metadata.contacts) != set(contacts):
            there = ", ".join(client.metadata.contacts) or tr("none")
            changes.append(f"{client} has the contacts {there}; the form has {', '.join(contacts)}")
    return changes


def request_of(
    draft: ImportedForm, environment: Environment, key_files: Sequence[str]
) -> dict[str, Any]:
    """Return a form's part for one environment. Without keys it has no ``jwks``: the organisation
    uploads them in the portal."""
    client = draft.clients[environment]
    request: dict[str, Any] = {"adopt": {Platform.ACMIDM.value: client.client_id}}
    if key_files:
        request["jwks"] = list(key_files)
    if draft.scopes[environment]:
        request["scopes"] = {
            scope: {"default": True} if is_default else {}
            for scope, is_default in draft.scopes[environment].items()
        }
    said = client.metadata.properties
    request |= {name: said[name] for name in EnvironmentRequest.model_fields if name in said}
    if client.configurations:
        request["products"] = {
            product: dict(document.configuration)
            for product, document in sorted(client.configurations.items())
        }
    return request
