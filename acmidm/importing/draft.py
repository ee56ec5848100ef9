"""From a row and its clients to a form: what nobody wrote down is taken from the client itself, never guessed.

The first ``up`` would remove what no form can have: a second grant type, a scope that is not in the catalogue, a key
that may not be registered. Such a row is not imported but reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from acmidm.importing.listed import ListedClient
from acmidm.importing.organisations import FolderOwner, Organisations
from acmidm.importing.sheet import Column, SheetRow
from acmidm.words import slug
from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.values.declaration import client_name
from acmidm_onboarding.values.identifiers import SHARED_KBO_NUMBER
from acmidm_onboarding.values.jwk import InvalidJwk, PublicJwk, public_jwk
from acmidm_onboarding.values.metadata import Scopes, without_assigned
from acmidm_onboarding.values.problems import Unusable
from acmidm_onboarding.values.terms import Environment, Platform

_GRANT_TYPES = ("client_credentials",)
_NO_KEYS = {
    "jwks_uri": "has its keys at an address: register the keys themselves there first",
    "x5c": "has its key as a certificate: register its public key as a JSON Web Key there first",
    "unreadable": "has keys that cannot be read: register them anew there first",
}
"""What an adapter gives in the place of keys that are elsewhere, by a member that no key has."""


@dataclass
class ImportedForm:
    """A planned form. ``notes`` are what the first ``up`` will change, for a person to know beforehand."""

    row: SheetRow
    clients: Mapping[Environment, ListedClient]
    organisation: FolderOwner
    application: str
    contacts: list[str]
    token_endpoint_auth_method: str
    scopes: Mapping[Environment, Scopes]
    """By their names in the catalogue."""
    keys: Mapping[Environment, Sequence[PublicJwk]]
    notes: list[str] = field(default_factory=list)

    @property
    def nameless(self) -> list[ListedClient]:
        """The clients of which the authority does not know whose they are: ``organisation.yaml`` has to name them."""
        known = (client for client in self.clients.values() if client.client_id not in self.organisation.adopts)
        return [client for client in known if client.metadata.organisation.is_of([self.organisation.code]) is None]

    @property
    def name(self) -> str:
        """The form's place in the folder of forms."""
        file = f"{self.application}-form" if self.application == "organisation" else self.application
        return f"{self.organisation.folder}/{file}"


def draft_of(
    row: SheetRow,
    clients: Mapping[Environment, ListedClient],
    catalogue: Catalogue,
    organisations: Organisations,
    contact: str | None,
) -> ImportedForm:
    """Return the form that has what the row's clients have. Raises Unusable with every reason at once."""
    reasons = [reason for client in clients.values() for reason in _inexpressible(client)]
    scopes: dict[Environment, Scopes] = {}
    keys: dict[Environment, list[PublicJwk]] = {}
    notes: list[str] = []
    for environment, client in clients.items():
        scopes[environment], unknown = _scopes(client, catalogue)
        advice = "which is not in the catalogue: add it there, or withdraw it first"
        reasons += [f'{client} has the scope "{scope}", {advice}' for scope in unknown]
        advice = "which the catalogue lacks: add it there, or remove it first"
        said = client.metadata.attributes.keys() - catalogue.attributes.keys()
        reasons += [f'{client} has the attribute "{name}" in its tokens, {advice}' for name in sorted(said)]
        keys[environment], refused, changed = _keys(client)
        reasons += refused
        notes += changed
    organisation, found = _organisation(row, clients.values(), organisations)
    reasons += found
    # That of production, the last, where they differ.
    application = next((name for client in reversed(list(clients.values())) if (name := _application(client))), "")
    if not application:
        reasons.append("neither application nor client_name of its clients can name the application")
    method = {client.metadata.token_endpoint_auth_method for client in clients.values()}
    if len(method) > 1:
        reasons.append(
            f"its clients authenticate differently ({', '.join(sorted(method))}), which takes one form each: write them"
            " by hand"
        )
    contacts = sorted({contact for client in clients.values() for contact in client.metadata.contacts})
    if not contacts and contact is None:
        reasons.append("its clients have no contacts: name one with --contact")
    if reasons or organisation is None:
        raise Unusable(*reasons)
    notes += _contradictions(row, clients.values(), organisation)
    notes += _changes_of_names(clients.values(), organisation, application)
    notes += _changes_of_contacts(clients.values(), contacts or [contact or ""])
    notes += [
        f"{client} authenticates with a secret, which nobody can read: up makes a new one, to be handed over"
        for client in clients.values()
        if client.metadata.token_endpoint_auth_method != "private_key_jwt"
    ]
    draft = ImportedForm(
        row, clients, organisation, application, contacts or [contact or ""], method.pop(), scopes, keys, notes
    )
    draft.notes += _unknown_owners(draft)
    return draft


def _inexpressible(client: ListedClient) -> Iterator[str]:
    metadata = client.metadata
    if metadata.grant_types != _GRANT_TYPES:
        yield (
            f"{client} has the grant types {', '.join(metadata.grant_types) or 'none'}, where a form has"
            " client_credentials alone"
        )
    if not metadata.enabled:
        yield f"{client} is disabled, and a form would enable it: enable it first, or remove it"
    if client.reserved is not None:
        yield f"{client} {client.reserved.why}"
    if metadata.managed_by is not None:
        yield f"{client} is managed by {metadata.managed_by}: only that stack can declare it"
    for product, document in client.configurations.items():
        if document.owner.managed_by is not None:
            yield (
                f"the {product} configuration of {client} is managed by {document.owner.managed_by}: only that stack"
                " can declare it"
            )


