"""Read the catalogue, the organisations and their forms, here alone; every mistake is reported at
once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path

from acmidm_onboarding.forms.abilities import problems_of_authorities
from acmidm_onboarding.forms.afzenders import AfzenderReader
from acmidm_onboarding.forms.among import (
    Declared,
    problems_among,
    problems_of_adoptions,
    problems_of_former_codes,
    problems_of_organisations,
)
from acmidm_onboarding.forms.catalogue import Catalogue, Product
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.documents import Document, Unreadable, read_document
from acmidm_onboarding.forms.evidence_files import evidence_of
from acmidm_onboarding.forms.files import (
    ORGANISATION_FILE,
    Files,
    absolute,
    misplaced,
    of_link,
    shown,
)
from acmidm_onboarding.forms.folders import Folders
from acmidm_onboarding.forms.form import Form
from acmidm_onboarding.forms.jwks_uri import problems_of_jwks_uri
from acmidm_onboarding.forms.key_files import KeyReader, Keys
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.forms.product_fields import problems_of_fields
from acmidm_onboarding.forms.requirements import problems_of_form, problems_of_platforms
from acmidm_onboarding.forms.sound_parts import sound_parts
from acmidm_onboarding.forms.suppliers import problems_of_supplier, with_keys
from acmidm_onboarding.forms.validation import validated
from acmidm_onboarding.rules.policies import Profile
from acmidm_onboarding.texts import N_, tr, translated
from acmidm_onboarding.values.mandate import mandate_for
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import InvalidForms, Problem
from acmidm_onboarding.values.terms import Environment, Platform

MOST_PRODUCTS = 500
"""Files of a catalogue: of a revision they are few objects of Git, and each takes as long to check
as a form."""
_NO_POLICIES: Mapping[Environment, Profile] = {}
Served = Mapping[Environment, Mapping[Platform, Collection[str]]]
"""Per environment the platforms that have an authority there, each with the kinds of authority that
its stacks have."""
_ALL_PLATFORMS: Served = {}


def load_catalogue(folder: Path, files: Files | None = None) -> Catalogue:
    """Read the catalogue in ``folder``, one product per YAML file. Texts that this process has read
    before, in whatever folder, are checked no second time.

    Raises:
        InvalidForms: with every mistake in it.
    """
    problems: list[Problem] = []
    files = files or Files()
    found = files.yaml_files(folder, problems)
    if len(found) > MOST_PRODUCTS:
        what = tr("this catalogue has more than {most} files", most=MOST_PRODUCTS)
        problems.append(Problem(shown(folder), 1, 1, what, tr("keep one per product")))
    if problems:
        raise InvalidForms(problems)
    return _catalogue_of(tuple((shown(file), _text(file, files)) for file in found))


def _text(file: Path, files: Files) -> str | Unreadable:
    try:
        return files.read_text(file)
    except Unreadable as error:
        return error


@lru_cache(maxsize=4)
def _catalogue_of(texts: tuple[tuple[Path, str | Unreadable], ...]) -> Catalogue:
    problems: list[Problem] = []
    products: dict[str, Product] = {}
    seen: dict[tuple[str, str], Path] = {}
    on_platforms: dict[tuple[Platform, str], str] = {}
    for file, text in texts:
        document = read_document(file, file, partial(_given, text))
        product, mistakes = validated(Product, document)
        problems += mistakes
        if product is None:
            continue
        problems += document.first(problems_of_fields(document, product))
        if product.product in products:
            problems.append(
                document.problem(
                    ("product",),
                    tr('product "{product}" is in another file too', product=product.product),
                    tr("keep one of the two"),
                )
            )
        for scope, described in product.scopes.items():
            for platform, name in described.names_of(scope).items():
                other = on_platforms.setdefault((platform, name), scope)
                if other != scope:  # an authority grants and withdraws the two as one
                    problems.append(
                        document.problem(
                            ("scopes", scope, "names", platform.value),
                            tr(
                                'scope "{other}" is called "{name}" on {platform} too',
                                other=other,
                                name=name,
                                platform=platform,
                            ),
                            tr("give each scope a name of its own"),
                        )
                    )
        problems += _in_two_files(product, document, seen)
        products[product.product] = product
    if problems:
        raise InvalidForms(problems)
    return Catalogue(products)


def _given(text: str | Unreadable, _: Path) -> str:
    if isinstance(text, Unreadable):
        raise text
    return text


_IN_TWO_FILES = {
    "scope": N_('scope "{name}" is in {file} too'),
    "attribute": N_('attribute "{name}" is in {file} too'),
}


def _in_two_files(
    product: Product, document: Document, seen: dict[tuple[str, str], Path]
) -> Iterator[Problem]:
    """Yield what an earlier file has too; ``seen`` has the file of each scope and attribute so
    far."""
    for kind, names in (("scope", product.scopes), ("attribute", product.attributes)):
        for name in names:
            first = seen.setdefault((kind, name), document.file)
            if first != document.file:
                yield document.problem(
                    (f"{kind}s", name),
                    translated(_IN_TWO_FILES[kind], name=name, file=first),
                    tr("keep one of the two"),
                    at_key=True,
                )


def read_onboardings(
    paths: Sequence[Path],
    catalogue_folder: Path,
    profiles: Mapping[Environment, Profile] = _NO_POLICIES,
    served: Served = _ALL_PLATFORMS,
    others: Iterable[Problem] = (),
    files: Files | None = None,
) -> Onboardings:
    """Read the forms in ``paths`` against the catalogue: the folder of forms, folders of
    organisations in it, or single forms.

    A form with a mistake is left out, and stops no other. ``profiles`` has the profile by which
    policies check an environment; without one they do not. ``served`` has the platforms with an
    authority per environment; without an entry all count. ``others`` are mistakes found before.
    ``files`` are those on the disk where they are not given.
    """
    problems, files = list(others), files or Files()
    try:
        is_here = files.is_folder(absolute(catalogue_folder))
        catalogue = load_catalogue(catalogue_folder, files if is_here else None)
    except InvalidForms as error:
        # Forms are still read, so that their own mistakes show too, but not checked by the
        # catalogue.
        problems += error.problems
        catalogue = None
    folders = Folders(files, problems)
    reader, afzender_reader = KeyReader(files, profiles), AfzenderReader(folders, catalogue)
    loaded: list[LoadedForm] = []
    read: list[tuple[Document, Form]] = []
    identified: list[Declared] = []
    form_files: list[Path] = []
    for file in _form_files(paths, files, folders, problems):
        form_files.append(shown(file))
        document, form, mistakes = files.read(file, Form)
        problems += mistakes
        is_identified = form is not None
        if form is None:
            form, is_identified = files.findings.of(
                partial(sound_parts, document), sound_parts, document
            )
        owner = folders.of(file.parent)
        if form is None:
            continue
        subjects = (document, form, catalogue, owner.document, owner.organisation)
        check = partial(_problems_of_form, *subjects)
        problems += files.findings.of(check, _problems_of_form, *subjects)
        for environment, platforms in served.items():
            problems += document.first(
                problems_of_platforms(document, form, environment, platforms)
            )
            problems += document.first(
                problems_of_authorities(document, form, environment, platforms)
            )
        listed, listing = folders.key_list(document, form, file.parent)
        mandates = folders.mandates(file.parent) if form.keys_of else ()
        problems += document.first(problems_of_supplier(document, form, listed))
        afzenders, mistakes = afzender_reader.of(document, form, file.parent)
        problems += document.first(mistakes)
        keys, compromised, mistakes = reader.keys_of(listed, document, form, listing)
        problems += document.first(mistakes)
        read.append((document, form))
        if owner.organisation is None:
            continue
        form = form if listed.is_form else with_keys(form, listed)
        proven = evidence_of(files, file, form, owner.organisation, keys, compromised)
        mandate = mandate_for(mandates or (), form.keys_of or "", form.application)
        name = f"{file.parent.name}/{file.stem}"
        own = (
            document.file,
            form,
            owner.organisation,
            keys,
            proven,
            compromised,
            mandate,
            afzenders,
        )
        loaded.append(LoadedForm(name, *own))
        if is_identified and owner.organisation.code:
            identified.append(Declared(document, form, owner.document, owner.organisation))
    problems += problems_among(identified)
    problems += problems_of_adoptions(read)
    suppliers: dict[str, Keys] = {}
    for folder, listed in folders.key_lists.items():
        of_supplier = reader.read(listed, folders.owner(folder).organisation)
        problems += of_supplier.problems
        suppliers[folder.name] = {
            name: tuple(filter(None, keys)) for name, keys in of_supplier.keys.items()
        }
    problems += reader.problems_of_shared_keys()
    problems += reader.problems_of_compromised_keys()
    problems += folders.problems(catalogue)
    faulty = {file for problem in problems for file in problem.wrong_files}
    sound = tuple(form for form in loaded if catalogue and faulty.isdisjoint(form.files))
    left_out = set(form_files) - {form.file for form in sound}
    return Onboardings(
        catalogue or Catalogue({}),
        sound,
        folders.organisations,
        folders.mandates_by_folder,
        suppliers,
        tuple(sorted(set(problems))),
        tuple(sorted(left_out)),
        reader.compromised,
        files.findings,
    )


def _problems_of_form(
    document: Document,
    form: Form,
    catalogue: Catalogue | None,
    owner: Document,
    organisation: Organisation | None,
) -> list[Problem]:
    """Return what is wrong with a form by itself, and beside its organisation and the catalogue."""
    problems = list(document.first(problems_of_jwks_uri(document, form)))
    if catalogue is not None:
        of_form = problems_of_form(document, form, catalogue, owner, organisation)
        problems += document.first(of_form)
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
        if wrong := misplaced(file, folder):
            problems.append(Problem(shown(file), 1, 1, *wrong))
        else:
            folders.owner(file.parent)
    problems += folders.problems(None)
    if problems:
        raise InvalidForms(problems)
    return folders.organisations


def problems_of_codes(paths: Iterable[Path], files: Files) -> Iterator[Problem]:
    """Yield each code, name and earlier key that an organisation of ``paths`` shares with one in
    another folder."""
    named = {path if files.is_folder(path) else path.parent for path in map(absolute, paths)}
    own = {folder for folder in named if files.exists(folder / ORGANISATION_FILE)}
    others: set[Path] = set()
    for forms in {folder.parent for folder in own}:
        inside = files.inside(forms)
        others |= {folder for folder in inside if files.exists(folder / ORGANISATION_FILE)} - own
    read = map(Folders(files, []).owner, (*sorted(others), *sorted(own)))
    pairs = [(owner.document, owner.organisation) for owner in read if owner.organisation]
    for problem in (*problems_of_organisations(pairs), *problems_of_former_codes(pairs)):
        if absolute(problem.file).parent in own:
            yield problem


def _form_files(
    paths: Iterable[Path], files: Files, folders: Folders, problems: list[Problem]
) -> Iterator[Path]:
    """Yield each form once. Read what else a folder has on the way, also those of suppliers without
    forms."""
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
        # An organisation's mistakes show in its forms.
        wanted = path.parent if path.name == ORGANISATION_FILE else path
        whole = files.is_folder(wanted)
        folder = wanted if whole else wanted.parent
        if link := next(filter(files.is_link, (path, wanted, folder)), None):
            problems.append(Problem(shown(link), 1, 1, *of_link()))
            continue
        forms = folder if whole and not files.exists(folder / ORGANISATION_FILE) else folder.parent
        for file in files.yaml_files(wanted, problems) if whole else [wanted]:
            if file in seen:
                continue
            seen.add(file)
            if wrong := misplaced(file, forms):
                problems.append(Problem(shown(file), 1, 1, *wrong))
            elif not folders.read(file):
                yield file
