"""Which files a folder of forms or a catalogue has, on the disk or in a revision of Git. Links are
not followed, and what is in the wrong place is a mistake."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from errno import ENOENT
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from acmidm_onboarding.forms.documents import (
    YamlDocument,
    read_beginning,
    read_document,
    text_of,
    unreadable,
)
from acmidm_onboarding.forms.validation import validated
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.problems import Problem, Refusal, quoted
from acmidm_onboarding.values.terms import EVIDENCE_ENDING, Environment, Platform, is_name

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

FORMS = Path("onboardings")
"""The folder of forms, where no setting names another."""
ORGANISATION_FILE = "organisation.yaml"
MANDATES_FILE = "mandates.yaml"
KEYS_FILE = "keys.yaml"
OWN_FILES = (ORGANISATION_FILE, MANDATES_FILE, KEYS_FILE)
"""What a folder has once, beside its forms."""
KEY_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.jwk\.json", re.ASCII)
EVIDENCE_FILE = re.compile(
    rf"[a-z0-9-]+\.(?:{'|'.join(Environment)})\.(?:{'|'.join(Platform)})"
    rf"{re.escape(EVIDENCE_ENDING)}",
    re.ASCII,
)


def form_file(application: str) -> str:
    """Return the name of the file for the form of an application."""
    name = f"{application}.yaml"
    return f"{application}-form.yaml" if name in OWN_FILES else name


def refusal_of_link() -> Refusal:
    """Return what is wrong with a link: its target may be a file outside the folder."""
    return (
        tr("this is a link, which is not followed"),
        tr("put the file or folder itself here, or remove the link"),
    )


def refusal_of_place(file: Path, forms: Path) -> Refusal | None:
    """Return what is wrong with the place or the name of a YAML file below the folder ``forms``;
    None where both are right."""
    wrong_folder = _refusal_of_folder(file, forms)
    if wrong_folder or file.name in OWN_FILES:
        return wrong_folder
    if not is_name(file.stem):
        return tr("{name} is no name for a form", name=quoted(file.stem)), _remedy_of_name()
    return None


def _refusal_of_folder(file: Path, forms: Path) -> Refusal | None:
    """Return what is wrong with the folder of a file; None where it is the folder of one
    organisation, directly below ``forms``."""
    folder = file.parent
    if folder == forms:
        return (
            tr("there is no {file} beside this file", file=ORGANISATION_FILE),
            tr("put forms in the folder of their organisation"),
        )
    if folder.parent != forms:
        return (
            tr("this is below the folder of an organisation"),
            tr("move it beside the {file} of its organisation", file=ORGANISATION_FILE),
        )
    if not is_name(folder.name):
        return tr("{name} is no name for a folder", name=quoted(folder.name)), _remedy_of_name()
    return None


def _remedy_of_name() -> str:
    return tr("use lower case letters, digits and single hyphens, 64 at most")


def refusal_of_stray(file: Path, forms: Path) -> Refusal | None:
    """Return what is wrong with a file that somebody wants to add below the folder ``forms``; None
    for an organisation, a form, a public key and evidence in their places.

    Nothing else belongs there: another tool may read it, or nobody at all.
    """
    if file.suffix == ".yaml":
        return refusal_of_place(file, forms)
    if KEY_FILE.fullmatch(file.name) or EVIDENCE_FILE.fullmatch(file.name):
        return _refusal_of_folder(file, forms)
    what = tr("this is neither an organisation, nor a form, nor a public key, nor evidence")
    return what, tr("remove it, or put it outside {folder}/", folder=forms.as_posix())


class Findings:
    """Results that were computed from files of revisions, so that they are not computed again for
    another revision that has the same files."""

    def __init__(self) -> None:
        self._findings: dict[tuple[object, ...], tuple[tuple[object, ...], object, Any]] = {}

    def of(
        self, find: Callable[[], T], name: Hashable, *subjects: object, equal: object = None
    ) -> T:
        """Return the result of ``find``, or the kept one of an earlier call with the same ``name``,
        the same ``subjects`` and an equal ``equal``: all that ``find`` depends on.

        Subjects are the same by identity: to compare two documents takes longer than to check one,
        and in Python 1 equals true.
        """
        key = (name, *map(id, subjects))
        kept = self._findings.get(key)
        if kept is None or kept[1] != equal:
            # The subjects are kept too, so that no other object gets the identity of one.
            kept = self._findings[key] = subjects, equal, find()
        found: T = kept[2]
        return found


class Files:
    """The files that forms are read from: those on the disk, and texts laid over them that nobody
    has written yet."""

    def __init__(self, unwritten: Mapping[Path, str] | None = None) -> None:
        self._unwritten: dict[Path, bytes] = {}
        self._folders: set[Path] = set()
        for file, text in (unwritten or {}).items():
            path = absolute(file)
            self._unwritten[path] = text.encode()
            self._folders |= set(path.parents)
        self.findings = Findings()

    def read_text(self, file: Path) -> str:
        """Return the text of a file. Raises Unreadable."""
        return text_of(self.content(file))

    def content(self, file: Path) -> bytes:
        """Return what is in a file, as its bytes. Raises Unreadable."""
        return self._unwritten[file] if file in self._unwritten else read_beginning(file)

    def read(self, file: Path, model: type[M]) -> tuple[YamlDocument, M | None, list[Problem]]:
        """Return a YAML file as a document, as a ``model``, which is None where a field is missing
        or has a wrong value, and every mistake in it."""
        document = read_document(shown(file), partial(self.read_text, file))
        return document, *validated(model, document)

    def parsed(self, file: Path, parse: Callable[[str, Path], T]) -> T:
        """Return what ``parse`` makes of the text of a file and of its path. Raises Unreadable."""
        return parse(self.read_text(file), file)

    def exists(self, path: Path) -> bool:
        """Return whether there is a file or folder of this name; a link is one, wherever it
        leads."""
        return path in self._unwritten or path in self._folders or os.path.lexists(path)

    def is_folder(self, path: Path) -> bool:
        return path in self._folders or _is_folder(path)

    def is_link(self, path: Path) -> bool:
        return is_link(path)

    def is_organisation(self, folder: Path) -> bool:
        """Return whether a folder has an ``organisation.yaml``."""
        return self.exists(folder / ORGANISATION_FILE)

    def folder_of(self, path: Path) -> Path:
        """Return a path that is a folder; else the folder that it is in."""
        return path if self.is_folder(path) else path.parent

    def inside(self, folder: Path) -> list[Path]:
        """Return what is in a folder, files and folders, by name; nothing where there is none."""
        return sorted(folder.glob("*"))

    def below(self, folder: Path) -> Iterator[Path]:
        """Yield the files in a folder and below it, but for links. Folders that cannot be read are
        passed over in silence."""
        for parent, _, names in self._below(folder, []):
            for name in names:
                if not self.is_link(parent / name):
                    yield parent / name

    def yaml_files(
        self, folder: Path, problems: list[Problem], *, may_have_empty: bool = False
    ) -> list[Path]:
        """Return the YAML files in a folder and below it, in order; none where it is missing or a
        link. Mistakes are added to ``problems``: what may not be there, and unless ``folder``
        ``may_have_empty`` folders, each that is empty."""
        folder = absolute(folder)
        if self.is_link(folder):
            problems.append(Problem(shown(folder), 1, 1, *refusal_of_link()))
            return []
        if not self.is_folder(folder):
            problems.append(
                Problem(
                    shown(folder),
                    1,
                    1,
                    tr("this folder does not exist"),
                    tr("name an existing file or folder"),
                )
            )
            return []
        files = set(self._yaml_files_below(folder, problems, may_have_empty=may_have_empty))
        for file in self._unwritten:
            if file.is_relative_to(folder) and file.suffix == ".yaml":
                files.add(file)
        return sorted(files)

    def _yaml_files_below(
        self, folder: Path, problems: list[Problem], *, may_have_empty: bool
    ) -> Iterator[Path]:
        """Yield the YAML files of ``yaml_files`` that are on the disk or in the revision, and add
        the mistakes to ``problems`` as it says."""
        for parent, folders, names in self._below(folder, problems):
            is_empty = not folders and not names and parent.parent == folder
            if is_empty and not may_have_empty and parent not in self._folders:
                # Git has no empty folders: the forms in it would look as if they had been removed.
                problems.append(Problem(shown(parent), 1, 1, *_refusal_of_empty_folder()))
            for name in (*folders, *names):
                file = parent / name
                if wrong := self._wrong_kind(file):
                    problems.append(Problem(shown(file), 1, 1, *wrong))
                elif name.endswith(".yaml"):
                    yield file

    def _below(
        self, folder: Path, problems: list[Problem]
    ) -> Iterator[tuple[Path, list[str], list[str]]]:
        """Yield a folder and each folder below it, each with the names of the folders and those of
        the files in it, as ``os.walk`` does. Folders that cannot be read are added to
        ``problems``."""

        def report(error: OSError) -> None:
            # Files in a folder that cannot be read, or behind a link, would look as if they had
            # been removed.
            what = tr("this folder cannot be read: {reason}", reason=error.strerror)
            file = shown(Path(error.filename))
            problems.append(Problem(file, 1, 1, what, tr("check its rights")))

        if _is_folder(folder):
            for parent, folders, names in os.walk(folder, onerror=report):
                yield Path(parent), folders, names

    def _wrong_kind(self, file: Path) -> Refusal | None:
        """Return what is wrong with a link, and with a YAML file that ends otherwise than .yaml;
        None for all else."""
        if self.is_link(file):
            return refusal_of_link()
        if file.name.lower().endswith((".yml", ".yaml")) and not file.name.endswith(".yaml"):
            return tr("forms and catalogue files end in .yaml"), tr("rename it")
        return None


def _refusal_of_empty_folder() -> Refusal:
    return tr("this folder is empty"), tr(
        "if it is a Git submodule: git submodule update --init; else remove it"
    )


class FilesOfRevision(Files):
    """The files of a revision of Git, as if it were checked out in the working directory.

    ``contents`` are by path below that directory, None for a link, which nobody follows.
    ``folders`` are further folders that the revision has. Revisions that share their ``findings``
    read and check a file once that is the same bytes in both.
    """

    def __init__(
        self,
        contents: Mapping[str, bytes | None],
        folders: Iterable[str],
        findings: Findings,
    ) -> None:
        super().__init__()
        self.findings, self._contents = findings, contents
        self._top = f"{Path.cwd()}/"
        self._names: dict[str, list[str]] = {"": []}
        """Per path of a folder, the names of the files and folders in it."""
        for path in contents:
            self._add(path)
        for folder in folders:
            self._add_folder(folder)

    def _add(self, path: str) -> None:
        folder, _, name = path.rpartition("/")
        self._add_folder(folder)
        self._names[folder].append(name)

    def _add_folder(self, path: str) -> None:
        if path not in self._names:
            self._names[path] = []
            self._add(path)

    def _path(self, path: Path) -> str:
        """Return a path as the revision has it; one outside of it stays as it is."""
        return "" if f"{path}/" == self._top else str(path).removeprefix(self._top)

    def content(self, file: Path) -> bytes:
        content = self._contents.get(self._path(file))
        if content is None:
            raise unreadable(os.strerror(ENOENT))
        return content

    def read(self, file: Path, model: type[M]) -> tuple[YamlDocument, M | None, list[Problem]]:
        content = self._contents.get(self._path(file))
        name = str(file), model
        return self.findings.of(partial(super().read, file, model), name, content)

    def parsed(self, file: Path, parse: Callable[[str, Path], T]) -> T:
        content = self._contents.get(self._path(file))
        name = str(file), parse
        return self.findings.of(partial(super().parsed, file, parse), name, content)

    def exists(self, path: Path) -> bool:
        name = self._path(path)
        return name in self._contents or name in self._names

    def is_folder(self, path: Path) -> bool:
        return self._path(path) in self._names

    def is_link(self, path: Path) -> bool:
        name = self._path(path)
        return name in self._contents and self._contents[name] is None

    def inside(self, folder: Path) -> list[Path]:
        return sorted(folder / name for name in self._names.get(self._path(folder), ()))

    def _below(
        self, folder: Path, problems: list[Problem]
    ) -> Iterator[tuple[Path, list[str], list[str]]]:
        path = self._path(folder)
        above = f"{path}/" if path else ""
        folders: list[str] = []
        files: list[str] = []
        for name in self._names[path]:
            if f"{above}{name}" in self._names:
                folders.append(name)
            else:
                files.append(name)
        yield folder, folders, files
        for name in folders:
            yield from self._below(folder / name, problems)


def is_link(path: Path) -> bool:
    """Return whether a path is a link. Unlike that of Path, it raises nothing, whatever the
    name."""
    return os.path.islink(path)  # noqa: PTH114


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long, a folder that may not be entered
        return False


def absolute(path: Path) -> Path:
    """Return a path from the root of the file system; links in it are not followed."""
    return Path(os.path.normpath(Path.cwd() / path))


def shown(file: Path) -> Path:
    """Return a path as messages show it: relative to the working directory where it is below
    that."""
    here, text = str(Path.cwd()), str(file)
    return Path("" if text == here else text.removeprefix(f"{here.rstrip('/')}/"))
