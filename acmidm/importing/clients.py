"""``acmidm import``: makes forms for the existing clients that the rows of a spreadsheet name. What
a row does not say is taken from the client itself, never guessed.

A client may have what no form can have: a second grant type, a scope that is not in the catalogue,
a key that may not be registered. The first ``up`` would remove that, so such a row is reported and
not imported. A key that several organisations have is that of a supplier, by mandates.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from acmidm.edit.changes import Content, Placed, Read, Rows
from acmidm.edit.new.answers import Answers
from acmidm.edit.new.draft import PLATFORM, Draft, speaking_names
from acmidm.edit.new.organisations import Kind, OwningOrganisation, code_in, find
from acmidm.edit.new.rows import CLIENT_IDS, Heading
from acmidm.form_text import Quoted, file_text
from acmidm.importing.listed import (
    ExistingClients,
    ListedClient,
    Register,
    application_of,
    inexpressible,
    registrable_keys,
    request_of,
)
from acmidm.report.undeclared import Declared
from acmidm.sheet import SheetRow, whole_kbo
from acmidm.words import plain, shown, slug
from acmidm_onboarding.forms.files import KEYS_FILE, MANDATES_FILE, ORGANISATION_FILE
from acmidm_onboarding.forms.form import Form
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.forms.speaking import listed_names, notes_about_names_of_others
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.identifiers import identifying, kbo_number
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.metadata import ClientMetadata
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.plain import filled, only, without
from acmidm_onboarding.values.problems import Failure, both
from acmidm_onboarding.values.terms import Environment, Platform

_REMEMBERED = (Heading.KBO, Heading.CUSTOMER, Heading.TAN, Heading.URI_TEST, Heading.URI_PROD)
"""Columns that a form has no field for: the form keeps them as a comment."""

_TO_CHECK = (Kind.LACKS, Kind.UNLIKE, Kind.NAME)
"""In what a row may differ from the organisation that its clients' codes are those of: the form
remembers the row, and nothing else comes of it."""
_OF_CLIENT = (*_TO_CHECK, Kind.CODE, Kind.NO_CODE)
"""In what the authority may differ: a client keeps working where a number is out of date there."""
_TAKEN = (*_OF_CLIENT, Kind.TAKEN)
"""What keeps no client out: nobody can be asked for another name, as it is the authority's."""
_COLUMNS = {"name": Heading.CUSTOMER, "kbo": Heading.KBO}

_OF_CLIENTS = ClientMetadata.model_fields.keys() - {"application", "contacts"}
_FIELDS_IN_COMMON = [name for name in Form.model_fields if name in _OF_CLIENTS]
"""The metadata that a form has once, so that its clients on TNI and production have to have the
same, such as ``token_endpoint_auth_method``."""


