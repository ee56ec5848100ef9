"""Puts forms and key files in place: written and checked beside the folder of forms first, and never over a file that exists."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from acmidm.importing.draft import Draft, request_of, slug
from acmidm.importing.sheet import Column
from acmidm.report.words import plain
from components.model.form import Environment
from components.model.jwk import PublicJwk
from components.model.loading import load_onboardings
from components.model.policies import Profile
from components.model.problems import InvalidForms, Problem

_SCHEMA = "# yaml-language-server: $schema=../../schema/onboarding.schema.json"
_SHARED = "gedeelde-sleutels"
_REMEMBERED = (Column.KBO, Column.CUSTOMER, Column.TAN, Column.URI_TEST, Column.URI_PROD)
"""What a form has no place for; kept as a comment."""


@dataclass(frozen=True)
class Written:
    """A form that was put in place."""

    draft: Draft
    file: Path


class Writer:
    """Writes drafts into ``folder``. ``source`` is the spreadsheet's name, for the comment in each form."""

    def __init__(self, folder: Path, catalogue: Path, profiles: Mapping[Environment, Profile], source: str) -> None:
        self._folder = folder
        self._catalogue = catalogue
        self._profiles = profiles
        self._source = source

    def write(self, drafts: Iterable[Draft]) -> tuple[list[Written], list[str]]:
        """The forms that are in place now, and a sentence for each that is not. Raises OSError and InvalidForms."""
        with tempfile.TemporaryDirectory(prefix=".import-", dir=self._folder.absolute().parent) as scratch:
            stage = Path(scratch) / self._folder.name
            shutil.copytree(self._folder, stage, symlinks=True)
            staged, unplaced = self._stage(stage, drafts)
            unplaced += self._drop_invalid(stage, staged)
            written = []
            for name, (draft, files) in staged.items():
                if self._move(stage, [*files, f"{name}.yaml"]):
                    written.append(Written(draft, self._folder / f"{name}.yaml"))
                else:
                    unplaced.append(_exists(draft, self._folder / f"{name}.yaml"))
        return written, unplaced

    def _stage(self, stage: Path, drafts: Iterable[Draft]) -> tuple[dict[str, tuple[Draft, list[str]]], list[str]]:
        """Each draft as files in the copy: per name of a form the draft, and the key files that it needs."""
        chosen, unplaced = list(drafts), []
        staged: dict[str, tuple[Draft, list[str]]] = {}
        users = _users_of_keys(chosen)
        for draft in chosen:
            name = draft.name if not any(name == draft.name for name in staged) else _apart(draft)
            form = stage / f"{name}.yaml"
            if form.exists():
                unplaced.append(_exists(draft, self._folder / f"{name}.yaml"))
                continue
            form.parent.mkdir(exist_ok=True)
            key_files: dict[Environment, list[str]] = defaultdict(list)
            for environment, keys in draft.keys.items():
                for key in keys:
                    folder = form.parent.name if len(users[_identity(key)]) == 1 else _SHARED
                    key_files[environment].append(_write_key(stage / folder, draft, environment, key, shared=folder == _SHARED))
            form.write_text(self._text(draft, form.parent.name, key_files), "utf-8")
            staged[name] = (draft, sorted({file for files in key_files.values() for file in files}))
        return staged, unplaced

    def _text(self, draft: Draft, folder: str, key_files: Mapping[Environment, Sequence[str]]) -> str:
        said = "; ".join(
            f"{column} {value}"
            for column in _REMEMBERED
            if (value := draft.row.values.get(column)) and value != draft.organisation.get("kbo")
        )
        organisation = {**draft.organisation, **({"kbo": _Quoted(draft.organisation["kbo"])} if "kbo" in draft.organisation else {})}
        requests = {
            environment.value: request_of(draft, environment, [_from(folder, file) for file in key_files[environment]])
            for environment in draft.clients
        }
        parts: list[dict[str, Any]] = [
            {"organisation": organisation},
            {"application": draft.application},
            {"contacts": draft.contacts},
            {"platforms": ["acmidm"]},
            {"token_endpoint_auth_method": draft.token_endpoint_auth_method},
            {"environments": requests},
        ]
        comment = plain(f"From {self._source}, {draft.row}{f': {said}' if said else ''}", 2000)
        return f"{_SCHEMA}\n#\n# {comment}\n" + "".join(_yaml(part) for part in parts)

    def _drop_invalid(self, stage: Path, staged: dict[str, tuple[Draft, list[str]]]) -> list[str]:
        """Takes away what the loader refuses, until it refuses nothing any more."""
        unplaced = []
        while True:
            try:
                load_onboardings([stage], self._catalogue, self._profiles)
            except InvalidForms as error:
                faulty = {name: problems for name in staged if (problems := _about(name, staged[name][1], stage, error.problems))}
                if not faulty:
                    raise
                for name, problems in faulty.items():
                    draft, _ = staged.pop(name)
                    (stage / f"{name}.yaml").unlink()
                    unplaced += [f"{draft.row}: its form would not be valid: {problem.what}; {problem.remedy}" for problem in problems]
            else:
                return unplaced

    def _move(self, stage: Path, files: Iterable[str]) -> bool:
        """Puts files in place, the form last; False where it turned out to exist. A key file that exists is the same key."""
        for name in files:
            target = self._folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(stage / name, target)  # unlike a rename it never replaces a file
            except FileExistsError:
                if target.read_bytes() != (stage / name).read_bytes():
                    return False
        return True


