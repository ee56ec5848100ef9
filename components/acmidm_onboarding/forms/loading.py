"""Read the organisations and their forms, here alone; every mistake is reported at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from acmidm_onboarding.forms.abilities import problems_of_authorities, problems_of_platforms
from acmidm_onboarding.forms.afzenders import AfzenderReader
from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.documents import YamlDocument
from acmidm_onboarding.forms.evidence_files import evidence_of
from acmidm_onboarding.forms.files import (
    ORGANISATION_FILE,
    Files,
    absolute,
    refusal_of_link,
    refusal_of_place,
    shown,
)
from acmidm_onboarding.forms.folders import Folders
from acmidm_onboarding.forms.form import Form
from acmidm_onboarding.forms.key_files import KeyReader, Keys
from acmidm_onboarding.forms.onboardings import Onboardings, faulty_files
from acmidm_onboarding.forms.requirements import problems_of_form, problems_of_jwks_uri
from acmidm_onboarding.forms.several_forms import (
    DeclaredForm,
    problems_of_adoptions,
    problems_of_connection_keys,
    problems_of_former_codes,
    problems_of_organisations,
)
from acmidm_onboarding.forms.sound_parts import sound_parts
from acmidm_onboarding.forms.suppliers import problems_of_supplier, with_keys
from acmidm_onboarding.rules.policies import Profile
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.mandate import mandate_for
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import InvalidForms, Problem
from acmidm_onboarding.values.terms import Environment, Platform

_NO_POLICIES: Mapping[Environment, Profile] = {}
Served = Mapping[Environment, Mapping[Platform, Collection[str]]]
"""Per environment the platforms that have an authority there, each with the kinds of authority that
its stacks have."""
_ALL_PLATFORMS: Served = {}


def read_onboardings(
    paths: Sequence[Path],
    catalogue_folder: Path,
    profiles: Mapping[Environment, Profile] = _NO_POLICIES,
    served: Served = _ALL_PLATFORMS,
    earlier: Iterable[Problem] = (),
    files: Files | None = None,
) -> Onboardings:
    """Return the forms in ``paths`` that have no mistake by the catalogue, and all mistakes: a form
    with one is left out, and stops no other.

    ``paths`` are the folder of forms, folders of organisations in it, or single forms.
    ``profiles`` has the profile by which policies check an environment; without one they do not.
    ``served`` has the platforms with an authority per environment; without an entry all count.
    ``earlier`` are mistakes found before. ``files`` are those on the disk where they are not given.
    """
    reading = _Reading(catalogue_folder, profiles, served, list(earlier), files or Files())
    reading.read_forms(paths)
    reading.check_together()
    return reading.onboardings()


class _Reading:
    """One reading of forms: what was read of them, and each mistake in them so far."""

    def __init__(
        self,
        catalogue_folder: Path,
        profiles: Mapping[Environment, Profile],
        served: Served,
        problems: list[Problem],
        files: Files,
    ) -> None:
        self._files = files
        self._served = served
        self._problems = problems
        self._catalogue = self._read_catalogue(catalogue_folder)
        self._folders = Folders(files, problems)
        self._keys = KeyReader(files, profiles)
        self._afzenders = AfzenderReader(self._folders, self._catalogue)
        self._form_files: list[Path] = []
        self._documents: list[tuple[YamlDocument, Form]] = []
        self._loaded: list[LoadedForm] = []
        self._identified: list[DeclaredForm] = []
        """The forms whose key is known, for the rules about several forms."""
        self._suppliers: dict[str, Keys] = {}

    def _read_catalogue(self, folder: Path) -> Catalogue | None:
        """Return the catalogue; None where it has mistakes, which become those of this reading.
        Forms are then still read, so that their own mistakes show too, but not checked by it.

        A folder that the files of this reading lack is read on the disk.
        """
        files = self._files if self._files.is_folder(absolute(folder)) else None
        try:
            return load_catalogue(folder, files)
        except InvalidForms as error:
            self._problems += error.problems
            return None

    def read_forms(self, paths: Sequence[Path]) -> None:
        """Read each form in these folders and files, and note its mistakes."""
        for file in _form_files(paths, self._files, self._folders, self._problems):
            self._form_files.append(shown(file))
            self._read_form(file)

    def _read_form(self, file: Path) -> None:
        """Read a form, or of one with mistakes the sound parts, and note what is wrong with it.
        Keep it for the rules about several forms, and for ``onboardings``."""
        document, form, mistakes = self._files.read(file, Form)
        self._problems += mistakes
        is_identified = form is not None
        if form is None:
            form, is_identified = self._files.findings.of(
                partial(sound_parts, document), sound_parts, document
            )
        organisation_file = self._folders.organisation_file_with_code(file.parent)
        if form is None:
            return
        self._documents.append((document, form))
        self._check_form(document, form, organisation_file.organisation)
        loaded = self._load(file, document, form, organisation_file.organisation)
        if loaded is None:
            return
        self._loaded.append(loaded)
        if is_identified and loaded.organisation.code:
            self._identified.append(
                DeclaredForm(document, loaded.form, organisation_file.document, loaded.organisation)
            )

    def _check_form(
        self, document: YamlDocument, form: Form, organisation: Organisation | None
    ) -> None:
        """Note what is wrong with a form by itself, its organisation, the catalogue and the
        authorities of its platforms."""
        subjects = (document, form, self._catalogue, organisation)
        check = partial(_problems_of_form, *subjects)
        self._problems += self._files.findings.of(check, _problems_of_form, *subjects)
        for environment, platforms in self._served.items():
            without_authority = problems_of_platforms(document, form, environment, platforms)
            self._problems += document.first_problems(without_authority)
            unmet = problems_of_authorities(document, form, environment, platforms)
            self._problems += document.first_problems(unmet)

    def _load(
        self, file: Path, document: YamlDocument, form: Form, organisation: Organisation | None
    ) -> LoadedForm | None:
        """Return a form with its keys, its mandate, the organisations that it sends for and its
        evidence, and note what is wrong with these; None where its organisation has mistakes."""
        key_list, keys_owner = self._folders.key_list(document, form, file.parent)
        mandates = self._folders.mandates(file.parent) if form.keys_of else ()
        self._problems += document.first_problems(problems_of_supplier(document, form, key_list))
        afzenders, mistakes = self._afzenders.read(document, form, file.parent)
        self._problems += document.first_problems(mistakes)
        keys, compromised, mistakes = self._keys.keys_of(key_list, document, form, keys_owner)
        self._problems += document.first_problems(mistakes)
        if organisation is None:
            return None
        if not key_list.is_form:
            form = with_keys(form, key_list)
        return LoadedForm(
            name=f"{file.parent.name}/{file.stem}",
            file=document.file,
            form=form,
            organisation=organisation,
            keys=keys,
            evidence=evidence_of(self._files, file, form, organisation, keys, compromised),
            compromised=compromised,
            mandate=mandate_for(mandates or (), form.keys_of or "", form.application),
            afzenders=afzenders,
        )

    def check_together(self) -> None:
        """Note what is wrong with several forms, organisations and suppliers' keys together, and
        read for that the keys that suppliers have for others."""
        self._problems += problems_of_connection_keys(self._identified)
        self._problems += problems_of_adoptions(self._documents)
        self._suppliers = self._keys_of_suppliers()
        self._problems += self._keys.problems_of_shared_keys()
        self._problems += self._keys.problems_of_compromised_keys()
        self._problems += self._folders.problems(self._catalogue)

    def _keys_of_suppliers(self) -> dict[str, Keys]:
        """Return per folder of a supplier the keys in its ``keys.yaml`` that have no mistake, and
        note the mistakes of the others."""
        suppliers: dict[str, Keys] = {}
        for folder, key_list in self._folders.key_lists.items():
            read = self._keys.read(key_list, self._folders.organisation_file(folder).organisation)
            self._problems += read.problems
            suppliers[folder.name] = read.sound
        return suppliers

    def onboardings(self) -> Onboardings:
        """Return the forms that no mistake is about, and the mistakes."""
        faulty = faulty_files(self._problems)
        read = self._loaded if self._catalogue else []
        sound = [form for form in read if faulty.isdisjoint(form.files)]
        left_out = set(self._form_files) - {form.file for form in sound}
        return Onboardings(
            catalogue=self._catalogue or Catalogue({}),
            forms=tuple(sound),
            organisations=self._folders.organisations,
            mandates=self._folders.mandates_by_folder,
            suppliers=self._suppliers,
            problems=tuple(sorted(set(self._problems))),
            left_out=tuple(sorted(left_out)),
            compromised=self._keys.compromised,
            findings=self._files.findings,
        )


def _problems_of_form(
    document: YamlDocument,
    form: Form,
    catalogue: Catalogue | None,
    organisation: Organisation | None,
) -> list[Problem]:
    """Return what is wrong with a form by itself and by its organisation, which is None where that
    has mistakes. Without a catalogue (None) only the addresses of its keys are checked."""
    problems = list(document.first_problems(problems_of_jwks_uri(document, form)))
    if catalogue is not None:
        of_form = problems_of_form(document, form, catalogue, organisation)
        problems += document.first_problems(of_form)
    return problems


def load_organisations(folder: Path, files: Files | None = None) -> Mapping[str, Organisation]:
    """Read each ``organisation.yaml`` in the folder of forms, and nothing else of it.

    Raises:
        InvalidForms: with every mistake in all of them.
    """
    problems: list[Problem] = []
    files = files or Files()
    folders = Folders(files, problems)
    folder = absolute(folder)
    for file in files.yaml_files(folder, problems):
        if file.name != ORGANISATION_FILE:
            continue
        if wrong := refusal_of_place(file, folder):
            problems.append(Problem(shown(file), 1, 1, *wrong))
        else:
            folders.organisation_file(file.parent)
    problems += folders.problems(None)
    if problems:
        raise InvalidForms(problems)
    return folders.organisations


def problems_of_codes(paths: Iterable[Path], files: Files) -> Iterator[Problem]:
    """Yield each code, name and earlier key that the organisation of one of ``paths``, folders or
    files in them, shares with another one of the same folder of forms."""
    named = set(map(files.folder_of, map(absolute, paths)))
    folders = set(filter(files.is_organisation, named))
    neighbours: set[Path] = set()
    for forms in {folder.parent for folder in folders}:
        neighbours.update(filter(files.is_organisation, files.inside(forms)))
    in_order = (*sorted(neighbours - folders), *sorted(folders))
    read = map(Folders(files, []).organisation_file, in_order)
    pairs = [(file.document, file.organisation) for file in read if file.organisation]
    for problem in (*problems_of_organisations(pairs), *problems_of_former_codes(pairs)):
        if absolute(problem.file).parent in folders:
            yield problem


def _form_files(
    paths: Iterable[Path], files: Files, folders: Folders, problems: list[Problem]
) -> Iterator[Path]:
    """Yield the file of each form in ``paths`` once. On the way ``folders`` reads the other YAML
    files, also of a supplier without forms; what is missing or misplaced is added to
    ``problems``."""
    seen: set[Path] = set()
    for path in map(absolute, paths):
        # A path that is no folder is read as a file, which reports why it cannot be read.
        if not files.exists(path):
            problems.append(
                Problem(
                    shown(path),
                    1,
                    1,
                    tr("there is no file or folder of this name"),
                    tr("name an existing one"),
                )
            )
            continue
        # An organisation is read with its whole folder, for its mistakes show in its forms.
        wanted = path.parent if path.name == ORGANISATION_FILE else path
        folder = files.folder_of(wanted)
        if link := next(filter(files.is_link, (path, wanted, folder)), None):
            problems.append(Problem(shown(link), 1, 1, *refusal_of_link()))
            continue
        forms, found = folder.parent, [wanted]
        if wanted == folder:
            found = files.yaml_files(folder, problems)
            if not files.is_organisation(folder):
                forms = folder
        for file in found:
            if file in seen:
                continue
            seen.add(file)
            if wrong := refusal_of_place(file, forms):
                problems.append(Problem(shown(file), 1, 1, *wrong))
            elif not folders.read_file_beside_forms(file):
                yield file
