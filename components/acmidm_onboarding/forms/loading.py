"""Read the catalogue, the organisations and their forms, here alone; every mistake is reported at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from acmidm_onboarding.forms.abilities import problems_of_authorities
from acmidm_onboarding.forms.among import (
    Declared,
    problems_among,
    problems_of_adoptions,
    problems_of_former_codes,
    problems_of_organisations,
)
from acmidm_onboarding.forms.catalogue import Catalogue, Product, problems_of_fields
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.documents import Document, read_document
from acmidm_onboarding.forms.evidence_files import evidence_of
from acmidm_onboarding.forms.files import ORGANISATION_FILE, Files, absolute, is_link, misplaced, of_link, shown
from acmidm_onboarding.forms.form import Form
from acmidm_onboarding.forms.jwks_uri import problems_of_jwks_uri
from acmidm_onboarding.forms.key_files import KeyReader
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.forms.requirements import problems_of_form, problems_of_platforms
from acmidm_onboarding.forms.sound_parts import sound_parts
from acmidm_onboarding.forms.speaking import problems_of_speakers
from acmidm_onboarding.forms.validation import validated
from acmidm_onboarding.rules.policies import Profile
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.names import is_name
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import InvalidForms, Problem, quoted
from acmidm_onboarding.values.terms import Environment, Platform

_NO_POLICIES: Mapping[Environment, Profile] = {}
Served = Mapping[Environment, Mapping[Platform, Collection[str]]]
"""Per environment the platforms that have an authority there, each with the kinds of authority that its stacks have."""
_ALL_PLATFORMS: Served = {}


def load_catalogue(folder: Path) -> Catalogue:
    """Read the catalogue in ``folder``, one product per YAML file; once per process while its files stay the same.

    Raises:
        InvalidForms: with every mistake in it.
    """
    problems: list[Problem] = []
    files = Files().yaml_files(folder, problems)
    if problems:
        raise InvalidForms(problems)
    return _catalogue_of(tuple((file, shown(file), _version(file)) for file in files))


def _version(file: Path) -> object:
    try:
        status = file.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)


@lru_cache(maxsize=4)
def _catalogue_of(files: tuple[tuple[Path, Path, object], ...]) -> Catalogue:
    problems: list[Problem] = []
    products: dict[str, Product] = {}
    seen: dict[tuple[str, str], Path] = {}
    on_platforms: dict[tuple[Platform, str], str] = {}
    for file, shown_as, _ in files:
        document = read_document(file, shown_as)
        product, mistakes = validated(Product, document)
        problems += mistakes
        if product is None:
            continue
        problems += document.first(problems_of_fields(document, product))
        if product.product in products:
            problems.append(
                document.problem(
                    ("product",), say("forms.product_in_two_files", product=product.product), say("forms.twice.remedy")
                )
            )
        for scope, described in product.scopes.items():
            for platform, name in described.names_of(scope).items():
                other = on_platforms.setdefault((platform, name), scope)
                if other != scope:  # an authority grants and withdraws the two as one
                    problems.append(
                        document.problem(
                            ("scopes", scope, "names", platform.value),
                            say("forms.scope_name_twice", other=other, name=name, platform=platform),
                            say("forms.scope_name_twice.remedy"),
                        )
                    )
        problems += _in_two_files(product, document, seen)
        products[product.product] = product
    if problems:
        raise InvalidForms(problems)
    return Catalogue(products)


def _in_two_files(product: Product, document: Document, seen: dict[tuple[str, str], Path]) -> Iterator[Problem]:
    """Yield what an earlier file has too; ``seen`` has the file of each scope and attribute so far."""
    for kind, names in (("scope", product.scopes), ("attribute", product.attributes)):
        for name in names:
            first = seen.setdefault((kind, name), document.file)
            if first != document.file:
                yield document.problem(
                    (f"{kind}s", name),
                    say(f"forms.{kind}_in_two_files", name=name, file=first),
                    say("forms.twice.remedy"),
                    at_key=True,
                )


def load_onboardings(
    paths: Sequence[Path],
    catalogue_folder: Path,
    profiles: Mapping[Environment, Profile] = _NO_POLICIES,
    served: Served = _ALL_PLATFORMS,
    others: Iterable[Problem] = (),
    unwritten: Mapping[Path, str] | None = None,
) -> Onboardings:
    """Read forms, all of which have to be valid; see ``read_onboardings``.

    Raises:
        InvalidForms: with every mistake in all of them.
    """
    return read_onboardings(paths, catalogue_folder, profiles, served, others, unwritten).valid()


def read_onboardings(
    paths: Sequence[Path],
    catalogue_folder: Path,
    profiles: Mapping[Environment, Profile] = _NO_POLICIES,
    served: Served = _ALL_PLATFORMS,
    others: Iterable[Problem] = (),
    unwritten: Mapping[Path, str] | None = None,
) -> Onboardings:
    """Read the forms in ``paths`` against the catalogue: the folder of forms, folders of organisations in it, or single
    forms.

    A form with a mistake is left out, and stops no other. ``profiles`` has the profile by which policies check an
    environment; without one they do not. ``served`` has the platforms with an authority per environment; without an
    entry all count. ``others`` are mistakes found before. ``unwritten`` has texts that are read in place of files.
    """
    problems = list(others)
    try:
        catalogue = load_catalogue(catalogue_folder)
    except InvalidForms as error:
        # Forms are still read, so that their own mistakes show too, but not checked by the catalogue.
        problems += error.problems
        catalogue = None
    files = Files(unwritten)
    organisations = _Organisations(files, problems)
    reader = KeyReader(files, profiles)
    loaded: list[LoadedForm] = []
    read: list[tuple[Document, Form]] = []
    identified: list[Declared] = []
    form_files: list[Path] = []
    for file in _form_files(paths, files, organisations, problems):
        form_files.append(shown(file))
        document = read_document(file, shown(file), files.read_text)
        form, mistakes = validated(Form, document)
        problems += mistakes
        is_identified = form is not None
        if form is None:
            form, is_identified = sound_parts(document)
        owner = organisations.of(file.parent)
        if form is None:
            continue
        if catalogue is not None:
            problems += document.first(problems_of_form(document, form, catalogue, owner.document, owner.organisation))
        for environment, platforms in served.items():
            problems += document.first(problems_of_platforms(document, form, environment, platforms))
            problems += document.first(problems_of_authorities(document, form, environment, platforms))
        problems += document.first(problems_of_jwks_uri(document, form))
        keys, compromised, mistakes = reader.keys_of(file, document, form, owner.organisation)
        problems += document.first(mistakes)
        read.append((document, form))
        if owner.organisation is None:
            continue
        proven = evidence_of(file, form, owner.organisation, keys, compromised)
        loaded.append(
            LoadedForm(
                f"{file.parent.name}/{file.stem}", document.file, form, owner.organisation, keys, proven, compromised
            )
        )
        if is_identified and owner.organisation.code:
            identified.append(Declared(document, form, owner.document, owner.organisation))
    problems += problems_among(identified)
    problems += problems_of_adoptions(read)
    problems += reader.problems_of_shared_keys()
    problems += reader.problems_of_compromised_keys()
    problems += organisations.problems(catalogue)
    faulty = {file for problem in problems for file in (problem.file, problem.also)}
    needed = ((form, {form.file, form.file.with_name(ORGANISATION_FILE), *form.key_files}) for form in loaded)
    sound = tuple(form for form, own in needed if catalogue and faulty.isdisjoint(own))
    left_out = set(form_files) - {form.file for form in sound}
    return Onboardings(
        catalogue or Catalogue({}),
        sound,
        organisations.by_folder,
        tuple(sorted(set(problems))),
        tuple(sorted(left_out)),
    )


def load_organisations(folder: Path) -> Mapping[str, Organisation]:
    """Read each ``organisation.yaml`` in the folder of forms, and nothing else of it.

    Raises:
        InvalidForms: with every mistake in all of them.
    """
    problems: list[Problem] = []
    files = Files()
    organisations = _Organisations(files, problems)
    folder = absolute(folder)
    for file in files.yaml_files(folder, problems):
        if file.name != ORGANISATION_FILE:
            continue
        if wrong := misplaced(file, folder):
            problems.append(Problem(shown(file), 1, 1, *wrong))
        else:
            organisations.read(file.parent)
    problems += organisations.problems(None)
    if problems:
        raise InvalidForms(problems)
    return organisations.by_folder


def problems_of_codes(paths: Iterable[Path]) -> Iterator[Problem]:
    """Yield each code, name and earlier key that an organisation of ``paths`` shares with one in another folder."""
    folders = {path if path.is_dir() else path.parent for path in map(absolute, paths)}
    files, own = Files(), {folder for folder in folders if (folder / ORGANISATION_FILE).exists()}
    others = {file.parent for folder in own for file in folder.parent.glob(f"*/{ORGANISATION_FILE}")} - own
    organisations = _Organisations(files, [])
    read = map(organisations.read, (*sorted(others), *sorted(own)))
    pairs = [(owner.document, owner.organisation) for owner in read if owner.organisation]
    for problem in (*problems_of_organisations(pairs), *problems_of_former_codes(pairs)):
        if absolute(problem.file).parent in own:
            yield problem


@dataclass(frozen=True)
class _Owner:
    """An ``organisation.yaml`` as it was read; ``organisation`` is None where it has mistakes or is not there."""

    document: Document
    organisation: Organisation | None


class _Organisations:
    """Reads the ``organisation.yaml`` of each folder, once."""

    def __init__(self, files: Files, problems: list[Problem]) -> None:
        self._files = files
        self._problems = problems
        self._read: dict[Path, _Owner] = {}
        self._with_forms: set[Path] = set()

    def of(self, folder: Path) -> _Owner:
        """Return the organisation whose forms are in ``folder``."""
        self._with_forms.add(folder)
        return self.read(folder)

    def read(self, folder: Path) -> _Owner:
        if folder not in self._read:
            file = folder / ORGANISATION_FILE
            if is_link(file):
                document, organisation = Document(shown(file)), None
                self._problems.append(document.problem((), *of_link()))
            elif self._files.exists(file):
                document = read_document(file, shown(file), self._files.read_text)
                organisation, mistakes = validated(Organisation, document)
                self._problems += mistakes
            else:
                document, organisation = Document(shown(file)), None
                what = say("forms.no_organisation", file=ORGANISATION_FILE)
                self._problems.append(document.problem((), what, say("forms.no_organisation.remedy")))
            self._read[folder] = _Owner(document, organisation)
        return self._read[folder]

    @property
    def by_folder(self) -> dict[str, Organisation]:
        return {folder.name: owner.organisation for folder, owner in self._read.items() if owner.organisation}

    def problems(self, catalogue: Catalogue | None) -> Iterator[Problem]:
        """Yield the mistakes of the organisations that only show beside their forms, each other and the catalogue."""
        valid = [
            (folder, owner.document, owner.organisation) for folder, owner in self._read.items() if owner.organisation
        ]
        for folder, document, organisation in valid:
            if folder in self._with_forms and not organisation.code:
                yield document.problem((), say("forms.no_code"), say("forms.no_code.remedy"))
            for index, supplier in enumerate(organisation.suppliers):
                if not is_name(supplier) or not self._files.exists(folder.parent / supplier / ORGANISATION_FILE):
                    what = say("forms.unknown_supplier", supplier=quoted(supplier), file=ORGANISATION_FILE)
                    yield document.problem(("suppliers", index), what, say("forms.unknown_supplier.remedy"))
        pairs = [(document, organisation) for _, document, organisation in valid]
        yield from problems_of_organisations(pairs)
        yield from problems_of_former_codes(pairs)
        if catalogue is not None:
            yield from problems_of_speakers(pairs, catalogue)


def _form_files(
    paths: Iterable[Path], files: Files, organisations: _Organisations, problems: list[Problem]
) -> Iterator[Path]:
    """Yield each form once. Read the organisations on the way, also those of suppliers without forms."""
    seen: set[Path] = set()
    for path in map(absolute, paths):
        # A path that is no folder is read as a file, which reports why it cannot be read.
        if not files.exists(path):
            problems.append(Problem(shown(path), 1, 1, say("forms.nothing_there"), say("forms.nothing_there.remedy")))
            continue
        wanted = path.parent if path.name == ORGANISATION_FILE else path  # an organisation's mistakes show in its forms
        whole = files.is_folder(wanted)
        folder = wanted if whole else wanted.parent
        if link := next(filter(is_link, (path, wanted, folder)), None):
            problems.append(Problem(shown(link), 1, 1, *of_link()))
            continue
        forms = folder if whole and not files.exists(folder / ORGANISATION_FILE) else folder.parent
        for file in files.yaml_files(wanted, problems) if whole else [wanted]:
            if file in seen:
                continue
            seen.add(file)
            if wrong := misplaced(file, forms):
                problems.append(Problem(shown(file), 1, 1, *wrong))
            elif file.name == ORGANISATION_FILE:
                organisations.read(file.parent)
            else:
                yield file