class _Quoted(str):
    """A text that YAML holds in quotes, so that nobody takes it for a number."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Lists on one line, as the other forms have them."""


_Dumper.add_representer(_Quoted, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:str", value, style='"'))

_Dumper.add_representer(list, lambda dumper, value: dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True))


def _yaml(part: Mapping[str, Any]) -> str:
    return yaml.dump(dict(part), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)


def _users_of_keys(drafts: Iterable[Draft]) -> Mapping[str, set[str]]:
    """Per key the organisations whose forms name it: a supplier has one for many customers."""
    users: dict[str, set[str]] = defaultdict(set)
    for draft in drafts:
        for keys in draft.keys.values():
            for key in keys:
                users[_identity(key)].add(draft.code)
    return users


def _identity(key: PublicJwk) -> str:
    return json.dumps(dict(key.members), sort_keys=True)


def _write_key(folder: Path, draft: Draft, environment: Environment, key: PublicJwk, *, shared: bool) -> str:
    """The key's file under the folder of forms; one that holds the same key already serves again."""
    text = json.dumps(dict(key.members), indent=2) + "\n"
    prefix = "" if shared else f"{draft.application}-{environment}-"
    folder.mkdir(exist_ok=True)
    for suffix in ("", f"-{key.thumbprint[:8]}", f"-{key.thumbprint}"):
        file = folder / f"{prefix}{slug(key.kid) or 'key'}{suffix}.jwk.json"
        if not file.exists():
            file.write_text(text, "utf-8")
        if file.read_text("utf-8") == text:
            break
    return f"{folder.name}/{file.name}"


def _from(folder: str, file: str) -> str:
    """A key file as a form in ``folder`` names it."""
    own, _, name = file.partition("/")
    return name if own == folder else f"../{file}"


def _apart(draft: Draft) -> str:
    """Another name for the form of an organisation that is called as another is."""
    organisation, _, application = draft.name.partition("/")
    return f"{organisation}-{slug(draft.code)}/{application}"


def _about(name: str, key_files: Iterable[str], stage: Path, problems: Iterable[Problem]) -> list[Problem]:
    """The problems of one form: in its file, in a key file of its own, or in another form on account of it."""
    files = {stage / f"{name}.yaml", *(stage / file for file in key_files)}
    return [problem for problem in problems if Path.cwd() / problem.file in files or f"{name}.yaml" in problem.what]


def _exists(draft: Draft, file: Path) -> str:
    return f"{draft.row}: {file} exists already, for another connection, and is left as it is: rename it, or write the form by hand"
