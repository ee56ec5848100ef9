"""Read the catalogue, the organisations and their forms. The only place that does; every mistake is reported at once."""

from __future__ import annotations

import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from acmidm_onboarding.model.catalogue import Catalogue, Product
from acmidm_onboarding.model.connection import Connection, connections
from acmidm_onboarding.model.documents import Document, Unreadable, read_document, read_text
from acmidm_onboarding.model.form import Environment, Form, Organisation, Platform, is_name
from acmidm_onboarding.model.identifiers import SHARED_KBO_NUMBER
from acmidm_onboarding.model.jwk import InvalidJwk, PublicJwk, parse_jwk
from acmidm_onboarding.model.policies import Profile
from acmidm_onboarding.model.problems import DocumentPath, InvalidForms, Problem, quoted
from acmidm_onboarding.model.rules import (
    Declared,
    problems_among,
    problems_of_adoptions,
    problems_of_form,
    problems_of_former_codes,
    problems_of_keys,
    problems_of_organisations,
    problems_of_platforms,
    problems_of_policies,
    problems_of_speakers,
)
from acmidm_onboarding.model.salvage import salvaged
from acmidm_onboarding.model.validation import split_sentence, validated

ORGANISATION_FILE = "organisation.yaml"
_LONGEST_NAME = 200
_KEY_FILE = re.compile(r"(?:\.\./(?P<supplier>[a-z0-9-]+)/)?[A-Za-z0-9][A-Za-z0-9._-]*\.jwk\.json", re.ASCII)
"""A key is in a file beside the form, or in a supplier's folder."""
_LINK = ("this is a link, which is not followed", "put the file or folder itself here, or remove the link")
_NAMING = "use lower case letters, digits and single hyphens, 64 at most"
_EXPORT_AGAIN = "export the public key again as a JSON Web Key"

Keys = Mapping[Environment, tuple[PublicJwk, ...]]

_NO_POLICIES: Mapping[Environment, Profile] = {}
_ALL_PLATFORMS: Mapping[Environment, Collection[Platform]] = {}


@dataclass(frozen=True)
class LoadedForm:
    """A valid form. ``name`` is where it is in the folder of forms, such as ``stad-gent/mijn-gent``."""

    name: str
    file: Path
    form: Form
    organisation: Organisation
    keys: Keys


@dataclass(frozen=True)
class Onboardings:
    """All forms, valid against the catalogue."""

    catalogue: Catalogue
    forms: tuple[LoadedForm, ...]
    organisations: Mapping[str, Organisation] = field(default_factory=dict)
    """Per folder, also those of suppliers without forms."""

    def connections(self, environment: Environment) -> list[Connection]:
        times = Counter(organisation.kbo for organisation in self.organisations.values() if organisation.kbo)
        shared = frozenset({SHARED_KBO_NUMBER, *(kbo for kbo, number in times.items() if number > 1)})
        return [
            connection
            for loaded in self.forms
            for connection in connections(loaded.name, loaded.organisation, loaded.form, loaded.keys, environment, self.catalogue, shared)
        ]


def load_catalogue(folder: Path) -> Catalogue:
    """Read the catalogue in ``folder``, one product per YAML file; once per process while its files stay the same.

    Raises:
        InvalidForms: with every mistake in it.
    """
    problems: list[Problem] = []
    files = _yaml_files(_absolute(folder), problems)
    if problems:
        raise InvalidForms(problems)
    return _catalogue_of(Path.cwd(), tuple((file, _version(file)) for file in files))


def _version(file: Path) -> object:
    try:
        found = file.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)


@lru_cache(maxsize=4)
def _catalogue_of(_shown_from: Path, files: tuple[tuple[Path, object], ...]) -> Catalogue:
    problems: list[Problem] = []
    products: dict[str, Product] = {}
    scopes: dict[str, Path] = {}
    on_platforms: dict[tuple[Platform, str], str] = {}
    for file, _ in files:
        document = read_document(file, _shown(file))
        product, found = validated(Product, document)
        problems += found
        if product is None:
            continue
        if product.product in products:
            problems.append(document.problem(("product",), f'product "{product.product}" is in another file too', "keep one of the two"))
        for scope, described in product.scopes.items():
            for platform, name in described.names_of(scope).items():
                other = on_platforms.setdefault((platform, name), scope)
                if other != scope:  # granted and withdrawn as one, whichever of the two a form has
                    problems.append(
                        document.problem(
                            ("scopes", scope, "names", platform.value),
                            f'scope "{other}" is called "{name}" on {platform} too',
                            "give each scope a name of its own",
                        )
                    )
            if scope in scopes:
                problems.append(
                    document.problem(("scopes", scope), f'scope "{scope}" is in {scopes[scope]} too', "keep one of the two", at_key=True)
                )
            scopes.setdefault(scope, document.file)
        products[product.product] = product
    if problems:
        raise InvalidForms(problems)
    return Catalogue(products)


