"""What the files of a revision hold: the settings of its stacks, and the values in any of them,
whatever is broken beside those."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from posixpath import normpath
from typing import Any

from acmidm.git import PLAIN_FILE, Tree, UnknownRevision
from acmidm.report.revisions.files import is_below, is_in_place
from acmidm_onboarding.forms.documents import YamlDocument, read_document
from acmidm_onboarding.forms.files import Files, absolute
from acmidm_onboarding.settings import NAMESPACE, OLD_WAY, catalogue_of_module
from acmidm_onboarding.stack_files import Stacks
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.client import Fields
from acmidm_onboarding.values.plain import flat

PROJECT, SETTINGS = "Pulumi.yaml", re.compile(r"Pulumi\.[^/]+")
"""The file of the project, and all files of settings, that of the project included."""
MISTAKES = "mistakes"
"""The name of a value of each file with mistakes: what Git calls its content."""


@dataclass(frozen=True)
class StacksOfRevision(Stacks):
    """The settings of each stack of a revision, as far as its file can be read, and what they have
    reviews read."""

    @cached_property
    def forms(self) -> list[Path]:
        """Their folders of forms."""
        return self._folders("formsFolder", "onboardings")

    @cached_property
    def catalogue(self) -> Path:
        """Their folder of the catalogue. Raises UnknownRevision where they have several."""
        folders = self._folders("catalogueFolder", "catalogue")
        if len(folders) > 1:
            raise UnknownRevision(
                tr(
                    "the stacks have different catalogues; review each with the engine: acmidm"
                    " review --stack tni"
                )
            )
        return folders[0]

    def _folders(self, setting: str, default: str) -> list[Path]:
        """Return the folders that a setting names in any stack. Raises UnknownRevision for one that
        is outside the repository."""
        return sorted(
            {_folder_in_repository(stack.get(setting) or default) for stack in self.values or ({},)}
        )

    @property
    def confirmed(self) -> list[Path]:
        """Their folders of what people confirmed of a portal, each below the top of the
        repository."""
        return [_folder_in_repository(folder) for folder in super().confirmed]

    def catalogue_in(self, files: Files) -> Path:
        """Return their folder of the catalogue; the module's own where a revision has none."""
        has_one = files.is_folder(absolute(self.catalogue))
        return self.catalogue if has_one else catalogue_of_module()

    @cached_property
    def is_read(self) -> Callable[[str], bool]:
        """``_is_read``, which remembers each path: two revisions share most."""
        return cache(self._is_read)

    def _is_read(self, path: str) -> bool:
        """Return whether reviews read a file: of the catalogue, a confirmation, settings, or in its
        place below the forms."""
        file = Path(path)
        folders = (self.catalogue, *self.confirmed)
        return (
            is_below(file, folders)
            or SETTINGS.fullmatch(path) is not None
            or is_in_place(file, self.forms)
        )


def stacks_of(tree: Tree) -> StacksOfRevision:
    """Read the settings of a revision's stacks, each with the defaults of its project."""
    paths = [path for path in tree.entries if SETTINGS.fullmatch(path) and path.endswith(".yaml")]
    documents = _read_documents(tree, paths)
    defaults: dict[str, Any] = {}
    if project := documents.pop(PROJECT, None):
        for name, part in _config(project).items():
            if isinstance(part, Mapping) and "default" in part:
                defaults[setting_in(name)] = part["default"]
    stacks: list[Mapping[str, Any]] = []
    for document in documents.values():
        settings = {setting_in(name): value for name, value in _config(document).items()}
        stacks.append({**defaults, **settings})
    return StacksOfRevision(tuple(stacks))


def _config(document: YamlDocument) -> Mapping[str, Any]:
    return _mapping(_mapping(document.data).get("config"))


def read_values(tree: Tree, paths: Iterable[str]) -> dict[str, Fields]:
    """Return the values in each of these YAML files, by dotted name, as {"Pulumi.tni.yaml":
    {"config.acmidm:environment": "tni"}}. A file with mistakes has the values that can be read, and
    one named ``mistakes``."""
    values: dict[str, Fields] = {}
    for path, document in _read_documents(tree, paths).items():
        fields = flat(_mapping(document.data))
        if document.problems or not fields:
            fields |= object_ids(tree, [path], MISTAKES)
        values[path] = fields
    return values


def _read_documents(tree: Tree, paths: Iterable[str]) -> dict[str, YamlDocument]:
    """Return the document of each of these files that the revision has, by its path. One with
    mistakes has them as its ``problems``."""
    wanted = tree.entries.keys() & paths
    files = tree.files(wanted.__contains__)
    documents: dict[str, YamlDocument] = {}
    for path in sorted(wanted):
        file = Path(path)
        documents[path] = read_document(file, partial(files.read_text, absolute(file)))
    return documents


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def object_ids(tree: Tree, paths: list[str], name: str = "") -> dict[str, str]:
    """Return the beginning of Git's object ID of each file that the revision has, with the mode of
    one that is no plain file: {"setup.py": "3fa14c02ab 100755"}. ``name`` stands for the path,
    where there is one path."""
    ids: dict[str, str] = {}
    for path in paths:
        if entry := tree.entries.get(path):
            ids[name or path] = entry.object_id[:10]
            if entry.mode != PLAIN_FILE:
                ids[name or path] += f" {entry.mode}"
    return ids


def setting_in(name: str) -> str:
    """Return the key of a setting by its name in a file: ``environment`` for
    ``config.acmidm:environment``, ``acmidm:environment`` and ``acmidm:config:environment``, the
    engine's old way; ``geosecure:issuer`` for another namespace."""
    key = name.removeprefix("config.").removeprefix(f"{NAMESPACE}:").removeprefix(OLD_WAY)
    namespace, _, key_in_namespace = key.partition(f":{OLD_WAY}")
    return f"{namespace}:{key_in_namespace}" if key_in_namespace else key


def _folder_in_repository(name: object) -> Path:
    """Return a folder that the settings name. Raises UnknownRevision where it is not inside the
    repository."""
    path = Path(normpath(str(name)))
    if path.is_absolute() or ".." in path.parts or path == Path():
        raise UnknownRevision(
            tr(
                "{path} is no folder in this repository; review with the engine: acmidm review"
                " --stack tni",
                path=path,
            )
        )
    return path