def _scopes(client: ListedClient, catalogue: Catalogue) -> tuple[Scopes, list[str]]:
    """Return the scopes by their names in the catalogue, and those that it lacks. What providers assign is left out."""
    names = {catalogue.name_on(client.platform, scope): scope for scope in catalogue.scopes}
    granted = without_assigned(client.snapshot.scopes, catalogue.assigned_by_provider(client.platform), ())
    known = {names[scope]: default for scope, default in granted.items() if scope in names}
    return {name: known[name] for name in sorted(known)}, sorted(granted.keys() - names.keys())


def _keys(client: ListedClient) -> tuple[list[PublicJwk], list[str], list[str]]:
    """Return the keys, why some may not be registered any more, and what some lose."""
    keys, refused, changed = [], [], []
    for kid, members in sorted(client.snapshot.jwks.items()):
        if len(members) == 1 and (elsewhere := _NO_KEYS.get(next(iter(members)))):
            refused.append(f"{client} {elsewhere}")
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


def _organisation(
    row: SheetRow, clients: Iterable[ListedClient], organisations: Organisations
) -> tuple[FolderOwner | None, list[str]]:
    """Return the organisation by the codes at the authority, the row's where it has none, and why there is none."""
    in_row, owners = row.values.get(Column.KBO), []
    for client in reversed(list(clients)):  # production, the last, names an organisation that is new
        has = client.metadata.organisation
        if in_row and has.kbo and in_row != has.kbo:
            return None, [f"{row.place(Column.KBO)} has {in_row}, while {client} has KBO number {has.kbo}"]
        kbo = has.kbo or (None if has.ovo else in_row)
        if not has.ovo and not kbo:
            return None, [f"neither column {Column.KBO} nor {client} has a code of the organisation"]
        if kbo == SHARED_KBO_NUMBER and not has.ovo:
            return None, [f"KBO number {kbo} is shared by many bodies, and {client} has no OVO code: give it one there"]
        try:
            owners.append(organisations.of(has.name or row.values.get(Column.CUSTOMER, ""), has.ovo, kbo))
        except ValueError as error:
            return None, [f"{client}: {error}"]
    if len(set(owners)) > 1:
        return None, ["its clients are of different organisations: " + ", ".join(map(str, clients))]
    return owners[0], []


def _application(client: ListedClient) -> str:
    """Return its application, else the part of its name that is not the organisation's."""
    metadata = client.metadata
    return slug(metadata.application) or slug(metadata.client_name.replace(metadata.organisation.name, ""))


def _contradictions(row: SheetRow, clients: Iterable[ListedClient], owner: FolderOwner) -> Iterator[str]:
    """Yield what row and authority have differently about the organisation: perhaps the client is another's."""
    in_row, customer = row.values.get(Column.KBO), row.values.get(Column.CUSTOMER, "")
    if in_row and owner.kbo != in_row:
        has = f"{owner.code} and {f'KBO number {owner.kbo}' if owner.kbo else 'no KBO number'}"
        yield f"{row.place(Column.KBO)} has {in_row}, while its organisation has {has}: see whether it is the same"
    for name in dict.fromkeys(client.metadata.organisation.name for client in clients):
        if name and customer and slug(customer) != slug(name):
            yield (
                f'{row.place(Column.CUSTOMER)} has "{customer}", and the authority "{name}": see whether it is the same'
            )


def _changes_of_names(clients: Iterable[ListedClient], owner: FolderOwner, application: str) -> Iterator[str]:
    """Yield each name and code that the form has differently from a client."""
    for client in clients:
        own, organisation = client.metadata, client.metadata.organisation
        for member, there, declared in (
            ("application", own.application, application),
            ("client_name", own.client_name, client_name(owner.name, application)),
            ("organisation.name", organisation.name, owner.name),
            ("organisation.ovo", organisation.ovo, owner.ovo),
            ("organisation.kbo", organisation.kbo, owner.kbo),
        ):
            if (there or "") != (declared or ""):
                has = f'the {member} "{there}"' if there else f"no {member}"
                yield f"{client} has {has}; the form has " + (f'"{declared}"' if declared else "none")


def _unknown_owners(draft: ImportedForm) -> Iterator[str]:
    """Yield each client that is this organisation's by the spreadsheet alone."""
    owner = draft.organisation
    for client in draft.nameless:
        where = f"adopts in {owner.folder}/organisation.yaml"
        said = f"{where} has it" if owner.is_new else f"has to be added to {where}"
        yield f"{client} has no code of an organisation there, and {said}: see whether it is {owner.name}'s"


def _changes_of_contacts(clients: Iterable[ListedClient], contacts: Sequence[str]) -> list[str]:
    return [
        f"{client} has the contacts {', '.join(client.metadata.contacts) or 'none'}; the form has {', '.join(contacts)}"
        for client in clients
        if set(client.metadata.contacts) != set(contacts)
    ]


def request_of(draft: ImportedForm, environment: Environment, key_files: Sequence[str]) -> dict[str, Any]:
    """Return a form's part for one environment. Without keys it has no ``jwks``: the organisation uploads them in the
    portal."""
    client = draft.clients[environment]
    request: dict[str, Any] = {"adopt": {Platform.ACMIDM.value: client.client_id}}
    if key_files:
        request["jwks"] = list(key_files)
    if draft.scopes[environment]:
        request["scopes"] = {
            scope: {"default": True} if is_default else {} for scope, is_default in draft.scopes[environment].items()
        }
    if client.metadata.attributes:
        request["attributes"] = dict(client.metadata.attributes)
    if client.configurations:
        request["products"] = {
            product: dict(document.configuration) for product, document in sorted(client.configurations.items())
        }
    return request
