"""What a change does beside its forms: to stacks, organisations, the catalogue, and to whatever is read or run.

One rule: a file that changes is reported, unless nothing reads or runs it. Of settings, organisations and catalogue each value is
compared by itself, whatever else in the file is broken. Of all else, and where no value shows the change, it is what Git calls the
file's content.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from posixpath import normpath

from acmidm.git import Tree, UnknownRevision
from acmidm.report.client import Fields, flat
from acmidm.report.compare import field_changes
from acmidm.report.kinds import Change, FieldChange, Kind
from acmidm_onboarding.model.documents import read_document
from acmidm_onboarding.model.form import Environment
from acmidm_onboarding.model.loading import ORGANISATION_FILE
from acmidm_onboarding.model.policies import Profile
from acmidm_onboarding.settings import NAMESPACE, SECRET_KEYS, declared_keys, own_catalogue

_PROJECT, _SETTINGS = "Pulumi.yaml", re.compile(r"Pulumi\.[^/]+")
_OF_GIT = re.compile(r"(.*/)?\.git(attributes|modules)", re.DOTALL)
"""With these a checkout has other content than a review reads."""
_HARMLESS = re.compile(r"(docs|LICENSES|schema)/.*|LICENSE|.*\.md", re.DOTALL)
_RUNS = (
    (re.compile(r"\.(github|gitlab|ci)/.*|\.gitlab-ci.*|azure-pipelines.*|(.*/)?CODEOWNERS", re.DOTALL), Kind.PIPELINES_CHANGED),
    (re.compile(r"[^/]*requirements[^/]*\.txt|.*\.lock", re.DOTALL), Kind.PACKAGES_CHANGED),
    (re.compile(r"policies/.*|components/acmidm_onboarding/model/policies\.py", re.DOTALL), Kind.POLICIES_CHANGED),
    (_HARMLESS, None),
)
"""In this order; what is none of them is code. Python runs a file in any folder, by its name alone."""
_PARSED = frozenset({Kind.SETTINGS_CHANGED, Kind.ORGANISATION_CHANGED, Kind.CATALOGUE_CHANGED})
_ABOUT = {
    **dict.fromkeys(("authority", "managementUrl", "issuer", "productsUrl"), Kind.CREDENTIALS_REDIRECTED),
    **dict.fromkeys(("environment", "protectClients"), Kind.PROTECTION_CHANGED),
    **dict.fromkeys(("operatorClientId", "operatorPrivateKeyFile", *SECRET_KEYS), Kind.OPERATOR_CHANGED),
}
"""What a setting is about, where a reviewer should not have to know its name."""
_GEOSECURE = re.compile("^geosecure([A-Z])")
_CONTENT, _MISTAKES = "content", "mistakes"
_NOT_SHOWN = "a value that is not shown"
_TRUE = frozenset({"true", "1", "yes", "on", "y", "t"})


@dataclass(frozen=True)
class Stacks:
    """The settings of each stack of a revision, without their namespace, as far as its file can be read."""

    values: tuple[Fields, ...]

    @property
    def forms(self) -> list[Path]:
        """Their folders of forms."""
        return sorted({_folder(stack.get("formsFolder") or "onboardings") for stack in self.values or ({},)})

    @property
    def catalogue(self) -> Path:
        """Their folder of the catalogue."""
        found = sorted({_folder(stack.get("catalogueFolder") or "catalogue") for stack in self.values or ({},)})
        if len(found) > 1:
            raise UnknownRevision("the stacks have different catalogues; review each with the engine: acmidm review --stack tni")
        return found[0]

    def catalogue_here(self) -> Path:
        """The same in the working directory; the module's own where that has none."""
        return self.catalogue if self.catalogue.is_dir() else own_catalogue()

    def is_read(self, path: str) -> bool:
        """Whether a file belongs to the forms, the catalogue or the stacks."""
        return any(map(Path(path).is_relative_to, (*self.forms, self.catalogue))) or _SETTINGS.fullmatch(path) is not None

    @property
    def profiles(self) -> dict[Environment, Profile]:
        """The profile of each environment, the strictest where its stacks differ."""
        strict = {stack.get("environment") for stack in self.values if stack.get("profile") == Profile.FAPI2}
        return {environment: Profile.FAPI2 if environment in strict else Profile.ACMIDM for environment in Environment}

    @property
    def protecting(self) -> dict[Environment, bool]:
        """In which environments every stack protects its clients; those without a stack are left out."""
        found: dict[Environment, bool] = {}
        for stack in self.values:
            if (name := stack.get("environment")) in list(Environment):
                environment, protects = Environment(name), stack.get("protectClients")
                protects = environment is Environment.PROD if protects in (None, "") else str(protects).casefold() in _TRUE
                found[environment] = found.get(environment, True) and protects
        return found


def stacks_of(tree: Tree) -> Stacks:
    """Read the files of a revision's stacks, over the defaults of its project."""
    files = _read(tree, filter(_SETTINGS.fullmatch, tree.entries))
    config = {
        path: {_setting(name): value for name, value in fields.items() if name.startswith("config.")}
        for path, fields in files.items()
        if path.endswith(".yaml")
    }
    defaults = {name.removesuffix(".default"): value for name, value in config.pop(_PROJECT, {}).items() if name.endswith(".default")}
    return Stacks(tuple({**defaults, **own} for own in config.values()))