class ClientRows(Rows[ExistingClients]):
    """Rows that name existing clients, and the forms that take these over. A row without a form is
    in ``wrong`` or ``declared``, and a client that no row names in ``unnamed``.

    ``onboardings`` are the forms on disk, all valid. ``source`` is the spreadsheet's name, for the
    comment in each form. ``contact`` is for clients that have none. ``supplier`` gets the keys that
    several organisations have, each by a mandate.
    """

    def __init__(
        self,
        read: Read,
        onboardings: Onboardings,
        forms: Path,
        source: str,
        registers: Mapping[Environment, Register],
        contact: str | None = None,
        supplier: Supplier | None = None,
    ) -> None:
        super().__init__(read, onboardings)
        self._forms, self._source, self._registers = forms, source, registers
        self._contact, self._supplier = contact, supplier
        self._catalogue = onboardings.catalogue
        self._owners = Owners(onboardings.organisations, registers)
        self._connections = {
            environment: Declared.by(onboardings.connections(environment))
            for environment in registers
        }
        self._rows_by_client_id: dict[tuple[Environment, str], list[str]] = defaultdict(list)
        """The rows that name each client, by its environment and its ID in lower case."""
        self.drafts: list[ExistingClients] = []
        """The draft of each row without mistakes by itself."""
        self._keys: SharedKeys
        self.declared: list[str] = []
        """A sentence for each row whose clients have a form already."""

    def take(self, rows: Iterable[SheetRow]) -> None:
        """Place the form of each row that can have a valid one, and note why the others have
        none."""
        self.make_drafts(rows)
        self._keys = SharedKeys(self._forms, self.drafts, self._supplier)
        for draft in self.drafts:
            if draft.owner.is_new:
                self._owners.organisations[draft.owner.folder] = self._speaking(draft.owner)
        self.sort_out(self.drafts)

    def make_drafts(self, rows: Iterable[SheetRow]) -> None:
        """Add to ``drafts`` that of each row, or note why it has none. Of several rows about one
        application of one organisation none gets a draft."""
        rows = list(rows)
        for row in rows:
            for environment, column in CLIENT_IDS.items():
                self._rows_by_client_id[environment, row[column].lower()].append(str(row))
        for row in rows:
            with self.noting(row):
                self._add_draft(row)
        by_connection: dict[tuple[str, str], list[ExistingClients]] = defaultdict(list)
        for draft in self.drafts:
            by_connection[draft.owner.organisation.code, draft.application].append(draft)
        for (code, application), drafts in by_connection.items():
            if len(drafts) == 1:
                continue
            # Their connections would have one key, OVO002067/loket, and so one client.
            for draft in drafts:
                others = both(str(twin) for twin in drafts if twin is not draft)
                sentence = (
                    f'{others} has the application "{application}" of {code} as well; name them'
                    " differently at the authority"
                )
                self.note(draft, [sentence])
                self.drafts.remove(draft)

    def unnamed(self) -> list[str]:
        """Return a sentence for each client that no row names and no form declares."""
        sentences = []
        for environment, register in self._registers.items():
            for client in register.clients:
                is_named = (environment, client.client_id.lower()) in self._rows_by_client_id
                if not is_named and not self._is_declared(client):
                    sentences.append(
                        f"{client}, platform {client.platform}, is in no row and in no form: add a"
                        " row, or write a form that adopts it"
                    )
        return sentences

    def _is_declared(self, client: ListedClient) -> bool:
        return self._connections[client.environment].includes(client.platform, client.registered)

    def _add_draft(self, row: SheetRow) -> None:
        """Add the draft of a row to ``drafts``, or a sentence to ``declared`` where a form declares
        its clients already. Raises Failure with every reason why the row cannot be imported."""
        reasons = list(row.faults)
        if text := whole_kbo(row[Heading.KBO]):
            try:
                row = replace(row, values={**row.values, Heading.KBO: kbo_number(text)})
            except ValueError as error:
                reasons.append(f"{row.named(Heading.KBO)}: {error}")
        clients = self._clients(row, reasons)
        declared = list(filter(self._is_declared, clients.values()))
        if clients and not reasons and len(declared) == len(clients):
            self.declared.append(f"{row}: a form declares {both(map(str, declared))} already")
            return
        if 0 < len(declared) < len(clients):  # of two clients, one
            [new] = [client for client in clients.values() if client not in declared]
            reasons.append(f"a form declares {declared[0]} already: add {new} to it, with adopt")
        if reasons:
            raise Failure("\n".join(reasons))
        self.drafts.append(self._draft(row, clients))

    def _clients(self, row: SheetRow, reasons: list[str]) -> dict[Environment, ListedClient]:
        """Return the clients that a row names, by environment. Add to ``reasons`` what is wrong
        with each client-ID, and that there is none."""
        clients = {}
        for environment, column in CLIENT_IDS.items():
            if not row[column]:
                continue
            try:
                clients[environment] = self._client(row, environment, row[column])
            except Failure as failure:
                reasons.append(f"{row.named(column)}: {failure}")
        if not clients and not reasons:
            reasons.append(f"neither {Heading.CLIENT_TEST} nor {Heading.CLIENT_PROD} is filled in")
        return clients

    def _client(self, row: SheetRow, environment: Environment, client_id: str) -> ListedClient:
        """Return the client that a row names by its ID. Raises Failure where another row names it,
        it is not listed by the stack of the environment, or it is not of ACM/IDM."""
        rows = self._rows_by_client_id[environment, client_id.lower()]
        if len(rows) > 1:
            others = both(name for name in rows if name != str(row))
            raise Failure(f'client-ID "{client_id}" is in {others} too; keep one of them')
        if environment not in self._registers:
            raise Failure(f"name the stack that has these clients, with --{environment}")
        register = self._registers[environment]
        client = register.find(client_id)
        if client is None:
            sentence = f'there is no client "{client_id}" on stack {register.stack}'
            for elsewhere in self._registers.values():
                if elsewhere.find(client_id):
                    sentence += (
                        f", but there is on {elsewhere.stack}: perhaps it is in the wrong column"
                    )
            raise Failure(sentence)
        if client.platform is not Platform.ACMIDM:
            raise Failure(
                f'client "{client_id}" is one of {client.platform}; put the client of ACM/IDM'
                f" there, and add to its form platforms: [acmidm, {client.platform}] and adopt:"
                f' {{{client.platform}: "{client_id}"}}'
            )
        return client

    def _draft(
        self, row: SheetRow, by_environment: Mapping[Environment, ListedClient]
    ) -> ExistingClients:
        """Return the draft of a form that declares the clients of a row as they are. Raises Failure
        with every reason why no form can."""
        clients = list(by_environment.values())
        reasons: list[str] = []
        notes: list[str] = []
        requests, keys = {}, {}
        for environment, client in by_environment.items():
            reasons += inexpressible(client)
            requests[environment.value] = request_of(client, self._catalogue, reasons)
            keys[environment] = registrable_keys(client, reasons, notes)
        owner = self._owners.of_row(row, clients, reasons, notes)
        # Where applications differ, production's counts, which is the last.
        names = list(filter(None, map(application_of, reversed(clients))))
        if not names:
            reasons.append(
                "neither application nor client_name of its clients can name the application"
            )
        properties = [client.metadata.properties for client in clients]
        for name in _FIELDS_IN_COMMON:
            values = {shown(fields.get(name, tr("none"))) for fields in properties}
            if len(values) > 1:
                reasons.append(
                    f"its clients differ in {name} ({', '.join(sorted(values))}), which takes one"
                    " form each: write them by hand"
                )
        contacts = sorted(set().union(*(client.metadata.contacts for client in clients)))
        if self._contact and not contacts:
            contacts = [self._contact]
        if not contacts:
            reasons.append("its clients have no contacts: name one with --contact")
        if owner is None or reasons:
            raise Failure("\n".join(reasons))
        form = {
            "application": names[0],
            "contacts": contacts,
            "platforms": [PLATFORM.value],
            **only(properties[0], _FIELDS_IN_COMMON),
            "environments": requests,
        }
        draft = ExistingClients(
            owner, form, row=row, clients=by_environment, keys=keys, notes=notes
        )
        notes += self._remarks(draft)
        return draft

    def _remarks(self, draft: ExistingClients) -> Iterator[str]:
        """Yield a note for each client of which the authority does not know whose it is."""
        owner = draft.owner
        remedy = "adopts has it" if owner.is_new else "it has to be added to adopts"
        for client in draft.clients.values():
            if client.client_id in draft.without_code:
                yield (
                    f"{client} has no code of an organisation there; {remedy} in"
                    f" {owner.folder}/{ORGANISATION_FILE}: see whether it is"
                    f" {owner.organisation.name}'s"
                )

    def place(self, source: ExistingClients) -> Placed[ExistingClients]:
        """Return the files of a draft: its keys, or the supplier's keys and the mandate, and last
        the form. Raises Failure with each key that the form cannot have."""
        if refusals := list(self._keys.refusals(source)):
            raise Failure("\n".join(refusals))
        folder = self._forms / source.owner.folder
        key_files: dict[Environment, Mapping[Path, str]] = {}
        files: dict[Path, Content] = {}
        form = dict(source.form)
        if self._supplier and self._keys.are_in(source):
            files |= self._keys.of_supplier(self._supplier, source)
            form["keys_of"] = self._supplier.folder
        else:
            for environment, keys in source.keys.items():
                prefix = f"{source.application}-{environment}-"
                key_files[environment] = self._keys.key_files(folder, prefix, keys)
        remembered = "; ".join(_remembered(source))
        what = f": {remembered}" if remembered else ""
        origin = plain(f"From {self._source}, {source}{what}", 2000)
        draft = Draft(self._completed(source), form)
        files |= draft.files(self._forms, key_files, origin=origin)
        *others, _ = files
        for file in others:
            if file.exists():  # such as the supplier's organisation.yaml, which stays as it is
                del files[file]
        return Placed(source, files, tuple(source.notes))

    def _completed(self, draft: ExistingClients) -> OwningOrganisation:
        """Return the organisation of a draft. A new one gets ``speaks_for`` and ``adopts`` by the
        clients of all its drafts; note on the draft that a person has to check the names."""
        owner, organisation = draft.owner, self._owners.organisations[draft.owner.folder]
        if not owner.is_new:
            return owner
        without_code: list[str] = []
        for sibling in self.drafts:
            if sibling.owner is owner:
                without_code += sibling.without_code
        adopts = {"adopts": list(map(Quoted, without_code))} if without_code else {}
        if organisation.speaks_for:
            draft.notes.append(
                f"{owner.folder}/{ORGANISATION_FILE} lets it send as its clients do now:"
                f" {listed_names(organisation)}: see whether it may"
            )
            draft.notes += notes_about_names_of_others(
                owner.folder, organisation, self._owners.organisations
            )
        return OwningOrganisation(owner.folder, organisation, {**owner.fields, **adopts})

    def _speaking(self, owner: OwningOrganisation) -> Organisation:
        """Return a new organisation with ``speaks_for``: the names under which its clients send
        now, in their attributes and their configurations of products."""
        names: dict[str, set[str]] = defaultdict(set)
        for draft in self.drafts:
            if draft.owner is not owner:
                continue
            for client in draft.clients.values():
                for name, text in client.metadata.attributes.items():
                    if name in self._catalogue.speaking_fields:
                        names[name].add(text)
                products = {
                    name: document.configuration for name, document in client.configurations.items()
                }
                request = {client.environment.value: {"products": products}}
                for name, values in speaking_names(request, self._catalogue).items():
                    names[name].update(values)
        return owner.speaking({name: sorted(values) for name, values in names.items()}).organisation


