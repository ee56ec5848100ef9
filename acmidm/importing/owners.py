"""Whose clients an import finds: the organisations that have a folder, and those that get one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from acmidm.edit.new.organisations import Owner, new_owner, of_others
from acmidm.edit.new.rows import Column
from acmidm.form_text import filled
from acmidm.importing.listed import ListedClient, Register
from acmidm.sheet import SheetRow
from acmidm.words import LONGEST_NAME, slug
from acmidm_onboarding.values.identifiers import SHARED_KBO_NUMBER, identifying, look_of
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import quoted
from acmidm_onboarding.values.terms import Environment


class Owners:
    """Finds the organisation of a client by its codes, so that each has one folder, one name and
    one pair of codes."""

    def __init__(
        self,
        organisations: Mapping[str, Organisation],
        registers: Mapping[Environment, Register],
    ) -> None:
        self._registers = registers
        self.organisations = dict(organisations)
        """All, by folder."""
        self._owners: dict[str, Owner] = {}
        """By each code that is theirs, or was."""
        for folder, one in organisations.items():
            codes = (*identifying(one.ovo, one.kbo), *one.earlier_codes)
            self._owners.update(dict.fromkeys(codes, Owner(folder, one)))

    def of_row(
        self, row: SheetRow, clients: Sequence[ListedClient], reasons: list[str]
    ) -> Owner | None:
        """Return the organisation by the codes at the authority or, without those, the row's; note
        why there is none."""
        in_row, owners = row.values.get(Column.KBO), {}
        for client in reversed(clients):
            # Production, the last, names an organisation that is new.
            has = client.metadata.organisation
            kbo = has.kbo
            if not has.ovo:
                kbo = kbo or in_row
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
                owner = self._of_codes(client, name, has.ovo, kbo, reasons)
                owners[owner.folder] = owner
        if len(owners) > 1:
            listed = ", ".join(map(str, clients))
            reasons.append(f"its clients are of different organisations: {listed}")
        return next(iter(owners.values()), None)

    def _of_codes(
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
            known = [new_owner(folder, filled(fields))]
            self.organisations[folder] = known[0].organisation
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
        if folder not in self.organisations:
            return folder
        return f"{slug(name, LONGEST_NAME - len(code) - 1)}-{slug(code)}"

    def second_identity(self, row: SheetRow, owner: Owner) -> Iterator[str]:
        """Yield what in a row is another organisation's than that of its client."""
        own, kbo = owner.organisation, row.values.get(Column.KBO)
        if kbo is not None and own.kbo not in (None, kbo):
            yield (
                f"{row.named(Column.KBO)} has {kbo}, while its organisation has {own.code} and KBO"
                f" number {own.kbo}: see which is right"
            )
        customer = row.values.get(Column.CUSTOMER, "")
        unknown = {}
        if not own.kbo:
            unknown["kbo"] = kbo
        if look_of(customer) != look_of(own.name):
            unknown["name"] = customer
        for name, folder in of_others(unknown, owner.folder, self.organisations):
            column = Column.KBO if name == "kbo" else Column.CUSTOMER
            yield (
                f"{row.named(column)} has {quoted(row.values[column])}, which is that of {folder}"
                f" and not of {owner.folder}: see which is right"
            )