def load_onboardings(
    paths: Sequence[Path],
    catalogue_folder: Path,
    profiles: Mapping[Environment, Profile] = _NO_POLICIES,
    served: Mapping[Environment, Collection[Platform]] = _ALL_PLATFORMS,
) -> Onboardings:
    """Read the forms in ``paths`` against the catalogue: the folder of forms, folders of organisations in it, or single forms.

    ``profiles`` gives the profile by which the policies check each environment, those it does not name left out; ``served`` the
    platforms that have an authority, all of them in an environment that it does not name.

    Raises:
        InvalidForms: with every mistake in all of them.
    """
    problems: list[Problem] = []
    try:
        catalogue = load_catalogue(catalogue_folder)
    except InvalidForms as error:
        # Forms are still read, so that their own mistakes show too, but not checked by the catalogue.
        problems += error.problems
        catalogue = None
    organisations = _Organisations(problems)
    reader = _KeyReader(profiles)
    loaded: list[LoadedForm] = []
    read: list[tuple[Document, Form]] = []
    identified: list[Declared] = []
    for file in _form_files(paths, organisations, problems):
        document = read_document(file, _shown(file))
        form, found = validated(Form, document)
        problems += found
        is_identified = form is not None
        if form is None:
            form, is_identified = salvaged(document)
        owner = organisations.of(file.parent)
        if form is None:
            continue
        if catalogue is not None:
            problems += document.first(problems_of_form(document, form, catalogue, owner.document, owner.organisation))
        for environment, platforms in served.items():
            problems += document.first(problems_of_platforms(document, form, environment, platforms))
        keys, found = reader.keys_of(file, document, form, owner.organisation)
        problems += document.first(found)
        read.append((document, form))
        if owner.organisation is None:
            continue
        loaded.append(LoadedForm(f"{file.parent.name}/{file.stem}", document.file, form, owner.organisation, keys))
        if is_identified and owner.organisation.code:
            identified.append(Declared(document, form, owner.document, owner.organisation))
    problems += problems_among(identified)
    problems += problems_of_adoptions(read)
    problems += reader.problems_of_shared_keys()
    problems += organisations.problems(catalogue)
    if problems or catalogue is None:
        raise InvalidForms(problems)
    return Onboardings(catalogue, tuple(loaded), organisations.by_folder)


def load_organisations(folder: Path) -> Mapping[str, Organisation]:
    """Read each ``organisation.yaml`` in the folder of forms, and nothing else of it.

    Raises:
        InvalidForms: with every mistake in all of them.
    """
    problems: list[Problem] = []
    organisations = _Organisations(problems)
    folder = _absolute(folder)
    for file in _yaml_files(folder, problems):
        if file.name != ORGANISATION_FILE:
            continue
        if misplaced := _misplaced(file, folder):
            problems.append(Problem(_shown(file), 1, 1, *misplaced))
        else:
            organisations.read(file.parent)
    problems += organisations.problems(None)
    if problems:
        raise InvalidForms(problems)
    return organisations.by_folder


@dataclass(frozen=True)
class _Owner:
    """An ``organisation.yaml`` as it was read; ``organisation`` is None where it has mistakes or is not there."""

    document: Document
    organisation: Organisation | None


