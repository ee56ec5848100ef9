"""Which connections stay as they are recorded while forms have mistakes, and what of them ends all
the same.

A recorded connection that no form declares goes only where that is known to be meant: a folder is
there whose organisation has its key, and no file in such a folder has a mistake. Any other one may
be that of the mistake. It stays whole: nothing of it is made, changed or removed. Three ends wait
for nobody, for somebody else can use what stays: that of a compromised key, that of a supplier's
mandate, and that of a mandate to send. Each is read from a file of its own, or from a part of the
form that has no mistake. What is not known to have ended has not.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.mandate import Mandate


@dataclass(frozen=True, kw_only=True)
class Folder:
    """What the folder of an organisation says, where its ``organisation.yaml`` has no mistake."""

    name: str
    code: str
    earlier_codes: Collection[str] = ()
    earlier_keys: Collection[str] = ()
    is_sound: bool
    """Whether none of its files has a mistake."""
    compromised: Collection[str] = ()
    """The thumbprints of the keys that it says are compromised, also in a form with mistakes."""
    mandates: Collection[Mandate] | None = ()
    """None where they cannot be read."""

    def has(self, key: str) -> bool:
        """Return whether a connection of this key is, or was, the organisation's."""
        return key in self.earlier_keys or key.partition("/")[0] in (self.code, *self.earlier_codes)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What ends of a client that stays as it is recorded otherwise."""

    takes_scopes: bool = False
    """Whether it loses all of its scopes."""
    withdrawn: frozenset[str] = frozenset()
    """Those of them that runs gave it, which a later mandate gives back."""
    keys: frozenset[str] = frozenset()
    """The thumbprints of the keys that it loses at once."""
    afzenders: frozenset[str] = frozenset()
    """The codes of the organisations that it sends for no more."""


@dataclass(frozen=True, kw_only=True)
class Mistaken:
    """What is known beside the mistakes in forms."""

    folders: Collection[Folder]
    is_attributed: bool
    """Whether each mistake is in one of these folders."""
    declared: Collection[str] = ()
    """The keys of the forms without mistakes, of every environment."""

    def may_mean(self, key: str) -> bool:
        """Return whether a file with a mistake may be about the connection of this key."""
        owners = self._owners(key)
        return not self.is_attributed or not owners or not all(folder.is_sound for folder in owners)

    def waiting(self, forms: Collection[Declaration], recorded: Collection[str]) -> frozenset[str]:
        """Return the keys of the forms that are not carried out, though they have no mistake: each
        takes the client of an earlier key, which may be that of a mistake."""
        waiting = set[str]()
        for form in forms:
            former = [key for key in form.form.formerly if key in recorded]
            if form.key not in recorded and any(map(self.may_mean, former)):
                waiting.add(form.key)
        return frozenset(waiting)

    def stays(self, key: str) -> bool:
        """Return whether a connection that is there stays as it is."""
        return key not in self.declared and self.may_mean(key)

    def staying(self, recorded: Collection[str]) -> list[str]:
        """Return the recorded keys whose connections stay."""
        return [key for key in recorded if self.stays(key)]

    def ending(self, client: Client, recorded: Collection[str], day: date) -> Ending:
        """Return what of a recorded client ends by a day; ``recorded`` has the keys of all."""
        supplier = client.form.mandate.get("supplier")
        if supplier and self._supplier_has_ended(client, supplier, recorded, day):
            # As where the form is right: one run withdraws the scopes, and the next one the keys.
            if client.scopes:
                return Ending(
                    takes_scopes=True, withdrawn=client.had_scopes, keys=self._stolen(client)
                )
            return Ending(keys=client.keys.thumbprints)
        gone = set(self._stolen(client))
        for thumbprint, lender in client.keys.lent.items():
            if lender != supplier and self._supplier_has_ended(client, lender, recorded, day):
                gone.add(thumbprint)
        return Ending(
            keys=frozenset(gone),
            afzenders=self._ended_afzenders(client, recorded, day),
        )

    def _owners(self, key: str) -> list[Folder]:
        return [folder for folder in self.folders if folder.has(key)]

    def _stolen(self, client: Client) -> frozenset[str]:
        """Return the keys of a client that its organisation or its supplier calls compromised; a
        stranger's word for it counts for nothing."""
        lenders = {client.form.mandate.get("supplier"), *client.keys.lent.values()}
        known_by = [folder for folder in self.folders if folder.name in lenders]
        stolen = set[str]()
        for folder in (*self._owners(client.key), *known_by):
            for thumbprint in folder.compromised:
                lender = client.keys.lent.get(thumbprint, folder.name)
                if folder.name not in lenders or lender == folder.name:
                    stolen.add(thumbprint)
        # The state has no keys that are left to the portal, but whose the lent ones are.
        return (client.keys.thumbprints | client.keys.lent.keys()) & stolen

    def _supplier_has_ended(
        self, client: Client, supplier: str, recorded: Collection[str], day: date
    ) -> bool:
        """Return whether every folder with a client's organisation ended its mandate for a
        supplier; False where one has mandates that could not be read, and where there is no such
        folder."""
        code = client.key.partition("/")[0]
        applications = set[str]()
        for key in recorded:
            owner_code, _, application = key.partition("/")
            if owner_code == code:
                applications.add(application)
        owners = [folder for folder in self.folders if folder.code == code]
        for folder in owners:
            if folder.mandates is None:
                return False
            running = set[str]()
            for mandate in folder.mandates:
                if mandate.supplier == supplier and mandate.until >= day:
                    running.update(mandate.applications)
            if not _has_ended(client.application, applications, running):
                return False
        return bool(owners)

    def _ended_afzenders(
        self, client: Client, recorded: Collection[str], day: date
    ) -> frozenset[str]:
        """Return the codes of the organisations for which a client may send no more on a day. One
        whose mandates could not be read is not among them."""
        by_code = {folder.code: folder for folder in self.folders}
        ended = set[str]()
        for folder in (by_code[code] for code in client.acts_for if code in by_code):
            if folder.mandates is None:
                continue
            running = set[str]()
            for mandate in folder.mandates:
                if mandate.until >= day:
                    running.update(mandate.connections)
            if _has_ended(client.key, recorded, running):
                ended.add(folder.code)
        return frozenset(ended)


def _has_ended(name: str, recorded: Collection[str], running: Collection[str]) -> bool:
    """Return whether the mandate for ``name`` has ended, by the names that a mandate counts for
    now. One for a name that nobody has yet may be for the same client: its form may rename it."""
    return name not in running and all(mandated in recorded for mandated in running)
