"""What a folder has once, beside its forms: who its organisation is, its suppliers' mandates, its
keys for others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from acmidm_onboarding.forms.among import problems_of_former_codes, problems_of_organisations
from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.forms.documents import YamlDocument
from acmidm_onboarding.forms.files import (
    KEYS_FILE,
    MANDATES_FILE,
    ORGANISATION_FILE,
    Files,
    refusal_of_link,
    shown,
)
from acmidm_onboarding.forms.form import Form
from acmidm_onboarding.forms.speaking import problems_of_speakers
from acmidm_onboarding.forms.suppliers import KeyList, SupplierKeys, sound_keys, unknown_supplier
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.mandate import Mandate, Mandates
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import Problem
from acmidm_onboarding.values.terms import is_name

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class OrganisationFile:
    """An ``organisation.yaml`` as it was read; ``organisation`` is None where it has mistakes or is
    not there."""

    document: YamlDocument
    organisation: Organisation | None


class Folders:
    """Reads these files of each folder, each once. Their mistakes are added to ``problems``."""

    def __init__(self, files: Files, problems: list[Problem]) -> None:
        self._files = files
        self._problems = problems
        self._owners: dict[Path, OrganisationFile] = {}
        self._mandates: dict[Path, tuple[YamlDocument, Mandates | None]] = {}
        self.key_lists: dict[Path, KeyList] = {}
        self._needing_code: set[Path] = set()

    def owner_with_code(self, folder: Path) -> OrganisationFile:
        """Return what ``owner`` does, and note that the organisation needs a code, as it has forms
        or a form sends for it: ``problems`` yields it where there is none."""
        self._needing_code.add(folder)
        return self.owner(folder)

    def read(self, file: Path) -> bool:
        """Read a file of an organisation that is no form; return whether the file is one."""
        reading = {
            ORGANISATION_FILE: self.owner,
            MANDATES_FILE: self.mandates,
            KEYS_FILE: self.keys,
        }.get(file.name)
        if reading is not None:
            reading(file.parent)
        return reading is not None

    def owner(self, folder: Path) -> OrganisationFile:
        """Return the ``organisation.yaml`` of a folder, which is a problem where it is missing."""
        if folder not in self._owners:
            file = folder / ORGANISATION_FILE
            document, organisation = self._content(file, Organisation)
            if not self._files.exists(file):
                what = tr(
                    "there is no {file}, which names the organisation of these forms",
                    file=ORGANISATION_FILE,
                )
                self._problems.append(
                    document.problem((), what, tr("add it, with name and ovo or kbo"))
                )
            self._owners[folder] = OrganisationFile(document, organisation)
        return self._owners[folder]

    def mandates(self, folder: Path) -> tuple[Mandate, ...] | None:
        """Return what the organisation of a folder lets suppliers do; None where that has
        mistakes."""
        file = folder / MANDATES_FILE
        if folder not in self._mandates:
            self._mandates[folder] = self._content(file, Mandates)
        content = self._mandates[folder][1]
        if content is None:
            return None if self._files.exists(file) else ()
        return content.mandates

    def keys(self, folder: Path) -> KeyList:
        """Return the keys that a supplier has for others; none where it has no such file."""
        if folder not in self.key_lists:
            self.owner(folder)
            file = folder / KEYS_FILE
            document, keys = self._content(file, SupplierKeys)
            is_sound = keys is not None or not self._files.exists(file)
            keys = keys or sound_keys(document)
            self.key_lists[folder] = KeyList.of_supplier(document, folder, keys, is_sound=is_sound)
        return self.key_lists[folder]

    def key_list(
        self, document: YamlDocument, form: Form, folder: Path
    ) -> tuple[KeyList, Organisation | None]:
        """Return the list with the keys of a form in ``folder``, and the organisation whose keys
        these are: the supplier that ``keys_of`` names, else the form's own.

        A supplier without a folder is added to the problems, and the form's own list is returned.
        """
        if form.keys_of is not None:
            if self.is_organisation(form.keys_of, folder):
                supplier = folder.parent / form.keys_of
                return self.keys(supplier), self.owner(supplier).organisation
            self._problems.append(unknown_supplier(document, ("keys_of",), form.keys_of))
        return KeyList.of_form(document, folder, form), self.owner(folder).organisation

    def is_organisation(self, name: str, neighbour: Path) -> bool:
        """Return whether an organisation is in the folder of this name, beside its neighbour."""
        return is_name(name) and self._files.is_organisation(neighbour.parent / name)

    def _content(self, file: Path, model: type[M]) -> tuple[YamlDocument, M | None]:
        """Return a file as it was read, with what it declares: None where it has mistakes, which
        are added to the problems, and where it is not there."""
        if link := next(filter(self._files.is_link, (file, file.parent)), None):
            self._problems.append(Problem(shown(link), 1, 1, *refusal_of_link()))
        elif self._files.exists(file):
            document, content, mistakes = self._files.read(file, model)
            self._problems += mistakes
            return document, content
        return YamlDocument(shown(file)), None

    @property
    def organisations(self) -> dict[str, Organisation]:
        """By the name of their folder."""
        return {folder.name: organisation for folder, _, organisation in self._read_owners()}

    def _read_owners(self) -> Iterator[tuple[Path, YamlDocument, Organisation]]:
        """Yield each folder whose organisation could be read."""
        for folder, owner in self._owners.items():
            if owner.organisation:
                yield folder, owner.document, owner.organisation

    @property
    def mandates_by_folder(self) -> dict[str, tuple[Mandate, ...]]:
        mandates: dict[str, tuple[Mandate, ...]] = {}
        for folder, (_, content) in self._mandates.items():
            if content:
                mandates[folder.name] = content.mandates
        return mandates

    def problems(self, catalogue: Catalogue | None) -> Iterator[Problem]:
        """Yield the mistakes that only show beside forms, other folders and the catalogue."""
        pairs: list[tuple[YamlDocument, Organisation]] = []
        for folder, document, organisation in self._read_owners():
            pairs.append((document, organisation))
            if folder in self._needing_code and not organisation.code:
                yield document.problem(
                    (),
                    tr("organisation has neither ovo nor kbo"),
                    tr(
                        "give at least one: the forms beside it, and what is sent for it, are"
                        " named by it"
                    ),
                )
        for folder, (document, content) in self._mandates.items():
            if content is None:
                continue
            for index, mandate in enumerate(content.mandates):
                if not self.is_organisation(mandate.supplier, folder):
                    yield unknown_supplier(
                        document, ("mandates", index, "supplier"), mandate.supplier
                    )
        yield from problems_of_organisations(pairs)
        yield from problems_of_former_codes(pairs)
        if catalogue is not None:
            yield from problems_of_speakers(pairs, catalogue)