class _Organisations:
    """Reads the ``organisation.yaml`` of each folder, once."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems
        self._read: dict[Path, _Owner] = {}
        self._with_forms: set[Path] = set()

    def of(self, folder: Path) -> _Owner:
        """The organisation whose forms are in ``folder``."""
        self._with_forms.add(folder)
        return self.read(folder)

    def read(self, folder: Path) -> _Owner:
        if folder not in self._read:
            file = folder / ORGANISATION_FILE
            if _is_link(file):
                document, organisation = Document(_shown(file)), None
                self._problems.append(document.problem((), *_LINK))
            elif os.path.lexists(file):
                document = read_document(file, _shown(file))
                organisation, found = validated(Organisation, document)
                self._problems += found
            else:
                document, organisation = Document(_shown(file)), None
                what = f"there is no {ORGANISATION_FILE}, which names the organisation of these forms"
                self._problems.append(document.problem((), what, "add it, with name and ovo or kbo"))
            self._read[folder] = _Owner(document, organisation)
        return self._read[folder]

    @property
    def by_folder(self) -> dict[str, Organisation]:
        return {folder.name: owner.organisation for folder, owner in self._read.items() if owner.organisation}

    def problems(self, catalogue: Catalogue | None) -> Iterator[Problem]:
        """Yield the mistakes of the organisations that only show beside their forms, each other and the catalogue."""
        valid = [(folder, owner.document, owner.organisation) for folder, owner in self._read.items() if owner.organisation]
        for folder, document, organisation in valid:
            if folder in self._with_forms and not organisation.code:
                yield document.problem((), "organisation has neither ovo nor kbo", "give at least one: the forms beside it are named by it")
            for index, supplier in enumerate(organisation.suppliers):
                if not is_name(supplier) or not os.path.lexists(folder.parent / supplier / ORGANISATION_FILE):
                    what = f"supplier {quoted(supplier)} has no folder with an {ORGANISATION_FILE}"
                    yield document.problem(("suppliers", index), what, "name a folder beside this one")
        known = [(document, organisation) for _, document, organisation in valid]
        yield from problems_of_organisations(known)
        yield from problems_of_former_codes(known)
        if catalogue is not None:
            yield from problems_of_speakers(known, catalogue)


@dataclass(frozen=True)
class _Use:
    """Where a form names a key."""

    document: Document
    path: DocumentPath
    folder: str
    organisation: Organisation

    @property
    def groups(self) -> frozenset[str]:
        """The folders whose keys its organisation may use: two organisations may have a key in common that comes from one of them."""
        return frozenset({self.folder, *self.organisation.suppliers})


class _KeyReader:
    """Reads key files, each once however many forms name it: a supplier has one key for many customers."""

    def __init__(self, profiles: Mapping[Environment, Profile]) -> None:
        self._profiles = profiles
        self._read: dict[Path, PublicJwk | list[Problem]] = {}
        self._uses: dict[str, list[_Use]] = defaultdict(list)
        """Per thumbprint (RFC 7638), one for each organisation."""

    def keys_of(self, file: Path, document: Document, form: Form, organisation: Organisation | None) -> tuple[Keys, list[Problem]]:
        problems: list[Problem] = []
        keys: dict[Environment, tuple[PublicJwk, ...]] = {}
        for environment, request in form.environments.items():
            found: list[PublicJwk | None] = []
            for index, name in enumerate(request.jwks or ()):
                path = ("environments", environment.value, "jwks", index)
                key = self._key(file.parent, document, path, name, organisation)
                found.append(key if isinstance(key, PublicJwk) else None)
                if not isinstance(key, PublicJwk):
                    problems += key
                elif organisation is not None:
                    self._note(key, _Use(document, path, file.parent.name, organisation))
            problems += problems_of_keys(document, environment, found)
            if environment in self._profiles:
                problems += problems_of_policies(document, form, environment, found, self._profiles[environment])
            keys[environment] = tuple(key for key in found if key)
        return keys, problems

    def _note(self, key: PublicJwk, use: _Use) -> None:
        # Forms are read folder by folder.
        uses = self._uses[key.thumbprint]
        if not uses or uses[-1].folder != use.folder:
            uses.append(use)

    def problems_of_shared_keys(self) -> Iterator[Problem]:
        """Yield each key that is that of two organisations without a supplier in common."""
        for uses in self._uses.values():
            if frozenset.intersection(*(use.groups for use in uses)):
                continue
            for index, use in enumerate(uses):
                first = next((one for one in uses[:index] if not one.groups & use.groups), None)
                if first is not None:
                    what = f"{use.organisation.name} has the same key as {first.organisation.name} in {first.document.file}"
                    remedy = f"give each a key of its own, or have the supplier that both share added in {ORGANISATION_FILE}"
                    yield use.document.problem(use.path, what, remedy, also=first.document.file)

    def _key(
        self, folder: Path, document: Document, path: DocumentPath, name: str, organisation: Organisation | None
    ) -> PublicJwk | list[Problem]:
        wanted = _KEY_FILE.fullmatch(name)
        if wanted is None or len(name) > _LONGEST_NAME:
            # It may be a key that was pasted in: it is not repeated.
            return [
                document.problem(
                    path, "this is not the name of a key file", "put the public key in a file beside the form, named *.jwk.json"
                )
            ]
        supplier = wanted["supplier"]
        if supplier and organisation is not None and supplier not in organisation.suppliers:
            what = f'key file "{name}" is neither beside the form nor in the folder of a supplier of its organisation'
            return [document.problem(path, what, f"keep the key beside the form, or have the supplier added in {ORGANISATION_FILE}")]
        file = Path(os.path.normpath(folder / name))
        if link := next((one for one in (file, file.parent) if _is_link(one)), None):
            return [Problem(_shown(link), 1, 1, *_LINK)]
        if file not in self._read:
            try:
                self._read[file] = _read_key(file)
            except Unreadable as error:
                return [document.problem(path, f'key file "{name}" {error.what}', error.remedy)]
        return self._read[file]


def _read_key(file: Path) -> PublicJwk | list[Problem]:
    text = read_text(file)
    try:
        return parse_jwk(text)
    except InvalidJwk as error:
        return [
            Problem(_shown(file), *_place_of(reason.member, text), *split_sentence(f"the key {reason.sentence}"))
            for reason in error.reasons
        ]
    except json.JSONDecodeError as error:
        return [Problem(_shown(file), error.lineno, error.colno, "this is not JSON", _EXPORT_AGAIN)]
    except (ValueError, RecursionError):
        return [Problem(_shown(file), 1, 1, "this JSON is no key", _EXPORT_AGAIN)]


def _place_of(member: str, text: str) -> tuple[int, int]:
    """Return line and column, from 1, of a member's name in a JSON text; 1, 1 where it has none."""
    offset = max(text.find(f'"{member}"'), 0)
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _form_files(paths: Iterable[Path], organisations: _Organisations, problems: list[Problem]) -> Iterator[Path]:
    """Yield each form once. Read the organisations on the way, also those of suppliers without forms."""
    seen: set[Path] = set()
    for path in map(_absolute, paths):
        # What is no folder is read as a file, so that whatever keeps it from being read is reported.
        if not os.path.lexists(path):
            problems.append(Problem(_shown(path), 1, 1, "there is no file or folder of this name", "name an existing one"))
            continue
        place = path.parent if path.name == ORGANISATION_FILE else path  # what it changes shows in the forms beside it
        is_folder = _is_folder(place)
        folder = place if is_folder else place.parent
        if link := next((one for one in (path, place, folder) if _is_link(one)), None):
            problems.append(Problem(_shown(link), 1, 1, *_LINK))
            continue
        forms = folder if is_folder and not os.path.lexists(folder / ORGANISATION_FILE) else folder.parent
        for file in _yaml_files(place, problems) if is_folder else [place]:
            if file in seen:
                continue
            seen.add(file)
            if misplaced := _misplaced(file, forms):
                problems.append(Problem(_shown(file), 1, 1, *misplaced))
            elif file.name == ORGANISATION_FILE:
                organisations.read(file.parent)
            else:
                yield file


