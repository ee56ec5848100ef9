"""Reads the catalogue and the forms. The only place that does; every mistake in all of them is reported at once."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.model.catalogue import Catalogue, Product
from components.model.connection import Connection, connections
from components.model.documents import Document, Unreadable, read_document, read_text
from components.model.form import Environment, Form, Platform
from components.model.jwk import InvalidJwk, PublicJwk, parse_jwk
from components.model.policies import Profile
from components.model.problems import InvalidForms, Problem
from components.model.rules import (
    problems_among,
    problems_of_adoptions,
    problems_of_form,
    problems_of_keys,
    problems_of_platforms,
    problems_of_policies,
)
from components.model.salvage import is_identified, salvaged
from components.model.validation import split_sentence, validated

_LONGEST_NAME = 200
_BESIDE = "keep public keys beside their form"
_EXPORT_AGAIN = "export the public key again as a JSON Web Key"

Keys = Mapping[Environment, tuple[PublicJwk, ...]]

_NO_POLICIES: Mapping[Environment, Profile] = {}
_ALL_PLATFORMS: Mapping[Environment, Collection[Platform]] = {}


@dataclass(frozen=True)
class LoadedForm:
    """A valid form. ``name`` is its place under the folder of forms, without the suffix."""

    name: str
    file: Path
    form: Form
    keys: Keys


@dataclass(frozen=True)
class Onboardings:
    """All forms, valid against the catalogue."""

    catalogue: Catalogue
    forms: tuple[LoadedForm, ...]

    def connections(self, environment: Environment) -> list[Connection]:
        return [
            connection
            for loaded in self.forms
            for connection in connections(loaded.name, loaded.form, loaded.keys, environment, self.catalogue)
        ]


def load_catalogue(folder: Path) -> Catalogue:
    """The catalogue in ``folder``, one product per YAML file. Raises InvalidForms."""
    problems: list[Problem] = []
    products: dict[str, Product] = {}
    scopes: dict[str, Path] = {}
    on_platforms: dict[tuple[Platform, str], str] = {}
    for file in _yaml_files(folder, problems):
        document = read_document(file, _shown(file))
        product, found = validated(Product, document)
        problems += found
        if product is None:
            continue
        if product.product in products:
            problems.append(
                document.problem(("product",), f'product "{product.product}" stands in another file too', "keep one of the two")
            )
        for scope, told in product.scopes.items():
            for platform, name in told.names_of(scope).items():
                other = on_platforms.setdefault((platform, name), scope)
                if other != scope:  # granted and withdrawn as one, whichever of the two a form asks
                    problems.append(
                        document.problem(
                            ("scopes", scope, "names", platform.value),
                            f'scope "{other}" is called "{name}" on {platform} too',
                            "give each scope a name of its own",
                        )
                    )
            if scope in scopes:
                problems.append(
                    document.problem(
                        ("scopes", scope), f'scope "{scope}" stands in {scopes[scope]} too', "keep one of the two", at_key=True
                    )
                )
            scopes.setdefault(scope, document.file)
        products[product.product] = product
    if problems:
        raise InvalidForms(problems)
    return Catalogue(products)


def load_onboardings(
    forms: Sequence[Path],
    catalogue_folder: Path,
    profiles: Mapping[Environment, Profile] = _NO_POLICIES,
    served: Mapping[Environment, Collection[Platform]] = _ALL_PLATFORMS,
    root: Path | None = None,
) -> Onboardings:
    """The forms in ``forms`` (files, or folders searched to any depth) against the catalogue. Raises InvalidForms.

    ``root`` is the folder that what lies in it is named from, and whose keys are within reach: where none is given, or a path lies
    elsewhere, it is the folder given, or two levels above a file given.
    ``profiles`` says by which profile the policies are held against a form's environments, those it does not name left out;
    ``served`` for which platforms there is an authority, those of an environment that it does not name all of them.
    """
    problems: list[Problem] = []
    try:
        catalogue = load_catalogue(catalogue_folder)
    except InvalidForms as error:
        # Forms are still read, so that their own mistakes show too; what the catalogue says of them would be guesswork.
        problems += error.problems
        catalogue = None
    reader = _KeyReader(profiles)
    read: list[tuple[str, Document, Form, Keys]] = []
    for top, file in _form_files(forms, root, problems):
        document = read_document(file, _shown(file))
        form, found = validated(Form, document)
        problems += found
        form = form or salvaged(document)
        if form is None:
            continue
        if catalogue is not None:
            problems += problems_of_form(document, form, catalogue)
        for environment, platforms in served.items():
            problems += problems_of_platforms(document, form, environment, platforms)
        keys, found = reader.keys_of(top, file, document, form)
        problems += found
        read.append((file.relative_to(top).with_suffix("").as_posix(), document, form, keys))
    problems += problems_among((document, form) for _, document, form, _ in read if is_identified(form))
    problems += problems_of_adoptions((document, form) for _, document, form, _ in read)
    if problems or catalogue is None:
        raise InvalidForms(problems)
    return Onboardings(catalogue, tuple(LoadedForm(name, document.file, form, keys) for name, document, form, keys in read))


class _KeyReader:
    """Reads key files, each once however many forms name it: a supplier has one key for many customers."""

    def __init__(self, profiles: Mapping[Environment, Profile]) -> None:
        self._profiles = profiles
        self._read: dict[Path, PublicJwk | list[Problem]] = {}

    def keys_of(self, root: Path, file: Path, document: Document, form: Form) -> tuple[Keys, list[Problem]]:
        problems: list[Problem] = []
        keys: dict[Environment, tuple[PublicJwk, ...]] = {}
        for environment, request in form.environments.items():
            found: list[PublicJwk | None] = []
            for index, name in enumerate(request.jwks):
                key = self._key(root, file, document, ("environments", environment.value, "jwks", index), name)
                found.append(key if isinstance(key, PublicJwk) else None)
                problems += [] if isinstance(key, PublicJwk) else key
            problems += problems_of_keys(document, environment, found)
            if environment in self._profiles:
                problems += problems_of_policies(document, form, environment, found, self._profiles[environment])
            keys[environment] = tuple(key for key in found if key)
        return keys, problems

    def _key(self, root: Path, form_file: Path, document: Document, path: tuple[str | int, ...], name: str) -> PublicJwk | list[Problem]:
        if len(name) > _LONGEST_NAME or not name.isprintable() or "{" in name:
            # Whatever this is, a key pasted in perhaps: it is not repeated.
            return [document.problem(path, "this is not the name of a file", "put the public key in a file beside the form")]
        file = Path(os.path.normpath(form_file.parent / name))
        if not file.is_relative_to(root):
            return [document.problem(path, f'key file "{name}" is outside the folder of forms', _BESIDE)]
        if file not in self._read:
            if not _real(file).is_relative_to(_real(root)):
                return [document.problem(path, f'key file "{name}" leads outside the folder of forms', _BESIDE)]
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
    """Line and column, from 1, of a member's name in a JSON text; 1, 1 where it has none."""
    offset = max(text.find(f'"{member}"'), 0)
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _form_files(paths: Iterable[Path], named_from: Path | None, problems: list[Problem]) -> Iterator[tuple[Path, Path]]:
    """Each form once, with the folder that it is named from."""
    seen: set[Path] = set()
    above = _absolute(named_from) if named_from else None
    for path in map(_absolute, paths):
        # What is no folder is read as a file, so that whatever keeps it from being read is told.
        if not os.path.lexists(path):
            problems.append(Problem(_shown(path), 1, 1, "there is no file or folder of this name", "name an existing one"))
            continue
        is_folder = _is_folder(path)
        root = above if above and path.is_relative_to(above) else path if is_folder else path.parent.parent
        for file in _yaml_files(path, problems) if is_folder else [path]:
            if file not in seen:
                seen.add(file)
                yield root, file


