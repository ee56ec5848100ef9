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
from acmidm_onboarding.values.plain import only


@dataclass(frozen=True, kw_only=True)
class Folder:
    """What is readable in the folder of an organisation, whose ``organisation.yaml`` has no
    mistake."""

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
    """What a run takes from a client that stays in all else as it is recorded."""

    takes_scopes: bool = False
    """Whether it loses all of its scopes."""
    withdrawn: frozenset[str] = frozenset()
    """Of these scopes those that runs gave it, which a later mandate gives back."""
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
        if not self.is_attributed or not owners:
            return True
        return not all(folder.is_sound for folder in owners)

    def waiting(self, forms: Collection[Declaration], recorded: Collection[str]) -> frozenset[str]:
        """Return the keys of the forms that no run carries out yet, though they have no mistake:
        each takes over the client of an earlier key, and a form with a mistake may be about that
        client. ``recorded`` are the keys that the state has."""
        waiting = set[str]()
        for form in forms:
            former = [key for key in form.form.formerly if key in recorded]
            if form.key not in recorded and any(map(self.may_mean, former)):
                waiting.add(form.key)
        return frozenset(waiting)

    def stays(self, key: str) -> bool:
        """Return whether a recorded connection stays as it is: no form declares it, and one with a
        mistake may be about it."""
        return key not in self.declared and self.may_mean(key)

    def staying(self, recorded: Collection[str]) -> list[str]:
        """Return the recorded keys whose connections stay."""
        return [key for key in recorded if self.stays(key)]

    def ending(self, client: Client, recorded: Collection[str], day: date) -> Ending:
        """Return what a run on ``day`` takes from a recorded client that stays; ``recorded`` has
        the keys of all connections in the state."""
        supplier = client.form.mandate.get("supplier")
        if supplier and self._supplier_has_ended(client, supplier, recorded, day):
            # As for a form without mistakes: one run withdraws the scopes, the next one the keys.
            if client.scopes:
                return Ending(
                    takes_scopes=True, withdrawn=client.had_scopes, keys=self._stolen(client)
                )
            return Ending(keys=client.keys.thumbprints)
        ended_keys = set(self._stolen(client))
        for thumbprint, lender in client.keys.lent.items():
            if lender != supplier and self._supplier_has_ended(client, lender, recorded, day):
                ended_keys.add(thumbprint)
        return Ending(
            keys=frozenset(ended_keys),
            afzenders=self._ended_afzenders(client, recorded, day),
        )

    def _owners(self, key: str) -> list[Folder]:
        return [folder for folder in self.folders if folder.has(key)]

    def _stolen(self, client: Client) -> frozenset[str]:
        """Return the thumbprints of a client's keys that its organisation calls compromised, or the
        supplier whose key it is. No other organisation can say so."""
        lenders = {client.form.mandate.get("supplier"), *client.keys.lent.values()}
        folders_of_lenders = [folder for folder in self.folders if folder.name in lenders]
        stolen = set[str]()
        for folder in (*self._owners(client.key), *folders_of_lenders):
            for thumbprint in folder.compromised:
                lender = client.keys.lent.get(thumbprint, folder.name)
                if folder.name not in lenders or lender == folder.name:
                    stolen.add(thumbprint)
        # Of a client whose keys are left to the portal, the state knows the lent ones alone.
        return (client.keys.thumbprints | client.keys.lent.keys()) & stolen

    def _supplier_has_ended(
        self, client: Client, supplier: str, recorded: Collection[str], day: date
    ) -> bool:
        """Return whether a client's organisation ended its mandate for a supplier, in each folder
        that it has; False where mandates could not be read, or there is no such folder."""
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
        for folder in only(by_code, client.acts_for).values():
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
    """Return whether no mandate of today is for the application or connection ``name``.
    ``running`` are those that a mandate names. If one of these is not ``recorded`` yet, it may be
    the same client under a new name: then nothing has ended."""
    return name not in running and all(mandated in recorded for mandated in running)