def _misplaced(file: Path, forms: Path) -> tuple[str, str] | None:
    """Return what is wrong with a file's place or name below the folder of forms, and what to do."""
    folder = file.parent
    if folder == forms:
        return f"there is no {ORGANISATION_FILE} beside this file", "put forms in the folder of their organisation"
    if folder.parent != forms:
        return "this is below the folder of an organisation", f"move it beside the {ORGANISATION_FILE} of its organisation"
    if not is_name(folder.name):
        return f"{quoted(folder.name)} is no name for a folder", _NAMING
    if file.name != ORGANISATION_FILE and not is_name(file.stem):
        return f"{quoted(file.stem)} is no name for a form", _NAMING
    return None


def _yaml_files(folder: Path, problems: list[Problem]) -> list[Path]:
    folder = _absolute(folder)
    if not _is_folder(folder) and not _is_link(folder):
        problems.append(Problem(_shown(folder), 1, 1, "this folder does not exist", "name an existing file or folder"))
        return []

    def report(file: Path, what: str, remedy: str) -> None:
        problems.append(Problem(_shown(file), 1, 1, what, remedy))

    def unreadable(error: OSError) -> None:
        # Files in a folder that cannot be read, or behind a link, would look as if they had been removed.
        report(Path(error.filename), f"this folder cannot be read: {error.strerror}", "check its rights")

    files: list[Path] = []
    if _is_link(folder):
        report(folder, *_LINK)
        return files
    for place, folders, names in os.walk(folder, onerror=unreadable):
        for name in (*folders, *names):
            file = Path(place, name)
            if _is_link(file):
                report(file, *_LINK)
            elif name.endswith(".yaml"):
                files.append(file)
            elif name.lower().endswith((".yml", ".yaml")):
                report(file, "forms and catalogue files end in .yaml", "rename it")
    return sorted(files)


def _is_link(path: Path) -> bool:
    return os.path.islink(path)  # noqa: PTH114 - unlike Path's, it raises nothing, whatever the name


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long, a folder that may not be entered
        return False


def _absolute(path: Path) -> Path:
    return Path(os.path.normpath(Path.cwd() / path))


def _shown(file: Path) -> Path:
    """Return a path as messages show it: relative to the working directory where it is below that."""
    here = Path.cwd()
    return file.relative_to(here) if file.is_relative_to(here) else file
