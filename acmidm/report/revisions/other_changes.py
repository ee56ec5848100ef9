"""What a change does beside its forms: to stacks, organisations, the catalogue, and to whatever is
read or run.

One rule: a file that changes is reported, unless nothing reads or runs it. Of settings,
organisations and catalogue each value is compared by itself, whatever else in the file is broken.
Of all else, and where no value shows the change, it is what Git calls the file's content.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from acmidm.git import PLAIN_FILE, Tree
from acmidm.report.codeowners import CODEOWNERS, PROJECT_FILE, codeowners_in
from acmidm.report.fields import field_changes
from acmidm.report.kinds import Change, FieldChange, Kind
from acmidm.report.revisions.files import is_below
from acmidm.report.revisions.stacks import (
    MISTAKES,
    PROJECT,
    SETTINGS,
    StacksOfRevision,
    object_ids,
    read_values,
    setting_in,
)
from acmidm_onboarding.forms.files import ORGANISATION_FILE
from acmidm_onboarding.settings import SECRET_KEYS, declared_keys, plain_key
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.client import Fields
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.secrecy import without_keys_and_tokens

_OF_GIT = re.compile(r"(.*/)?\.git(attributes|modules)", re.DOTALL)
"""With these a checkout has other content than a review reads."""
_HARMLESS = re.compile(
    r"docs/([a-z0-9-]+/)*[a-z0-9-]+\.(md|png)|schema/[a-z]+\.schema\.json|people\.yaml"
    r"|(README|CHANGELOG|CONTRIBUTING|SECURITY|toolchain/README)\.md"
)
"""Pages, where people look for them: another may be what a coding agent takes for its instructions.
And who logs on at the sandbox, which is on each one's own machine."""
_RUNS = (
    (
        re.compile(
            r"\.(github|gitlab|ci)/.*|\.gitlab-ci.*|azure-pipelines.*|(.*/)?CODEOWNERS", re.DOTALL
        ),
        Kind.PIPELINES_CHANGED,
    ),
    (re.compile(r"[^/]*requirements[^/]*\.txt|.*\.lock", re.DOTALL), Kind.PACKAGES_CHANGED),
    (_HARMLESS, None),
)
"""What a change of a file is about, by the first pattern that its path matches; None where nobody
reads it. A file that matches none is code: Python runs a file in any folder, by its name alone."""
_PARSED = frozenset(
    {
        Kind.SETTINGS_CHANGED,
        Kind.ORGANISATION_CHANGED,
        Kind.CATALOGUE_CHANGED,
        Kind.CONFIRMATION_CHANGED,
    }
)
_ABOUT = {
    **dict.fromkeys(
        ("authority", "managementUrl", "issuer", "productsUrl", "apiUrls", "smtpUrl"),
        Kind.CREDENTIALS_REDIRECTED,
    ),
    **dict.fromkeys(("environment", "protectClients"), Kind.PROTECTION_CHANGED),
    **dict.fromkeys(
        ("operatorClientId", "operatorPrivateKeyFile", *SECRET_KEYS), Kind.OPERATOR_CHANGED
    ),
}
"""What a setting is about, where a reviewer should not have to know its name."""
_CONTENT = "content"
"""The name of what Git calls a file's content, among the file's values."""


