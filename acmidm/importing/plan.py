"""Which row becomes which form, and what cannot be placed: every row and every client is one or the
other."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from acmidm.importing.draft import Column, ImportedForm, draft_of
from acmidm.importing.listed import ListedClient, Register
from acmidm.importing.organisations import Organisations
from acmidm.report.undeclared import Declared
from acmidm.sheet import SheetRow, whole_kbo
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.values.identifiers import kbo_number
from acmidm_onboarding.values.problems import Unusable, both
from acmidm_onboarding.values.terms import Environment, Platform

_COLUMNS = {Environment.TNI: Column.CLIENT_TEST, Environment.PROD: Column.CLIENT_PROD}


@dataclass
class ImportPlan:
    """What an import will write. ``unplaced`` and ``declared`` are sentences."""

    drafts: list[ImportedForm] = field(default_factory=list)
    declared: list[str] = field(default_factory=list)
    unplaced: list[str] = field(default_factory=list)


class Planner:
    """Plans the import of some rows."""

    def __init__(
        self,
        rows: Sequence[SheetRow],
        registers: Mapping[Environment, Register],
        forms: Onboardings,
        contact: str | None,
    ) -> None:
        self._rows = rows
        self._registers = registers
        self._catalogue = forms.catalogue
        self._contact = contact
        listed = (
            client.metadata.organisation
            for register in registers.values()
            for client in register.clients
        )
        self._organisations = Organisations(forms.organisations, listed)
        self._declared = {
            environment: Declared.by(forms.connections(environment)) for environment in registers
        }
        self._times = Counter(
            (environment, client_id.lower())
            for row in rows
            for environment, client_id in _client_ids(row).items()
        )
        self._plan = ImportPlan()

    def plan(self) -> ImportPlan:
        """Sort out every row, then every client in no row and no form."""
        for row in self._rows:
            self._place(row)
        self._refuse_twins()
        named = {
            (environment, client_id.lower())
            for row in self._rows
            for environment, client_id in _client_ids(row).items()
        }
        for environment, register in self._registers.items():
            for client in register.clients:
                if (environment, client.client_id.lower()) not in named and not self._is_declared(
                    client
                ):
                    self._plan.unplaced.append(
                        f"{client}, platform {client.platform}, is in no row and in no form: add a"
                        " row, or write a form that adopts it"
                    )
        return self._plan

    def _place(self, row: SheetRow) -> None:
        row, reasons = _with_sound_kbo(row)
        clients, faults = self._clients(row)
        reasons += [*row.faults, *faults]
        undeclared = [client for client in clients.values() if not self._is_declared(client)]
        if clients and not reasons and not undeclared:
            self._plan.declared.append(
                f"{row}: a form declares {both(map(str, clients.values()))} already"
            )
            return
        if undeclared and len(undeclared) < len(clients):
            declared = next(client for client in clients.values() if client not in undeclared)
            reasons.append(
                f"a form declares {declared} already: add {undeclared[0]} to it, with adopt"
            )
        if not reasons:
            try:
                self._plan.drafts.append(
                    draft_of(row, clients, self._catalogue, self._organisations, self._contact)
                )
            except Unusable as error:
                reasons += error.args
        self._plan.unplaced += [f"{row}: {reason}" for reason in reasons]

    def _clients(self, row: SheetRow) -> tuple[dict[Environment, ListedClient], list[str]]:
        """Return the row's clients per environment, and what is wrong with its client-IDs."""
        clients, reasons = {}, []
        client_ids = _client_ids(row)
        if not client_ids and not row.faults:
            reasons.append(f"neither {Column.CLIENT_TEST} nor {Column.CLIENT_PROD} is filled in")
        for environment, client_id in client_ids.items():
            column = row.named(_COLUMNS[environment])
            if self._times[environment, client_id.lower()] > 1:
                others = [
                    str(other)
                    for other in self._rows
                    if other is not row and _has(other, environment, client_id, row)
                ]
                reasons.append(
                    f'{column}: client-ID "{client_id}" is in {both(others)} too; keep one of them'
                )
            elif environment not in self._registers:
                reasons.append(
                    f"{column}: name the stack that has these clients, with --{environment}"
                )
            else:
                client = self._registers[environment].find(client_id)
                if client is None:
                    reasons.append(
                        self._no_client(column, client_id, self._registers[environment].stack)
                    )
                elif client.platform is not Platform.ACMIDM:
                    reasons.append(
                        f'{column}: client "{client_id}" is one of {client.platform}; put the'
                        " client of ACM/IDM there, and add to its form platforms: [acmidm,"
                        f' {client.platform}] and adopt: {{{client.platform}: "{client_id}"}}'
                    )
                else:
                    clients[environment] = client
        return clients, reasons

    def _no_client(self, column: str, client_id: str, stack: str) -> str:
        stacks = [
            register.stack for register in self._registers.values() if register.find(client_id)
        ]
        sentence = f'{column}: there is no client "{client_id}" on stack {stack}'
        if not stacks:
            return sentence
        return f"{sentence}, but there is on {stacks[0]}: perhaps it is in the wrong column"

    def _is_declared(self, client: ListedClient) -> bool:
        return self._declared[client.environment].has(client.platform, client.snapshot.client)

    def _refuse_twins(self) -> None:
        """Refuse two rows for one application of an organisation: they would have one key, and so
        one client."""
        by_key: dict[tuple[str, str], list[ImportedForm]] = defaultdict(list)
        for draft in self._plan.drafts:
            by_key[draft.organisation.code, draft.application].append(draft)
        for (code, application), drafts in by_key.items():
            for draft in drafts if len(drafts) > 1 else ():
                others = both(str(other.row) for other in drafts if other is not draft)
                self._plan.unplaced.append(
                    f'{draft.row}: {others} has the application "{application}" of {code} as well;'
                    " name them differently at the authority"
                )
        self._plan.drafts = [drafts[0] for drafts in by_key.values() if len(drafts) == 1]


def _client_ids(row: SheetRow) -> dict[Environment, str]:
    return {
        environment: row.values[column]
        for environment, column in _COLUMNS.items()
        if column in row.values
    }


def _has(row: SheetRow, environment: Environment, client_id: str, but_not: SheetRow) -> bool:
    is_other = (row.sheet, row.number) != (but_not.sheet, but_not.number)
    return is_other and _client_ids(row).get(environment, "").lower() == client_id.lower()


def _with_sound_kbo(row: SheetRow) -> tuple[SheetRow, list[str]]:
    """Return the row with its KBO number as ten digits."""
    text = row.values.get(Column.KBO)
    if text is None:
        return row, []
    try:
        number = kbo_number(whole_kbo(text))
    except ValueError as error:
        return row, [f"{row.named(Column.KBO)}: {error}"]
    return replace(row, values={**row.values, Column.KBO: number}), []
