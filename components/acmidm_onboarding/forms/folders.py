"""What a folder has once, beside its forms: who its organisation is, its suppliers' mandates, its
keys for others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

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
from acmidm_onboarding.forms.several_forms import (
    problems_of_former_codes,
    problems_of_organisations,
)
from acmidm_onboarding.forms.speaking import problems_of_speakers
from acmidm_onboarding.forms.suppliers import (
    KeyList,
    SupplierKeys,
    problem_of_unknown_supplier,
    sound_keys,
)
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
    """Reads the ``organisation.yaml``, ``mandates.yaml`` and ``keys.yaml`` of each folder, each
    once. Their mistakes are added to ``problems``, the list of whoever reads the forms."""

    def __init__(self, files: Files, problems: list[Problem]) -> None:
        self._files = files
        self._problems = problems
        self._organisation_files: dict[Path, OrganisationFile] = {}
        self._mandates: dict[Path, tuple[YamlDocument, Mandates | None]] = {}
        self.key_lists: dict[Path, KeyList] = {}
        """Per folder what ``keys`` returned."""
        self._needing_code: set[Path] = set()

    def organisation_file_with_code(self, folder: Path) -> OrganisationFile:
        """Return the ``organisation.yaml`` of a folder that has forms, or that a form sends for:
        such an organisation needs a code, and ``problems`` yields a mistake where it has none."""
        self._needing_code.add(folder)
        return self.organisation_file(folder)

    def read_file_beside_forms(self, file: Path) -> bool:
        """Read an organisation.yaml, mandates.yaml or keys.yaml. Return False for a file of any
        other name, which is a form."""
        read = {
            ORGANISATION_FILE: self.organisation_file,
            MANDATES_FILE: self.mandates,
            KEYS_FILE: self.keys,
        }.get(file.name)
        if read is None:
            return False
        read(file.parent)
        return True

    def organisation_file(self, folder: Path) -> OrganisationFile:
        """Return the ``organisation.yaml`` of a folder. A missing one is added to the problems."""
        if folder not in self._organisation_files:
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
            self._organisation_files[folder] = OrganisationFile(document, organisation)
        return self._organisation_files[folder]

    def mandates(self, folder: Path) -> tuple[Mandate, ...] | None:
        """Return the mandates that the organisation of a folder gives to suppliers: none without a
        ``mandates.yaml``, and None where that has mistakes."""
        file = folder / MANDATES_FILE
        if folder not in self._mandates:
            self._mandates[folder] = self._content(file, Mandates)
        content = self._mandates[folder][1]
        if content is None:
            return None if self._files.exists(file) else ()
        return content.mandates

    def keys(self, folder: Path) -> KeyList:
        """Return the keys in the ``keys.yaml`` of a supplier's folder: none without that file, and
        as many as can be read where it has mistakes."""
        if folder not in self.key_lists:
            self.organisation_file(folder)
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
                return self.keys(supplier), self.organisation_file(supplier).organisation
            self._problems.append(problem_of_unknown_supplier(document, ("keys_of",), form.keys_of))
        return KeyList.of_form(document, folder, form), self.organisation_file(folder).organisation

    def is_organisation(self, name: str, neighbour: Path) -> bool:
        """Return whether the folder of this name beside ``neighbour``, the folder of another
        organisation, is an organisation's."""
        return is_name(name) and self._files.is_organisation(neighbour.parent / name)

    def _content(self, file: Path, model: type[M]) -> tuple[YamlDocument, M | None]:
        """Return a file as it was read, and as ``model``: None where it has mistakes, which are
        added to the problems, and where it is not there, which is no mistake."""
        if link := next(filter(self._files.is_link, (file, file.parent)), None):
            self._problems.append(Problem(shown(link), 1, 1, *refusal_of_link()))
        elif self._files.exists(file):
            document, content, mistakes = self._files.read(file, model)
            self._problems += mistakes
            return document, content
        return YamlDocument(shown(file)), None

    @property
    def organisations(self) -> dict[str, Organisation]:
        """By the name of their folder; those whose files have mistakes are left out."""
        return {folder.name: organisation for folder, _, organisation in self._sound_files()}

    def _sound_files(self) -> Iterator[tuple[Path, YamlDocument, Organisation]]:
        """Yield each ``organisation.yaml`` without a mistake: its folder, its document and its
        organisation."""
        for folder, file in self._organisation_files.items():
            if file.organisation:
                yield folder, file.document, file.organisation

    @property
    def mandates_by_folder(self) -> dict[str, tuple[Mandate, ...]]:
        """The mandates of each ``mandates.yaml`` without a mistake, by the name of its folder."""
        mandates: dict[str, tuple[Mandate, ...]] = {}
        for folder, (_, content) in self._mandates.items():
            if content:
                mandates[folder.name] = content.mandates
        return mandates

    def problems(self, catalogue: Catalogue | None) -> Iterator[Problem]:
        """Yield the mistakes that show only once all forms and folders are read: an organisation
        without the code that it needs, a mandate for a supplier without a folder, codes and names
        that two have, and under ``speaks_for`` what the catalogue lacks.

        ``catalogue`` None: nothing is checked by it.
        """
        pairs: list[tuple[YamlDocument, Organisation]] = []
        for folder, document, organisation in self._sound_files():
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
                    yield problem_of_unknown_supplier(
                        document, ("mandates", index, "supplier"), mandate.supplier
                    )
        yield from problems_of_organisations(pairs)
        yield from problems_of_former_codes(pairs)
        if catalogue is not None:
            yield from problems_of_speakers(pairs, catalogue)
