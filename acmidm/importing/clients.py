"""From the rows of a spreadsheet and the clients that they name to forms that take over what
exists: what nobody wrote down is taken from the client itself, never guessed.

The first ``up`` would remove what no form can have: a second grant type, a scope that is not in the
catalogue, a key that may not be registered. Such a row is not imported but reported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from acmidm.edit.changes import Content, Placed, Read, Rows
from acmidm.edit.new.answers import speaks_for
from acmidm.edit.new.draft import PLATFORM, Draft
from acmidm.edit.new.organisations import Owner
from acmidm.edit.new.rows import CLIENT_IDS, Column
from acmidm.form_text import Quoted
from acmidm.importing.listed import (
    ExistingClients,
    ListedClient,
    Register,
    application_of,
    changes,
    inexpressible,
    keys_of,
    request_of,
)
from acmidm.importing.owners import Owners
from acmidm.importing.sharing import SharedKeys, Supplier
from acmidm.report.undeclared import Declared
from acmidm.sheet import SheetRow, whole_kbo
from acmidm.words import plain, shown, slug
from acmidm_onboarding.forms.files import ORGANISATION_FILE
from acmidm_onboarding.forms.form import Form
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.forms.speaking import about_names_of_others, names_of
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.declaration import client_name
from acmidm_onboarding.values.identifiers import (
    SHARED_KBO_NUMBER,
    kbo_number,
)
from acmidm_onboarding.values.metadata import ClientMetadata
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import Failure, both
from acmidm_onboarding.values.terms import Environment, Platform

_REMEMBERED = (Column.KBO, Column.CUSTOMER, Column.TAN, Column.URI_TEST, Column.URI_PROD)
"""Columns that a form has no field for; kept as a comment."""

_OF_CLIENTS = ClientMetadata.model_fields.keys() - {"application", "contacts"}
_SAID = [name for name in Form.model_fields if name in _OF_CLIENTS]
"""The fields that a form has once, so that its clients have to have them alike."""


class Clients(Rows[ExistingClients, Placed[ExistingClients]]):
    """Forms that take over the clients of rows; every row and every client has one, or a reason.

    ``onboardings`` are the forms that there are, without a mistake. ``source`` is the spreadsheet's
    name, for the comment in each form. ``supplier`` has the keys that organisations share, each by
    a mandate.
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
        self._connections = {one: Declared.by(onboardings.connections(one)) for one in registers}
        self._same: dict[tuple[Environment, str], list[SheetRow]] = defaultdict(list)
        """The rows with a client-ID, in lower case."""
        self.drafts: list[ExistingClients] = []
        self._keys = SharedKeys(forms, (), supplier)
        self.declared: list[str] = []
        """Rows whose clients have a form already, a sentence each."""

    def take(self, rows: Iterable[SheetRow]) -> None:
        """Make a form for each row, as far as it can be made and is valid."""
        self.plan(rows)
        self._keys = SharedKeys(self._forms, self.drafts, self._supplier)
        for draft in self.drafts:
            if draft.owner.is_new:
                self._owners.organisations[draft.owner.folder] = self._speaking(draft.owner)
        self.sort_out(self.drafts)

    def plan(self, rows: Iterable[SheetRow]) -> None:
        """Make the draft of each row, and note why there is none."""
        whole = [_with_whole_kbo(row) for row in rows]
        for row in whole:
            for environment, column in CLIENT_IDS.items():
                self._same[environment, row.values.get(column, "").lower()].append(row)
        for row in whole:
            try:
                self._plan(row)
            except Failure as failure:
                self.note(row, str(failure).splitlines())
        by_key: dict[tuple[str, str], list[ExistingClients]] = defaultdict(list)
        for draft in self.drafts:
            by_key[draft.owner.organisation.code, draft.application].append(draft)
        for (code, application), drafts in by_key.items():
            if len(drafts) == 1:
                continue
            # They would have one key, and so one client.
            for draft in drafts:
                others = both(str(other) for other in drafts if other is not draft)
                sentence = (
                    f'{others} has the application "{application}" of {code} as well; name them'
                    " differently at the authority"
                )
                self.note(draft, [sentence])
                self.drafts.remove(draft)

    def unnamed(self) -> list[str]:
        """Return a sentence for each client in no row and no form."""
        sentences = []
        for environment, register in self._registers.items():
            for client in register.clients:
                is_named = (environment, client.client_id.lower()) in self._same
                if not is_named and not self._is_declared(client):
                    sentences.append(
                        f"{client}, platform {client.platform}, is in no row and in no form: add a"
                        " row, or write a form that adopts it"
                    )
        return sentences

    def _is_declared(self, client: ListedClient) -> bool:
        return self._connections[client.environment].has(client.platform, client.snapshot)

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
        for environment, column in CLIENT_IDS.items():
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
        same = self._same[environment, client_id.lower()]
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
            for other in stacks[:1]:
                sentence += f", but there is on {other}: perhaps it is in the wrong column"
            return None, sentence
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
            reasons += inexpressible(client)
            requests[environment.value] = request_of(client, self._catalogue, reasons)
            keys[environment] = keys_of(client, reasons, notes)
        owner = self._owners.of_row(row, clients, reasons)
        # Where applications differ, production's counts, which is the last.
        names = list(filter(None, map(application_of, reversed(clients))))
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
        contacts = sorted(set().union(*(client.metadata.contacts for client in clients)))
        if self._contact and not contacts:
            contacts = [self._contact]
        if not contacts:
            reasons.append("its clients have no contacts: name one with --contact")
        if owner:
            reasons += self._owners.second_identity(row, owner)
        if owner is None or reasons:
            raise Failure("\n".join(reasons))
        form = {
            "application": names[0],
            "contacts": contacts,
            "platforms": [PLATFORM.value],
            **{name: value for name, value in properties[0].items() if name in _SAID},
            "environments": requests,
        }
        draft = ExistingClients(
            owner, form, row=row, clients=by_environment, keys=keys, notes=notes
        )
        notes += self._remarks(draft)
        return draft

    def _remarks(self, draft: ExistingClients) -> Iterator[str]:
        """Yield why a client may be another's, by what row and authority have, and what taking it
        over changes."""
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
        application = draft.application
        for environment, client in draft.clients.items():
            scopes = draft.form["environments"][environment].get("scopes", {})
            expected = self._catalogue.client_names(scopes, environment, own.name)
            wanted = {
                "application": application,
                "client_name": client_name(own.name, application, expected),
                "organisation.name": own.name,
                "organisation.ovo": own.ovo,
                "organisation.kbo": own.kbo,
                "contacts": ", ".join(sorted(draft.form["contacts"])),
            }
            yield from changes(client, wanted)
        has = "adopts has it" if draft.owner.is_new else "it has to be added to adopts"
        for client in clients:
            if client.client_id in draft.nameless:
                yield (
                    f"{client} has no code of an organisation there; {has} in"
                    f" {draft.owner.folder}/{ORGANISATION_FILE}: see whether it is {own.name}'s"
                )

    def place(self, source: ExistingClients) -> Placed[ExistingClients]:
        """Return the files of the draft of a row: the form is the last. Raises Failure."""
        _require_none(list(self._keys.refusals(source)))
        folder = self._forms / source.owner.folder
        key_files: dict[Environment, Mapping[str, str]] = {}
        files: dict[Path, Content] = {}
        form = dict(source.form)
        if self._supplier and self._keys.are_in(source):
            files |= self._keys.of_supplier(self._supplier, source)
            form["keys_of"] = self._supplier.folder
        else:
            for environment, keys in source.keys.items():
                prefix = f"{source.application}-{environment}-"
                key_files[environment] = self._keys.key_files(folder, prefix, keys)
        said = "; ".join(_remembered(source))
        what = f": {said}" if said else ""
        origin = plain(f"From {self._source}, {source}{what}", 2000)
        draft = Draft(self._completed(source), form)
        files |= draft.files(self._forms, key_files, origin=origin)
        *others, _ = files
        for file in others:
            if file.exists():  # what is there stays
                del files[file]
        return Placed(source, files, tuple(source.notes))

    def _completed(self, draft: ExistingClients) -> Owner:
        """Return an organisation that is new with all that its clients have; note what to check."""
        owner, own = draft.owner, self._owners.organisations[draft.owner.folder]
        if not owner.is_new:
            return owner
        nameless: list[str] = []
        for other in self.drafts:
            if other.owner is owner:
                nameless += other.nameless
        adopts = {"adopts": list(map(Quoted, nameless))} if nameless else {}
        if own.speaks_for:
            draft.notes.append(
                f"{owner.folder}/{ORGANISATION_FILE} lets it send as its clients do now:"
                f" {names_of(own)}: see whether it may"
            )
            draft.notes += about_names_of_others(owner.folder, own, self._owners.organisations)
        return Owner(owner.folder, own, {**owner.fields, **adopts})

    def _speaking(self, owner: Owner) -> Organisation:
        """Return an organisation that is new, with the names under which its clients send now, by
        their attributes and products, as those that its file allows (``speaks_for``)."""
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


def _remembered(draft: ExistingClients) -> Iterator[str]:
    """Yield what a row says that its form has no field for."""
    for column in _REMEMBERED:
        text = draft.row.values.get(column)
        if text and text != draft.owner.organisation.kbo:
            yield f"{column} {text}"


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