def _remembered(draft: ExistingClients) -> Iterator[str]:
    """Yield each cell of a row that its form has no field for: "Klant Stad Gent"."""
    for column in _REMEMBERED:
        text = draft.row[column]
        if text and text != draft.owner.organisation.kbo:
            yield f"{column} {text}"


class Owners:
    """Finds the organisation of each row by the codes of its clients, or makes a new one, so that
    one organisation gets one folder.

    It learns codes from the clients. Where ``organisation.yaml`` has a KBO number alone, a first
    client has both codes and a second one the OVO code alone, all are one organisation.
    """

    def __init__(
        self,
        organisations: Mapping[str, Organisation],
        registers: Mapping[Environment, Register],
    ) -> None:
        self._registers = registers
        self.organisations = dict(organisations)
        """Those on disk and new ones, by folder, with the codes that their clients have too."""
        self._owners: dict[str, OwningOrganisation] = {}
        """The one value for each organisation, by its folder: as its file has it."""
        for folder, organisation in organisations.items():
            self._owners[folder] = OwningOrganisation(folder, organisation)

    def of_row(
        self,
        row: SheetRow,
        clients: Sequence[ListedClient],
        reasons: list[str],
        notes: list[str],
    ) -> OwningOrganisation | None:
        """Return the organisation of a row by the codes that the authority has for its clients or,
        where it has none, by the KBO number of the row. None, with why in ``reasons``, where there
        is no code, or it is unclear whose it is. Add to ``notes`` what a person has to check."""
        owners: dict[str, OwningOrganisation] = {}
        for client in reversed(clients):  # production first: it names a new organisation
            identity = client.metadata.organisation
            kbo = identity.kbo
            if not identity.ovo:
                kbo = kbo or row[Heading.KBO]
            if not identity.ovo and not kbo:
                reasons.append(
                    f"neither column {Heading.KBO} nor {client} has a code of the organisation"
                )
                continue
            name = " ".join((identity.name or row[Heading.CUSTOMER]).split())
            ovo = identity.ovo or self._only_ovo_code_with(kbo)
            given = Answers(name=name, ovo=ovo, kbo=kbo)
            if owner := self._of_client(client, given, reasons, notes):
                owners[owner.folder] = owner
        if len(owners) > 1:
            listed = ", ".join(map(str, clients))
            reasons.append(f"its clients are of different organisations: {listed}")
        for folder in owners:
            given = Answers(name=row[Heading.CUSTOMER], kbo=row[Heading.KBO])
            for difference in find(given, self.organisations, folder).differences:
                column = row.named(_COLUMNS[difference.field])
                if difference.kind in _TO_CHECK:
                    notes.append(f"{column}: {difference.sentence}")
                else:
                    reasons.append(f"{column}: {difference.refusal}")
        return next(iter(owners.values()), None)

    def _only_ovo_code_with(self, kbo: str | None) -> str | None:
        """Return the OVO code that listed clients with a KBO number have; None where they have none
        or several, or several organisations here or many bodies share the number."""
        kbo = code_in("kbo", kbo)
        if find(Answers(kbo=kbo), self.organisations).owner is None:
            return None
        found = set()
        for register in self._registers.values():
            for client in register.clients:
                identity = client.metadata.organisation
                if identity.ovo and code_in("kbo", identity.kbo) == kbo:
                    found.add(identity.ovo)
        return found.pop() if len(found) == 1 else None

    def _of_client(
        self, client: ListedClient, given: Answers, reasons: list[str], notes: list[str]
    ) -> OwningOrganisation | None:
        """Return the organisation that has the codes of a client, perhaps as earlier ones, or a new
        one. None, with why in ``reasons``, where another one speaks against that."""
        found = find(given, self.organisations)
        earlier = {}
        for difference in found.differences:
            if difference.kind is Kind.EARLIER:
                earlier[difference.field] = difference.folder
        if folder := earlier.get("ovo" if given.ovo else "kbo"):
            # Its clients keep an earlier code, by which they are its own.
            own = [name for name, owner in earlier.items() if owner == folder]
            rest: dict[str, Any] = dict.fromkeys(own)
            found = find(replace(given, **rest), self.organisations, folder)
        notes += [f"{client}: {note}" for note in found.notes(_OF_CLIENT)]
        refused = found.mistakes(_TAKEN)
        reasons += [f"{client}: {difference.refusal}" for difference in refused]
        if found.owner is None or refused:
            return None
        owner = self._owners.setdefault(found.owner.folder, found.owner)
        self._learn(owner.folder, found.owner.organisation, given)
        return owner

    def _learn(self, folder: str, organisation: Organisation, given: Answers) -> None:
        """Remember the codes of a client that its organisation lacks, but none that it had
        earlier."""
        learned = {"ovo": organisation.ovo, "kbo": organisation.kbo}
        for name in ("ovo", "kbo"):
            code = code_in(name, getattr(given, name))
            if identifying(code) and code not in organisation.earlier_codes:
                learned[name] = learned[name] or code
        self.organisations[folder] = organisation.model_copy(update=learned)


