"""Whose clients an import finds: the organisations that have a folder, and those that get one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from acmidm.words import LONGEST_NAME, slug
from acmidm_onboarding.values.identifiers import SHARED_KBO_NUMBER, identifying, look_of
from acmidm_onboarding.values.metadata import OrganisationMetadata
from acmidm_onboarding.values.organisation import Organisation


@dataclass(frozen=True)
class FolderOwner:
    """An organisation and its folder. Where it ``is_new``, import writes its
    ``organisation.yaml``."""

    folder: str
    name: str
    ovo: str | None
    kbo: str | None
    is_new: bool = True
    adopts: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        return self.ovo or self.kbo or ""


class Organisations:
    """Finds the organisation of a client by its codes, so that each has one folder, one name and
    one pair of codes."""

    def __init__(
        self, folders: Mapping[str, Organisation], listed: Iterable[OrganisationMetadata]
    ) -> None:
        self._folders = set(folders)
        self._by_code: dict[str, FolderOwner] = {}
        self._ovo_codes: dict[str, set[str]] = defaultdict(set)
        for folder, organisation in folders.items():
            ovo, kbo = organisation.ovo, organisation.kbo
            owner = FolderOwner(
                folder, organisation.name, ovo, kbo, is_new=False, adopts=organisation.adopts
            )
            self._by_code.update(
                dict.fromkeys((*identifying(ovo, kbo), *organisation.earlier_codes), owner)
            )
        for client in listed:
            if client.ovo and client.kbo:
                self._ovo_codes[client.kbo].add(client.ovo)

    def of(self, name: str, ovo: str | None, kbo: str | None) -> FolderOwner:
        """Return the organisation with one of these codes, of which at least one is given; make one
        where it is new.

        Raises:
            ValueError: where the codes are of two organisations, with a sentence.
        """
        if (
            not ovo
            and kbo
            and kbo != SHARED_KBO_NUMBER
            and len(others := self._ovo_codes[kbo]) == 1
        ):
            (ovo,) = others  # another of its clients has it
        codes = identifying(ovo, kbo)
        owner = next((self._by_code[code] for code in codes if code in self._by_code), None)
        if owner and ovo and owner.ovo not in (None, ovo) and ovo not in self._by_code:
            raise ValueError(
                f"KBO number {kbo} is that of {owner.folder}, which has {owner.ovo} and not {ovo}:"
                " see which is right"
            )
        owner = owner or FolderOwner(
            self._free_folder(name, codes[0]), " ".join(name.split()), ovo, kbo
        )
        for code in codes:
            self._by_code.setdefault(code, owner)
        return owner

    def another(self, owner: FolderOwner, kbo: str | None, name: str | None) -> str | None:
        """Return the folder of another organisation that has this KBO number or this name."""
        look = look_of(name or "")
        for other in self._by_code.values():
            has_number = kbo not in (None, SHARED_KBO_NUMBER) and other.kbo == kbo
            has_name = look != "" and look_of(other.name) == look
            if other.folder != owner.folder and (has_number or has_name):
                return other.folder
        return None

    def _free_folder(self, name: str, code: str) -> str:
        """Return a folder of its own, also for an organisation that has the name of another."""
        folder = slug(name) or slug(code)
        if folder in self._folders:
            folder = f"{slug(name, LONGEST_NAME - len(code) - 1)}-{slug(code)}"
        self._folders.add(folder)
        return folder
