"""From the rows of a spreadsheet and the clients that they name to forms that take over what
exists: what nobody wrote down is taken from the client itself, never guessed.

The first ``up`` would remove what no form can have: a second grant type, a scope that is not in the
catalogue, a key that may not be registered. Such a row is not imported but reported.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from acmidm.edit.changes import Content, Placed, Read, Rows
from acmidm.edit.new.answers import speaks_for
from acmidm.edit.new.organisations import Owner, new_owner
from acmidm.edit.new.texts import PLATFORM
from acmidm.form_text import Quoted, file_text
from acmidm.importing.listed import ListedClient, Register
from acmidm.report.undeclared import Declared
from acmidm.sheet import Headings, SheetRow, whole_kbo
from acmidm.words import LONGEST_NAME, plain, shown, slug
from acmidm_onboarding.forms.files import KEYS_FILE, MANDATES_FILE, ORGANISATION_FILE, form_file
from acmidm_onboarding.forms.form import EnvironmentRequest, Form
from acmidm_onboarding.forms.speaking import about_names_of_others, names_of
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.declaration import client_name
from acmidm_onboarding.values.identifiers import (
    SHARED_KBO_NUMBER,
    identifying,
    kbo_number,
    look_of,
)
from acmidm_onboarding.values.jwk import InvalidJwk, PublicJwk, public_jwk
from acmidm_onboarding.values.metadata import ClientMetadata, without_assigned
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import Failure, both, quoted
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


_CLIENT_IDS = {Environment.TNI: Column.CLIENT_TEST, Environment.PROD: Column.CLIENT_PROD}
HEADINGS = Headings(tuple(Column), ((Column.KBO,), tuple(_CLIENT_IDS.values())))
_REMEMBERED = (Column.KBO, Column.CUSTOMER, Column.TAN, Column.URI_TEST, Column.URI_PROD)
"""Columns that a form has no field for; kept as a comment."""
_GRANT_TYPES = ("client_credentials",)
_SAID = [
    name
    for name in Form.model_fields
    if name in ClientMetadata.model_fields.keys() - {"application", "contacts"}
]
"""The fields that a form has once, so that its clients have to have them alike."""
_NO_KEYS = {
    "jwks_uri": "has its keys at an address: register the keys themselves there first",
    "x5c": "has its key as a certificate: register its public key as a JSON Web Key there first",
    "unreadable": "has keys that cannot be read: register them anew there first",
}
"""What an adapter gives in the place of keys that are elsewhere, by a member that no key has."""


class Supplier(NamedTuple):
    """The folder of a supplier, and the last day of each mandate that import writes for it."""

    folder: str
    until: date


@dataclass
class ExistingClients:
    """The clients of a row, and the form that takes them over. ``notes`` are what the first ``up``
    will change, for a person to know beforehand."""

    row: SheetRow
    clients: Mapping[Environment, ListedClient]
    owner: Owner
    form: dict[str, Any]
    """But for its keys."""
    keys: Mapping[Environment, Sequence[PublicJwk]]
    notes: list[str] = field(default_factory=list)

    @property
    def all_keys(self) -> dict[str, PublicJwk]:
        """The keys by their thumbprints."""
        return {key.thumbprint: key for keys in self.keys.values() for key in keys}

    @property
    def nameless(self) -> list[str]:
        """The client-IDs of which the authority does not know whose they are: ``organisation.yaml``
        has to name them."""
        own = self.owner.organisation
        return [
            client.client_id
            for client in self.clients.values()
            if client.client_id not in own.adopts
            and client.metadata.organisation.is_of([own.code]) is None
        ]


class Clients(Rows[Placed]):
    """Forms that take over the clients of rows; every row and every client has one, or a reason.

    ``source`` is the spreadsheet's name, for the comment in each form. ``supplier`` has the keys
    that organisations share, each by a mandate.
    """

    def __init__(
        self,
        read: Read,
        forms: Path,
        source: str,
        registers: Mapping[Environment, Register],
        contact: str | None = None,
        supplier: Supplier | None = None,
    ) -> None:
        super().__init__(read)
        self._forms, self._source, self._registers = forms, source, registers
        self._contact, self._supplier = contact, supplier
        known = self.onboardings.valid()
        self._catalogue = known.catalogue
        self._organisations = dict(known.organisations)
        """All, by folder: the new ones with the names under which they will send."""
        self._owners: dict[str, Owner] = {}
        """By each code that is theirs, or was."""
        for folder, one in known.organisations.items():
            codes = (*identifying(one.ovo, one.kbo), *one.earlier_codes)
            self._owners.update(dict.fromkeys(codes, Owner(folder, one)))
        self._connections = {one: Declared.by(known.connections(one)) for one in registers}
        self._rows: Sequence[SheetRow] = ()
        self.drafts: list[ExistingClients] = []
        self._users: dict[str, list[ExistingClients]] = defaultdict(list)
        """Those of each key, by its thumbprint, that several organisations have."""
        self._texts: dict[Path, str] = {}
        """Those of key files that get a name."""
        self.declared: list[str] = []
        """Rows whose clients have a form already, a sentence each."""

    def take(self, rows: Iterable[SheetRow]) -> None:
        """Make a form for each row, as far as it can be made and is valid."""
        self.plan(rows)
        for draft in self.drafts:
            for thumbprint in draft.all_keys:
                self._users[thumbprint].append(draft)
        for thumbprint, users in list(self._users.items()):
            if len({draft.owner.organisation.code for draft in users}) == 1:
                del self._users[thumbprint]
        for draft in self.drafts:
            if draft.owner.is_new:
                self._organisations[draft.owner.folder] = self._speaking(draft.owner)
        self.sort_out(draft.row for draft in self.drafts)

    def plan(self, rows: Iterable[SheetRow]) -> None:
        """Make the draft of each row, and note why there is none."""
        self._rows = [_with_whole_kbo(row) for row in rows]
        for row in self._rows:
            try:
                self._plan(row)
            except Failure as failure:
                self._note(row, str(failure).splitlines())
        by_key: dict[tuple[str, str], list[ExistingClients]] = defaultdict(list)
        for draft in self.drafts:
            by_key[draft.owner.organisation.code, draft.form["application"]].append(draft)
        for (code, application), drafts in by_key.items():
            for draft in drafts if len(drafts) > 1 else ():
                # They would have one key, and so one client.
                others = both(str(other.row) for other in drafts if other is not draft)
                sentence = (
                    f'{others} has the application "{application}" of {code} as well; name them'
                    " differently at the authority"
                )
                self._note(draft.row, [sentence])
                self.drafts.remove(draft)

    def unnamed(self) -> list[str]:
        """Return a sentence for each client in no row and no form."""
        named = {
            (environment, row.values.get(column, "").lower())
            for row in self._rows
            for environment, column in _CLIENT_IDS.items()
        }
        sentences = []
        for environment, register in self._registers.items():
            for client in register.clients:
                is_named = (environment, client.client_id.lower()) in named
                if not is_named and not self._is_declared(client):
                    sentences.append(
                        f"{client}, platform {client.platform}, is in no row and in no form: add a"
                        " row, or write a form that adopts it"
                    )
        return sentences

    def _is_declared(self, client: ListedClient) -> bool:
        return self._connections[client.environment].has(client.platform, client.snapshot.client)

    def _plan(self, row: SheetRow) -> None:
        reasons = list(row.faults)
        try:
            kbo_number(row.values.get(Column.KBO, SHARED_KBO_NUMBER))
        except ValueError as error:
            reasons.append(f"{row.named(Column.KBO)}: {error}")
        clients = self._clients(row, reasons)
        new = [client for client in clients.values() if not self._is_declared(client)]
        if clients and not reasons and not new:
            both_clients = both(map(str, clients.values()))
            self.declared.append(f"{row}: a form declares {both_clients} already")
            return
        if new and len(new) < len(clients):
            [there] = [client for client in clients.values() if client not in new]
            reasons.append(f"a form declares {there} already: add {new[0]} to it, with adopt")
        _require_none(reasons)
        self.drafts.append(self._draft(row, clients))

    def _clients(self, row: SheetRow, reasons: list[str]) -> dict[Environment, ListedClient]:
        """Return the row's clients per environment; note what is wrong with its client-IDs."""
        clients = {}
        for environment, column in _CLIENT_IDS.items():
            if column not in row.values:
                continue
            client, reason = self._client(row, environment, row.values[column])
            if client is None or reason:
                reasons.append(f"{row.named(column)}: {reason}")
            else:
                clients[environment] = client
        if not clients and not reasons:
            reasons.append(f"neither {Column.CLIENT_TEST} nor {Column.CLIENT_PROD} is filled in")
        return clients

    def _client(
        self, row: SheetRow, environment: Environment, client_id: str
    ) -> tuple[ListedClient | None, str]:
        """Return a client by its ID, or why it is none that the row can have."""
        column = _CLIENT_IDS[environment]
        same = [
            one for one in self._rows if one.values.get(column, "").lower() == client_id.lower()
        ]
        if len(same) > 1:
            others = both(str(other) for other in same if other is not row)
            return None, f'client-ID "{client_id}" is in {others} too; keep one of them'
        if environment not in self._registers:
            return None, f"name the stack that has these clients, with --{environment}"
        register = self._registers[environment]
        client = register.find(client_id)
        if client is None:
            sentence = f'there is no client "{client_id}" on stack {register.stack}'
            stacks = [one.stack for one in self._registers.values() if one.find(client_id)]
            elsewhere = f", but there is on {stacks[0]}: perhaps it is in the wrong column"
            return None, sentence + elsewhere if stacks else sentence
        if client.platform is not Platform.ACMIDM:
            return None, (
                f'client "{client_id}" is one of {client.platform}; put the client of ACM/IDM'
                f" there, and add to its form platforms: [acmidm, {client.platform}] and adopt:"
                f' {{{client.platform}: "{client_id}"}}'
            )
        return client, ""

    def _draft(
        self, row: SheetRow, by_environment: Mapping[Environment, ListedClient]
    ) -> ExistingClients:
        """Return the form that has what the row's clients have. Raises Failure with every reason
        why there can be none."""
        clients = list(by_environment.values())
        reasons: list[str] = []
        notes: list[str] = []
        requests, keys = {}, {}
        for environment, client in by_environment.items():
            reasons += _inexpressible(client)
            requests[environment.value] = self._request(client, reasons)
            keys[environment] = _keys(client, reasons, notes)
        owner = self._owner(row, clients, reasons)
        # Where applications differ, production's counts, which is the last.
        names = [name for client in reversed(clients) if (name := _application(client))]
        if not names:
            reasons.append(
                "neither application nor client_name of its clients can name the application"
            )
        properties = [client.metadata.properties for client in clients]
        for name in _SAID:
            values = {shown(one.get(name, tr("none"))) for one in properties}
            if len(values) > 1:
                reasons.append(
                    f"its clients differ in {name} ({', '.join(sorted(values))}), which takes one"
                    " form each: write them by hand"
                )
        contacts = sorted({one for client in clients for one in client.metadata.contacts})
        contacts = contacts or [self._contact] if self._contact else contacts
        if not contacts:
            reasons.append("its clients have no contacts: name one with --contact")
        reasons += self._second_identity(row, owner) if owner else ()
        if owner is None or reasons:
            raise Failure("\n".join(reasons))
        form = {
            "application": names[0],
            "contacts": contacts,
            "platforms": [PLATFORM.value],
            **{name: value for name, value in properties[0].items() if name in _SAID},
            "environments": requests,
        }
        draft = ExistingClients(row, by_environment, owner, form, keys, notes)
        notes += self._changes(draft)
        return draft

    def _request(self, client: ListedClient, reasons: list[str]) -> dict[str, Any]:
        """Return what a form has for the environment of a client, its scopes by their names in the
        catalogue; note what no form can have."""
        catalogue = self._catalogue
        names = {catalogue.name_on(client.platform, scope): scope for scope in catalogue.scopes}
        assigned = catalogue.assigned_by_provider(client.platform)
        granted = without_assigned(client.snapshot.scopes, assigned, ())
        said = client.metadata.properties
        reasons += [
            f'{client} has the scope "{scope}", which is not in the catalogue: add it there, or'
            " withdraw it first"
            for scope in sorted(granted.keys() - names.keys())
        ]
        reasons += [
            f'{client} has the attribute "{name}" in its tokens, which the catalogue lacks: add it'
            " there, or remove it first"
            for name in sorted(client.metadata.attributes.keys() - catalogue.attributes.keys())
        ]
        scopes = {
            names[scope]: {"default": True} if is_default else {}
            for scope, is_default in granted.items()
            if scope in names
        }
        products = {
            product: dict(document.configuration)
            for product, document in sorted(client.configurations.items())
        }
        request = {
            "adopt": {PLATFORM.value: client.client_id},
            "scopes": dict(sorted(scopes.items())),
            **{name: said[name] for name in EnvironmentRequest.model_fields if name in said},
            "products": products,
        }
        return {name: part for name, part in request.items() if part}

    def _owner(
        self, row: SheetRow, clients: Sequence[ListedClient], reasons: list[str]
    ) -> Owner | None:
        """Return the organisation by the codes at the authority or, without those, the row's; note
        why there is none."""
        in_row, owners = row.values.get(Column.KBO), {}
        for client in reversed(clients):
            # Production, the last, names an organisation that is new.
            has = client.metadata.organisation
            kbo = has.kbo or (None if has.ovo else in_row)
            if in_row and has.kbo and in_row != has.kbo:
                reasons.append(
                    f"{row.named(Column.KBO)} has {in_row}, while {client} has KBO number {has.kbo}"
                )
            elif not has.ovo and not kbo:
                reasons.append(
                    f"neither column {Column.KBO} nor {client} has a code of the organisation"
                )
            elif kbo == SHARED_KBO_NUMBER and not has.ovo:
                reasons.append(
                    f"KBO number {kbo} is shared by many bodies, and {client} has no OVO code: give"
                    " it one there"
                )
            else:
                name = has.name or row.values.get(Column.CUSTOMER, "")
                owner = self._owner_of_codes(client, name, has.ovo, kbo, reasons)
                owners[owner.folder] = owner
        if len(owners) > 1:
            listed = ", ".join(map(str, clients))
            reasons.append(f"its clients are of different organisations: {listed}")
        return next(iter(owners.values()), None)

    def _owner_of_codes(
        self,
        client: ListedClient,
        name: str,
        ovo: str | None,
        kbo: str | None,
        reasons: list[str],
    ) -> Owner:
        """Return the organisation with one of these codes; make one where it is new."""
        if not ovo and kbo != SHARED_KBO_NUMBER:
            others = self._ovo_codes_of(kbo)
            ovo = others.pop() if len(others) == 1 else None  # another of its clients has it
        codes = identifying(ovo, kbo)
        known = [self._owners[code] for code in codes if code in self._owners]
        if not known:
            fields = {"name": " ".join(name.split()), "ovo": ovo, "kbo": kbo}
            folder = self._free_folder(name, codes[0])
            known = [new_owner(folder, {one: text for one, text in fields.items() if text})]
            self._organisations[folder] = known[0].organisation
        own = known[0].organisation
        if ovo and own.ovo not in (None, ovo) and ovo not in self._owners:
            reasons.append(
                f"{client}: KBO number {kbo} is that of {known[0].folder}, which has {own.ovo} and"
                f" not {ovo}: see which is right"
            )
        for code in codes:
            self._owners.setdefault(code, known[0])
        return known[0]

    def _ovo_codes_of(self, kbo: str | None) -> set[str]:
        """Return the OVO codes that clients with a KBO number have."""
        found = set()
        for register in self._registers.values():
            for client in register.clients:
                has = client.metadata.organisation
                if has.ovo and has.kbo == kbo:
                    found.add(has.ovo)
        return found

    def _free_folder(self, name: str, code: str) -> str:
        """Return a folder of its own, also for an organisation that has the name of another."""
        folder = slug(name) or slug(code)
        if folder not in self._organisations:
            return folder
        return f"{slug(name, LONGEST_NAME - len(code) - 1)}-{slug(code)}"

    def _second_identity(self, row: SheetRow, owner: Owner) -> Iterator[str]:
        """Yield what in a row is another organisation's than that of its client."""
        own, kbo = owner.organisation, row.values.get(Column.KBO)
        customer = row.values.get(Column.CUSTOMER, "")
        if kbo is not None and own.kbo not in (None, kbo):
            yield (
                f"{row.named(Column.KBO)} has {kbo}, while its organisation has {own.code} and KBO"
                f" number {own.kbo}: see which is right"
            )
        for folder, other in self._organisations.items():
            wrong = []
            if folder == owner.folder:
                continue
            if own.kbo is None and kbo not in (None, SHARED_KBO_NUMBER) and other.kbo == kbo:
                wrong.append(Column.KBO)
            look = look_of(customer)
            if look and look != look_of(own.name) and look == look_of(other.name):
                wrong.append(Column.CUSTOMER)
            for column in wrong:
                yield (
                    f"{row.named(column)} has {quoted(row.values[column])}, which is that of"
                    f" {folder} and not of {owner.folder}: see which is right"
                )

    def _changes(self, draft: ExistingClients) -> Iterator[str]:
        """Yield what the form has otherwise than row or authority, where perhaps the client is
        another's."""
        row, own, clients = draft.row, draft.owner.organisation, draft.clients.values()
        in_row, customer = row.values.get(Column.KBO), row.values.get(Column.CUSTOMER, "")
        if in_row and own.kbo is None:
            yield (
                f"{row.named(Column.KBO)} has {in_row}, while its organisation has {own.code} and"
                " no KBO number: see whether it is the same"
            )
        for name in dict.fromkeys(client.metadata.organisation.name for client in clients):
            if name and customer and slug(customer) != slug(name):
                yield (
                    f'{row.named(Column.CUSTOMER)} has "{customer}", and the authority "{name}":'
                    " see whether it is the same"
                )
        file = f"{draft.owner.folder}/{ORGANISATION_FILE}"
        adopts = f"has to be added to adopts in {file}"
        if draft.owner.is_new:
            adopts = f"adopts in {file} has it"
        for client in clients:
            yield from self._changes_of_names(draft, client)
            if client.metadata.token_endpoint_auth_method != "private_key_jwt":
                yield (
                    f"{client} authenticates with a secret, which nobody can read: up makes a new"
                    " one, to be handed over"
                )
            if client.client_id in draft.nameless:
                yield (
                    f"{client} has no code of an organisation there, and {adopts}: see whether it"
                    f" is {own.name}'s"
                )

    def _changes_of_names(self, draft: ExistingClients, client: ListedClient) -> Iterator[str]:
        """Yield each name and code that the form has differently from a client; an API may expect a
        name of it."""
        own, at_authority = draft.owner.organisation, client.metadata
        application = draft.form["application"]
        scopes = draft.form["environments"][client.environment].get("scopes", {})
        expected = self._catalogue.client_names(scopes, client.environment, own.name)
        for member, there, declared in (
            ("application", at_authority.application, application),
            ("client_name", at_authority.client_name, client_name(own.name, application, expected)),
            ("organisation.name", at_authority.organisation.name, own.name),
            ("organisation.ovo", at_authority.organisation.ovo, own.ovo),
            ("organisation.kbo", at_authority.organisation.kbo, own.kbo),
        ):
            if (there or "") != (declared or ""):
                has = f'the {member} "{there}"' if there else f"no {member}"
                in_form = f'"{declared}"' if declared else "none"
                yield f"{client} has {has}; the form has {in_form}"
        contacts = draft.form["contacts"]
        if set(at_authority.contacts) != set(contacts):
            listed = ", ".join(at_authority.contacts) or tr("none")
            yield f"{client} has the contacts {listed}; the form has {', '.join(contacts)}"

    def place(self, row: SheetRow) -> Placed:
        """Return the files of the draft of a row: the form is the last. Raises Failure."""
        [draft] = [draft for draft in self.drafts if draft.row is row]
        _require_none(list(self._unshared(draft)))
        owner, application = draft.owner, draft.form["application"]
        folder = self._forms / owner.folder
        files: dict[Path, Content] = {}
        form, requests = dict(draft.form), {}
        if self._supplier and self._shares(draft):
            files |= self._of_supplier(self._supplier, draft)
            form = {"keys_of": self._supplier.folder}
            requests = draft.form["environments"]
        else:
            form = {}
            for environment, keys in draft.keys.items():
                prefix = f"{application}-{environment}-"
                of_keys = self._key_files(folder, prefix, keys)
                files |= of_keys
                request = draft.form["environments"][environment.value]
                jwks = {"jwks": [file.name for file in of_keys]} if of_keys else {}
                requests[environment.value] = {"adopt": request["adopt"], **jwks, **request}
        if owner.is_new:
            files[folder / ORGANISATION_FILE] = self._organisation(draft)
        # What is there stays.
        files = {file: text for file, text in files.items() if not file.exists()}
        said = [f"{one} {text}" for one in _REMEMBERED if (text := self._remembered(draft, one))]
        what = f": {'; '.join(said)}" if said else ""
        comment = plain(f"From {self._source}, {row}{what}", 2000)
        fields = {**draft.form, **form, "environments": requests}
        fields["environments"] = fields.pop("environments")
        files[folder / form_file(application)] = file_text("onboarding", fields, comment)
        return Placed(row, files, tuple(draft.notes))

    def _remembered(self, draft: ExistingClients, column: Column) -> str | None:
        text = draft.row.values.get(column)
        return None if text == draft.owner.organisation.kbo else text

    def _organisation(self, draft: ExistingClients) -> str:
        """Return ``organisation.yaml`` of a new organisation."""
        owner, own = draft.owner, self._organisations[draft.owner.folder]
        fields = dict(owner.fields)
        if "kbo" in fields:
            fields["kbo"] = Quoted(fields["kbo"])
        nameless = []
        for other in self.drafts:
            nameless += other.nameless if other.owner is owner else []
        if nameless:
            fields["adopts"] = [Quoted(client_id) for client_id in nameless]
        if own.speaks_for:
            fields["speaks_for"] = {name: list(texts) for name, texts in own.speaks_for.items()}
            draft.notes.append(
                f"{owner.folder}/{ORGANISATION_FILE} lets it send as its clients do now:"
                f" {names_of(own)}: see whether it may"
            )
            draft.notes += about_names_of_others(owner.folder, own, self._organisations)
        return file_text("organisation", fields)

    def _speaking(self, owner: Owner) -> Organisation:
        """Return a new organisation with the names under which its clients send."""
        names: dict[str, set[str]] = defaultdict(set)
        for draft in self.drafts:
            if draft.owner is not owner:
                continue
            for client in draft.clients.values():
                for name, text in client.metadata.attributes.items():
                    if name in self._catalogue.speaking_fields:
                        names[name].add(text)
                products = {name: one.configuration for name, one in client.configurations.items()}
                request = {client.environment.value: {"products": products}}
                for name, texts in speaks_for(request, self._catalogue).items():
                    names[name].update(texts)
        return owner.speaking({name: sorted(texts) for name, texts in names.items()}).organisation

    def _of_supplier(self, supplier: Supplier, draft: ExistingClients) -> dict[Path, Content]:
        """Return the files of the supplier, with the keys that it has for others, and the mandates
        of a draft's organisation."""
        files: dict[Path, Content] = {}
        listed: dict[str, list[str]] = {}
        folder = self._forms / supplier.folder
        sharing = [one for one in self.drafts if self._shares(one) and not any(self._unshared(one))]
        for environment in dict.fromkeys(name for one in sharing for name in one.keys):
            of_all = [key for one in sharing for key in one.keys.get(environment, ())]
            keys = {key.thumbprint: key for key in of_all}
            own = {key.thumbprint for key in draft.keys.get(environment, ())}
            kids = sorted(key.kid for key in keys.values() if key.thumbprint not in own)
            if kids and environment in draft.keys:
                draft.notes.append(
                    f"gains key {', '.join(kids)} on {environment}, which {supplier.folder} has"
                    " for others"
                )
            of_keys = self._key_files(folder, "", list(keys.values()))
            files |= of_keys
            if of_keys:
                listed[environment.value] = [file.name for file in of_keys]
        mandate = {
            "supplier": supplier.folder,
            "applications": [
                one.form["application"] for one in sharing if one.owner is draft.owner
            ],
            "until": supplier.until,
        }
        mandates = self._forms / draft.owner.folder / MANDATES_FILE
        return {
            folder / ORGANISATION_FILE: file_text("organisation", {"name": supplier.folder}),
            **files,
            folder / KEYS_FILE: file_text("keys", listed),
            mandates: file_text("mandates", {"mandates": [mandate]}),
        }

    def _key_files(
        self, folder: Path, prefix: str, keys: Sequence[PublicJwk]
    ) -> dict[Path, Content]:
        """Return the files of keys; one with the same key is used again."""
        files: dict[Path, Content] = {}
        for key in keys:
            text = json.dumps(dict(key.members), indent=2) + "\n"
            for suffix in ("", f"-{key.thumbprint[:8]}", f"-{key.thumbprint}"):
                file = folder / f"{prefix}{slug(key.kid) or 'key'}{suffix}.jwk.json"
                there = file.read_text("utf-8") if file.exists() else self._texts.get(file, text)
                if there == text:
                    break
            files[file] = self._texts[file] = text
        return files

    def _shares(self, draft: ExistingClients) -> bool:
        return not self._users.keys().isdisjoint(draft.all_keys)

    def _unshared(self, draft: ExistingClients) -> Iterator[str]:
        """Yield a sentence for each key of a draft that another organisation has too, where no
        supplier is named, or that a supplier has not beside the keys that it has."""
        if not self._shares(draft):
            return
        for thumbprint, key in draft.all_keys.items():
            users = self._users.get(thumbprint, ())
            if self._supplier is None:
                rows = [str(other.row) for other in users if other.owner is not draft.owner]
                if rows:
                    yield (
                        f'key "{key.kid}" is that of another organisation too, in'
                        f" {', '.join(dict.fromkeys(rows))}: --supplier FOLDER keeps it once, in"
                        " the folder of the supplier"
                    )
            elif self._has_other_keys(self._supplier, key):
                yield (
                    f'key "{key.kid}" is not among those that {self._supplier.folder} has for'
                    " others; add it to its keys.yaml first"
                )
            elif not users:
                yield (
                    f'key "{key.kid}" is its own, beside a key of {self._supplier.folder}: a form'
                    " has the keys of one of them; take one of the two from the client"
                )

    def _has_other_keys(self, supplier: Supplier, key: PublicJwk) -> bool:
        """Return whether a supplier lists keys already, and not this one: the client would lose
        it."""
        listing = self._forms / supplier.folder / KEYS_FILE
        [file] = self._key_files(listing.parent, "", [key])
        return listing.exists() and file.name not in listing.read_text("utf-8")


def _require_none(reasons: list[str]) -> None:
    """Raises Failure with all reasons, where there is one."""
    if reasons:
        raise Failure("\n".join(reasons))


def _with_whole_kbo(row: SheetRow) -> SheetRow:
    """Return the row with its KBO number as ten digits, as far as it is one."""
    if Column.KBO not in row.values:
        return row
    text = whole_kbo(row.values[Column.KBO])
    with suppress(ValueError):
        text = kbo_number(text)
    return replace(row, values={**row.values, Column.KBO: text})


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


def _keys(client: ListedClient, reasons: list[str], notes: list[str]) -> list[PublicJwk]:
    """Return the keys; note why some may not be registered any more, and what to know of others."""
    keys = []
    for kid, members in sorted(client.snapshot.jwks.items()):
        elsewhere = [_NO_KEYS[name] for name in members if name in _NO_KEYS and len(members) == 1]
        if elsewhere:
            reasons.append(f"{client} {elsewhere[0]}")
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


def _application(client: ListedClient) -> str:
    """Return its application, else the part of its name that is not the organisation's."""
    metadata = client.metadata
    return slug(metadata.application) or slug(
        metadata.client_name.replace(metadata.organisation.name, "")
    )