class Supplier(NamedTuple):
    """The folder of a supplier, and the last day of each mandate that import writes for it."""

    folder: str
    until: date


class SharedKeys:
    """The keys of all drafts, and which of them several organisations have: these become keys of
    ``supplier``, and a mistake where none is named."""

    def __init__(
        self, forms: Path, drafts: Sequence[ExistingClients], supplier: Supplier | None
    ) -> None:
        self._forms, self._drafts, self.supplier = forms, drafts, supplier
        self._named_files: dict[Path, str] = {}
        """The text of each key file that ``key_files`` has given a name."""
        drafts_with: dict[str, list[ExistingClients]] = defaultdict(list)
        for draft in drafts:
            for thumbprint in draft.all_keys:
                drafts_with[thumbprint].append(draft)
        self._sharing: dict[str, list[ExistingClients]] = {}
        """The drafts with each key that several organisations have, by its thumbprint."""
        for thumbprint, sharing in drafts_with.items():
            if len({draft.owner.organisation.code for draft in sharing}) > 1:
                self._sharing[thumbprint] = sharing

    @cached_property
    def _lending(self) -> list[ExistingClients]:
        """The drafts whose forms have the keys of the supplier."""
        sharing = filter(self.are_in, self._drafts)
        return [draft for draft in sharing if not any(self.refusals(draft))]

    def of_supplier(self, supplier: Supplier, draft: ExistingClients) -> dict[Path, Content]:
        """Return the files that a draft with keys of the supplier needs: ``organisation.yaml`` and
        ``keys.yaml`` of the supplier with its keys, the same for every draft, and ``mandates.yaml``
        of the draft's organisation. Note on the draft which keys its client gains by that."""
        folder = self._forms / supplier.folder
        text = file_text("organisation", {"name": supplier.folder})
        files: dict[Path, Content] = {folder / ORGANISATION_FILE: text}
        lent: dict[Environment, dict[str, PublicJwk]] = defaultdict(dict)
        for other in self._lending:
            for environment in other.keys:
                lent[environment] |= other.keys_by_thumbprint(environment)
        listed = {}
        for environment, keys in lent.items():
            key_files = self.key_files(folder, "", keys.values())
            files |= key_files
            listed[environment.value] = [file.name for file in key_files]
            gained = without(keys, draft.keys_by_thumbprint(environment)).values()
            if gained and environment in draft.keys:
                kids = ", ".join(sorted(key.kid for key in gained))
                draft.notes.append(
                    f"gains key {kids} on {environment}, which {supplier.folder} has for others"
                )
        files[folder / KEYS_FILE] = file_text("keys", filled(listed))
        mandate = {
            "supplier": supplier.folder,
            "applications": [
                other.application for other in self._lending if other.owner is draft.owner
            ],
            "until": supplier.until,
        }
        mandates = self._forms / draft.owner.folder / MANDATES_FILE
        files[mandates] = file_text("mandates", {"mandates": [mandate]})
        return files

    def key_files(self, folder: Path, prefix: str, keys: Iterable[PublicJwk]) -> dict[Path, str]:
        """Return the text of each key by its file, ``<prefix><kid>.jwk.json`` in a folder. A file
        that has that text already is used again; where it has another, the name gets a part of the
        thumbprint."""
        files: dict[Path, str] = {}
        for key in keys:
            text = json.dumps(dict(key.members), indent=2) + "\n"
            for suffix in ("", f"-{key.thumbprint[:8]}", f"-{key.thumbprint}"):
                file = folder / f"{prefix}{slug(key.kid) or 'key'}{suffix}.jwk.json"
                present = self._named_files.get(file, text)
                if file.exists():
                    present = file.read_text("utf-8")
                if present == text:
                    break
            files[file] = self._named_files[file] = text
        return files

    def are_in(self, draft: ExistingClients) -> bool:
        """Return whether a draft has a key that several organisations have."""
        return not self._sharing.keys().isdisjoint(draft.all_keys)

    def refusals(self, draft: ExistingClients) -> Iterator[str]:
        """Yield a reason not to import a draft for each key that its form cannot have. Without a
        supplier these are keys that several organisations have. With one, a draft that has such a
        key may have no others than the supplier has, or gets."""
        if not self.are_in(draft):
            return
        for thumbprint, key in draft.all_keys.items():
            drafts_with_key = self._sharing.get(thumbprint, ())
            if self.supplier is None:
                rows = [
                    str(sharer) for sharer in drafts_with_key if sharer.owner is not draft.owner
                ]
                if rows:
                    yield (
                        f'key "{key.kid}" is that of another organisation too, in'
                        f" {', '.join(dict.fromkeys(rows))}: --supplier FOLDER keeps it once, in"
                        " the folder of the supplier"
                    )
            elif self._lists_without(self.supplier, key):
                yield (
                    f'key "{key.kid}" is not among those that {self.supplier.folder} has for'
                    " others; add it to its keys.yaml first"
                )
            elif not drafts_with_key:
                yield (
                    f'key "{key.kid}" is its own, beside a key of {self.supplier.folder}: a form'
                    " has the keys of one of them; take one of the two from the client"
                )

    def _lists_without(self, supplier: Supplier, key: PublicJwk) -> bool:
        """Return whether a supplier has a ``keys.yaml`` without this key: that file stays as it is,
        so that the client would lose the key."""
        listing = self._forms / supplier.folder / KEYS_FILE
        [file] = self.key_files(listing.parent, "", [key])
        return listing.exists() and file.name not in listing.read_text("utf-8")