def changes_elsewhere(before: Tree, after: Tree, stacks: StacksOfRevision) -> list[Change]:
    """Return what changes beside the forms, the most dangerous first.

    Changed files come before new ones, of which somebody may add as many as they like. ``stacks``
    are those of ``before``: a change does not choose where it is looked for.
    """
    paths_by_kind = _changed_files(before, after, stacks)
    parsed = list(chain.from_iterable(paths_by_kind[kind] for kind in _PARSED))
    old, new = read_values(before, parsed), read_values(after, parsed)
    changes: list[Change] = []
    for kind, paths in paths_by_kind.items():
        if kind not in _PARSED:
            content = field_changes(object_ids(before, paths), object_ids(after, paths))
            changes.append(_former_first(kind, None, content))
            continue
        for path in paths:
            fields = _changed_values(path, before, after, old.get(path, {}), new.get(path, {}))
            if kind is Kind.SETTINGS_CHANGED:
                changes += _changes_of_settings(path, fields)
                continue
            is_new = kind is Kind.ORGANISATION_CHANGED and path not in before.entries
            if is_new and _is_plain(path, after):  # it takes nothing from others
                changes.append(_former_first(Kind.ORGANISATION_ADDED, path, fields))
            else:
                changes.append(_former_first(kind, path, fields))
    subjects = {None, *before.entries}
    return sorted(
        changes,
        key=lambda change: (change.subject not in subjects, change.danger, change.subject or ""),
    )


def _changed_files(
    before: Tree, after: Tree, stacks: StacksOfRevision
) -> defaultdict[Kind, list[str]]:
    """Return the paths of the files that change and that somebody reads or runs, by the kind of
    change."""
    by_kind = defaultdict[Kind, list[str]](list)
    for path in sorted(before.entries.keys() | after.entries.keys()):
        is_same = before.entries.get(path) == after.entries.get(path)
        if is_same or _is_generated_codeowners(path, before, after):
            continue
        kind = _kind_of_file(path, stacks)
        if kind is None and not _is_plain(path, before, after):
            kind = Kind.CODE_CHANGED  # a link, a submodule or a program, whatever its name
        if kind:
            by_kind[kind].append(path)
    return by_kind


def _changed_values(
    path: str, before: Tree, after: Tree, old: Fields, new: Fields
) -> tuple[FieldChange, ...]:
    """Return the values of a file that change, and its content where they do not show the whole
    change: it is in comments, or in syntax that the engine reads otherwise."""
    fields = field_changes(old, new)
    show_all = fields and not _names_unlike(old, new) - {field.field for field in fields}
    if show_all and _is_plain(path, before, after):
        return fields
    was, becomes = (object_ids(tree, [path], _CONTENT) for tree in (before, after))
    return fields + field_changes(was, becomes)


def _changes_of_settings(path: str, fields: Iterable[FieldChange]) -> Iterator[Change]:
    """Yield the changes of a file of settings: one per kind, which is what settings are about."""
    by_kind: dict[Kind, list[FieldChange]] = defaultdict(list)
    for field in fields:
        kind = _ABOUT.get(_setting_key(field.field), Kind.SETTINGS_CHANGED)
        by_kind[kind].append(_without_secrets(path, field))
    for kind, of_kind in by_kind.items():
        yield _former_first(kind, path, of_kind)


def confirmed_with_forms(
    beside_clients: Iterable[Change], changed_keys: Collection[str]
) -> list[Change]:
    """Return a danger for each file of a confirmation that changes together with the client that it
    confirms: nobody else has seen that the portal has it. ``changed_keys`` are the keys of clients
    such as ``OVO002067/loket``."""
    files: list[Path] = []
    for change in beside_clients:
        path = Path(change.subject or "")
        if change.kind is Kind.CONFIRMATION_CHANGED and _confirms_any_of(path, changed_keys):
            files.append(path)
    return [Change(kind=Kind.CONFIRMED_ITSELF, subject=str(path)) for path in sorted(files)]


def _confirms_any_of(path: Path, keys: Collection[str]) -> bool:
    """Return whether a file confirms a client with one of these keys, ``OVO002067/loket.yaml``, or
    may be a public key of one, ``OVO002067/loket-2026.jwk.json``."""
    key = f"{path.parent.name}/{path.stem}"
    if path.suffix == ".yaml":
        return key in keys
    return any(key.startswith(f"{of_client}-") for of_client in keys)


def _is_generated_codeowners(path: str, *trees: Tree) -> bool:
    """Return whether a file is CODEOWNERS as ``acmidm schema`` makes it in each revision: then the
    changes of organisations and team that it follows from are reported by themselves."""
    return path == str(CODEOWNERS) and _is_plain(path, *trees) and all(map(_is_generated, trees))


