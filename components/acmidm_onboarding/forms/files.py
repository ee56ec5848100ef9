"""Which files a folder of forms or a catalogue has. Links are not followed, and what is in the
wrong place is a mistake."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from acmidm_onboarding.forms.documents import read_text, text_of
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.problems import Problem, quoted
from acmidm_onboarding.values.terms import EVIDENCE_ENDING, Environment, Platform, is_name

FORMS = Path("onboardings")
"""The folder of forms, where no setting names another."""
ORGANISATION_FILE = "organisation.yaml"
MANDATES_FILE = "mandates.yaml"
KEYS_FILE = "keys.yaml"
OWN_FILES = (ORGANISATION_FILE, MANDATES_FILE, KEYS_FILE)
"""What a folder has once, beside its forms."""
KEY_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.jwk\.json", re.ASCII)
EVIDENCE_FILE = re.compile(
    rf"[a-z0-9-]+\.(?:{'|'.join(Environment)})\.(?:{'|'.join(Platform)}){re.escape(EVIDENCE_ENDING)}",
    re.ASCII,
)


def form_file(application: str) -> str:
    """Return the name of the file for the form of an application."""
    name = f"{application}.yaml"
    return f"{application}-form.yaml" if name in OWN_FILES else name


def of_link() -> tuple[str, str]:
    """Return why no link is followed, and what to do."""
    return (
        tr("this is a link, which is not followed"),
        tr("put the file or folder itself here, or remove the link"),
    )


def misplaced(file: Path, forms: Path) -> tuple[str, str] | None:
    """Return what is wrong with a file's place or name below the folder of forms, and what to
    do."""
    if (wrong := _in_a_wrong_folder(file, forms)) or file.name in OWN_FILES:
        return wrong
    if not is_name(file.stem):
        return tr("{name} is no name for a form", name=quoted(file.stem)), _as_names_are()
    return None


def _in_a_wrong_folder(file: Path, forms: Path) -> tuple[str, str] | None:
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
        return tr("{name} is no name for a folder", name=quoted(folder.name)), _as_names_are()
    return None


def _as_names_are() -> str:
    return tr("use lower case letters, digits and single hyphens, 64 at most")


def stray(file: Path, forms: Path) -> tuple[str, str] | None:
    """Return what is wrong with a file that somebody wants to add below the folder of forms, and
    what to do.

    Only an organisation, its forms, public keys and evidence belong there: whatever else a checkout
    makes may be read by another tool, or by none.
    """
    if file.suffix == ".yaml":
        return misplaced(file, forms)
    if KEY_FILE.fullmatch(file.name) or EVIDENCE_FILE.fullmatch(file.name):
        return _in_a_wrong_folder(file, forms)
    what = tr("this is neither an organisation, nor a form, nor a public key, nor evidence")
    return what, tr("remove it, or put it outside {folder}/", folder=forms.as_posix())


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

    def read_text(self, file: Path) -> str:
        """Return the text of a file. Raises Unreadable."""
        return text_of(self._unwritten[file]) if file in self._unwritten else read_text(file)

    def exists(self, path: Path) -> bool:
        """Return whether there is a file or folder of this name; a link is one, wherever it
        leads."""
        return path in self._unwritten or path in self._folders or os.path.lexists(path)

    def is_folder(self, path: Path) -> bool:
        return path in self._folders or _is_folder(path)

    def yaml_files(
        self, folder: Path, problems: list[Problem], *, has_empty: bool = False
    ) -> list[Path]:
        """Return the YAML files in a folder and below it; what is in the wrong place there is a
        problem, and so is an empty folder in it, unless it may have those (``has_empty``)."""
        folder = absolute(folder)
        if is_link(folder):
            problems.append(Problem(shown(folder), 1, 1, *of_link()))
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
        files = {
            file
            for file in self._unwritten
            if file.is_relative_to(folder) and file.suffix == ".yaml"
        }
        on_disk = self._on_disk(folder, problems, has_empty=has_empty) if _is_folder(folder) else ()
        return sorted(files.union(on_disk))

    def _on_disk(self, folder: Path, problems: list[Problem], *, has_empty: bool) -> Iterator[Path]:
        def report(file: Path, what: str, remedy: str) -> None:
            problems.append(Problem(shown(file), 1, 1, what, remedy))

        def unreadable(error: OSError) -> None:
            # Files in a folder that cannot be read, or behind a link, would look as if they had
            # been removed.
            report(
                Path(error.filename),
                tr("this folder cannot be read: {reason}", reason=error.strerror),
                tr("check its rights"),
            )

        for parent, folders, names in os.walk(folder, onerror=unreadable):
            is_empty = not folders and not names and Path(parent).parent == folder
            if is_empty and not has_empty and Path(parent) not in self._folders:
                # Git has no empty folders: the forms in it would look as if they had been removed.
                report(
                    Path(parent),
                    tr("this folder is empty"),
                    tr("if it is a Git submodule: git submodule update --init; else remove it"),
                )
            for file in (Path(parent, name) for name in (*folders, *names)):
                if wrong := _wrong_kind(file):
                    report(file, *wrong)
                elif file.name.endswith(".yaml"):
                    yield file


def _wrong_kind(file: Path) -> tuple[str, str] | None:
    if is_link(file):
        return of_link()
    if file.name.lower().endswith((".yml", ".yaml")) and not file.name.endswith(".yaml"):
        return tr("forms and catalogue files end in .yaml"), tr("rename it")
    return None


def is_link(path: Path) -> bool:
    return os.path.islink(path)  # noqa: PTH114 - unlike Path's, it raises nothing, whatever the name


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long, a folder that may not be entered
        return False


def absolute(path: Path) -> Path:
    return Path(os.path.normpath(Path.cwd() / path))


def shown(file: Path) -> Path:
    """Return a path as messages show it: relative to the working directory where it is below
    that."""
    here = Path.cwd()
    return file.relative_to(here) if file.is_relative_to(here) else file