def _yaml_files(folder: Path, problems: list[Problem]) -> list[Path]:
    folder = _absolute(folder)
    if not _is_folder(folder):
        problems.append(Problem(_shown(folder), 1, 1, "this folder does not exist", "name an existing file or folder"))
        return []

    def report(file: Path, what: str, remedy: str) -> None:
        problems.append(Problem(_shown(file), 1, 1, what, remedy))

    def unreadable(error: OSError) -> None:
        # What lies in a folder that cannot be read, or behind a link, would look as if it had been removed.
        report(Path(error.filename), f"this folder cannot be read: {error.strerror}", "check its rights")

    files = []
    for place, folders, names in os.walk(folder, onerror=unreadable):
        for name in (*folders, *names):
            file = Path(place, name)
            if name.endswith(".yaml"):
                files.append(file)
            elif name.lower().endswith((".yml", ".yaml")):
                report(file, "forms and catalogue files end in .yaml", "rename it")
            elif name in folders and file.is_symlink():
                report(file, "this is a link to a folder, which is not followed", "put the folder itself here, or remove the link")
    return sorted(files)


def _real(path: Path) -> Path:
    """Where a path leads, links followed; unlike Path.resolve it does not raise where they lead in a circle."""
    return Path(os.path.realpath(path))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long, a folder that may not be entered
        return False


def _absolute(path: Path) -> Path:
    return Path(os.path.normpath(Path.cwd() / path))


def _shown(file: Path) -> Path:
    """A path as messages show it: from the working directory where it lies under it."""
    here = Path.cwd()
    return file.relative_to(here) if file.is_relative_to(here) else file