def _is_generated(tree: Tree) -> bool:
    """Return whether CODEOWNERS of a revision is what ``acmidm schema`` writes from the files of
    that revision; False where these cannot be read."""

    def is_source(file: str) -> bool:
        is_of_team = file in (str(CODEOWNERS), str(PROJECT_FILE))
        return is_of_team or Path(file).name == ORGANISATION_FILE

    written = tree.contents(str(CODEOWNERS).__eq__).get(str(CODEOWNERS))
    with suppress(Failure):
        made = codeowners_in(tree.files(is_source)) or ""
        return written == made.encode()
    return False


def _former_first(kind: Kind, subject: str | None, fields: Iterable[FieldChange]) -> Change:
    """Return a change whose fields with a former value come first: many new ones must not push an
    old one out of a report.

    ``none`` stands for a value that is not there, so that one that is gone does not look like a new
    one. No key or token is in a value.
    """
    in_order = sorted(
        fields,
        key=lambda field: (
            field.old is None,
            field.new == tr("a value that is not shown"),
            field.field.startswith("configuration."),
        ),
    )
    spelled_out = tuple(field.with_values(_spelled_out) for field in in_order)
    return Change(kind=kind, subject=subject, fields=spelled_out)


def _spelled_out(value: str | None) -> str:
    return without_keys_and_tokens(value or "none")


def _names_unlike(before: Fields, after: Fields) -> set[str]:
    """Return the names whose values differ in type or value: null is not absent, and 1 is not
    true."""
    return {name for name, _ in _typed(before) ^ _typed(after)}


def _typed(values: Fields) -> set[tuple[str, str]]:
    return {(name, json.dumps(value)) for name, value in values.items()}


def _is_plain(path: str, *trees: Tree) -> bool:
    return all(tree.entries[path].mode == PLAIN_FILE for tree in trees if path in tree.entries)


def _kind_of_file(path: str, stacks: StacksOfRevision) -> Kind | None:
    """Return what the change of a file is about; None where the clients show it, or nobody reads
    it."""
    if _OF_GIT.fullmatch(path):
        return Kind.CODE_CHANGED
    if SETTINGS.fullmatch(path):
        return Kind.SETTINGS_CHANGED
    if Path(path).is_relative_to(stacks.catalogue):
        return Kind.CATALOGUE_CHANGED
    if is_below(Path(path), stacks.confirmed):
        return Kind.CONFIRMATION_CHANGED
    if is_below(Path(path), stacks.forms):
        return Kind.ORGANISATION_CHANGED if Path(path).name == ORGANISATION_FILE else None
    return next((kind for pattern, kind in _RUNS if pattern.fullmatch(path)), Kind.CODE_CHANGED)


def _setting_key(name: str) -> str:
    """Return the key of a setting, the same for both platforms: ``apiUrls`` for
    ``config.geosecure:apiUrls.dosis``. Empty for a value that is no setting."""
    return plain_key(_whole_setting(name)) if name.startswith("config.") else ""


def _whole_setting(name: str) -> str:
    """Return the name of a setting, not of one value in its map: ``geosecure:apiUrls`` for
    ``config.geosecure:apiUrls.dosis``."""
    return setting_in(name).partition(".")[0]


def _without_secrets(path: str, field: FieldChange) -> FieldChange:
    """Return a change in the file of settings at ``path``, named as the setting is; without its
    values, unless the setting is known to hold no secret: the project declares it, or its own file
    has it."""
    named = field.model_copy(update={"field": setting_in(field.field)})
    is_declared = _whole_setting(field.field) in declared_keys() or path == PROJECT
    is_known = is_declared or field.field in (_CONTENT, MISTAKES)
    if is_known and _setting_key(field.field) not in SECRET_KEYS:
        return named
    return named.with_values(_hidden)


def _hidden(value: str | None) -> str | None:
    return None if value is None else tr("a value that is not shown")