def changes_beside(before: Tree, after: Tree, stacks: Stacks) -> list[Change]:
    """What changes beside the forms: most dangerous first, and what was there before what is new.

    ``stacks`` are those of ``before``: a change does not choose where it is looked for.
    """
    by_kind: dict[Kind, list[str]] = defaultdict(list)
    for path in sorted(before.entries.keys() | after.entries.keys()):
        if before.entries.get(path) != after.entries.get(path) and (kind := _kind_of(path, stacks)):
            by_kind[kind].append(path)
    parsed = [path for kind in _PARSED for path in by_kind[kind]]
    old, new = _read(before, parsed), _read(after, parsed)
    found: list[Change] = []
    for kind, paths in by_kind.items():
        if kind not in _PARSED:
            found.append(_change(kind, None, field_changes(_contents(before, paths), _contents(after, paths))))
            continue
        for path in paths:
            # Where no value shows it, it is in comments, or in what the engine reads otherwise than this does.
            contents = (_contents(tree, [path], _CONTENT) for tree in (before, after))
            fields = field_changes(old.get(path, {}), new.get(path, {})) or field_changes(*contents)
            if kind is Kind.SETTINGS_CHANGED:
                parts: dict[Kind, list[FieldChange]] = defaultdict(list)
                for field in fields:
                    parts[_ABOUT.get(_key(field.field), kind)].append(_shown(path, field))
                found += (_change(part, path, those) for part, those in parts.items())
            else:
                found.append(_change(kind, path, sorted(fields, key=lambda one: one.field.startswith("configuration."))))
    return sorted(found, key=lambda one: (one.danger, one.subject not in before.entries, one.subject or ""))


def _change(kind: Kind, subject: str | None, fields: Iterable[FieldChange]) -> Change:
    """A change, both sides of each of its values spelled out: one that is gone is not to look like one that is new."""
    named = (one.model_copy(update={side: "none" for side in ("old", "new") if getattr(one, side) is None}) for one in fields)
    return Change(kind=kind, subject=subject, fields=tuple(named))


def _kind_of(path: str, stacks: Stacks) -> Kind | None:
    """What the change of a file is about; None where the clients show it, or nobody reads it."""
    if _OF_GIT.fullmatch(path):
        return Kind.CODE_CHANGED
    if _SETTINGS.fullmatch(path):
        return Kind.SETTINGS_CHANGED
    if Path(path).is_relative_to(stacks.catalogue):
        return Kind.CATALOGUE_CHANGED
    if any(map(Path(path).is_relative_to, stacks.forms)):
        return Kind.ORGANISATION_CHANGED if Path(path).name == ORGANISATION_FILE else None
    return next((kind for pattern, kind in _RUNS if pattern.fullmatch(path)), Kind.CODE_CHANGED)


def _read(tree: Tree, paths: Iterable[str]) -> dict[str, Fields]:
    """The values in each of these files; of one with mistakes those that can be read, and that it has some."""
    wanted = {path for path in paths if path in tree.entries}
    found: dict[str, Fields] = {}
    with tree.exported(wanted.__contains__):
        for path in sorted(wanted):
            document = read_document(Path(path), Path(path))
            fields = flat(document.data) if isinstance(document.data, Mapping) else {}
            found[path] = fields if document.data and not document.problems else {**fields, **_contents(tree, [path], _MISTAKES)}
    return found


def _contents(tree: Tree, paths: list[str], name: str = "") -> dict[str, str]:
    """Per file what Git calls its content, and how it is kept where that is not as a file."""
    entries = {path: tree.entries[path] for path in paths if path in tree.entries}
    return {name or path: entry.object_id[:10] + ("" if entry.mode == "100644" else f" {entry.mode}") for path, entry in entries.items()}


def _other_content(before: Tree, after: Tree, path: str) -> tuple[FieldChange, ...]:
    """A change that no value shows, such as one of comments."""
    return field_changes(*(_contents(tree, [path], _CONTENT) for tree in (before, after)))


def _setting(name: str) -> str:
    """The key of a setting, whose namespace is optional."""
    return name.removeprefix("config.").removeprefix(f"{NAMESPACE}:")


def _key(name: str) -> str:
    """The key of a setting, the same for either platform, in the file of a stack and in that of the project."""
    return _GEOSECURE.sub(lambda found: found[1].lower(), _setting(name).partition(".")[0]) if name.startswith("config.") else ""


def _shown(path: str, field: FieldChange) -> FieldChange:
    """A change of a value as it may be shown: where it is a setting, only if that is none for a secret."""
    if not _SETTINGS.fullmatch(path):
        return field
    name, key = _setting(field.field), _key(field.field)
    if (name in declared_keys() or path == _PROJECT or name in (_CONTENT, _MISTAKES)) and key not in SECRET_KEYS:
        return field.model_copy(update={"field": name})
    return FieldChange(field=name, **{side: None if getattr(field, side) is None else _NOT_SHOWN for side in ("old", "new")})


def _folder(name: object) -> Path:
    """A folder that the settings name, from the top of the repository, in which it must be."""
    path = Path(normpath(str(name)))
    if path.is_absolute() or ".." in path.parts or path == Path():
        raise UnknownRevision(f"{path} is no folder in this repository; review with the engine: acmidm review --stack tni")
    return path
