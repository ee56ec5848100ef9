"""What a shell completes: the names of stacks, forms and clients of the project in which somebody
is.

A shell calls this at a press of a key: only names of files are read, and of forms what names their
clients. A shell may run what it is offered, so that each name is one that a stack, a form or a
client may have. What cannot be read is left out: the command itself says why.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import typer

from acmidm_onboarding.forms.documents import read_document, read_text
from acmidm_onboarding.forms.files import FORMS, ORGANISATION_FILE, OWN_FILES, is_link
from acmidm_onboarding.project import project_folder
from acmidm_onboarding.values.terms import Platform, is_name

_STACK_FILE = re.compile(r"Pulumi\.([A-Za-z0-9_.-]+)\.yaml", re.ASCII)


def stacks() -> list[str]:
    """Return the stacks that have a file."""
    return _in_project(_stacks)


def forms() -> list[str]:
    """Return the forms, as paths from where somebody is."""
    return _in_project(lambda project: map(os.path.relpath, _form_files(project)))


def forms_before_a_file(context: typer.Context) -> list[str]:
    """Return the forms where the next word of ``acmidm keys add`` is one. Behind a form, or with
    --supplier, it is the file of a key, which the shell completes by itself."""
    is_form_next = not (context.params.get("files") or context.params.get("supplier"))
    return forms() if is_form_next else []


def client_keys() -> list[str]:
    """Return the keys of the forms' clients, such as OVO002067/mijn-gent."""
    return _in_project(lambda project: (key for key, _ in _clients(project)))


def client_names(context: typer.Context) -> list[str]:
    """Return the names of the forms' clients, such as OVO002067/mijn-gent/geosecure, where the next
    word is the first of an order. Behind it comes the part of the order, which is not completed."""
    return [] if context.params.get("words") else _in_project(_client_names)


def _in_project(names_in: Callable[[Path], Iterable[str]]) -> list[str]:
    """Return the names in the folder of the project, sorted; none without a project, or where its
    folder cannot be read."""
    with suppress(OSError):
        project = project_folder()
        return sorted(names_in(project)) if project else []
    return []


def _stacks(project: Path) -> Iterator[str]:
    for file in project.glob("Pulumi.*.yaml"):
        if named := _STACK_FILE.fullmatch(file.name):
            yield named[1]


def _form_files(project: Path) -> Iterator[Path]:
    """Yield the files of forms whose names a form may have. A link is no form."""
    for file in (project / FORMS).glob("*/*.yaml"):
        if file.name in OWN_FILES or not (is_name(file.stem) and is_name(file.parent.name)):
            continue
        if not (is_link(file) or is_link(file.parent)):
            yield file


def _client_names(project: Path) -> Iterator[str]:
    from acmidm_onboarding.values.client import resource_name

    for key, platforms in _clients(project):
        yield from (resource_name(key, name) for name in Platform if name in platforms)


def _clients(project: Path) -> Iterator[tuple[str, list[object]]]:
    """Yield the key and the platforms of each form, as ("OVO002067/mijn-gent", ["acmidm"]). A form
    without a readable application, or whose organisation has no readable code, is left out."""
    codes = dict[Path, str | None]()
    for file in _form_files(project):
        if file.parent not in codes:
            codes[file.parent] = _code_in(file.with_name(ORGANISATION_FILE))
        form, code = _mapping_in(file), codes[file.parent]
        application, platforms = form.get("application"), form.get("platforms")
        if not isinstance(platforms, list):
            platforms = [Platform.ACMIDM]  # the default of a form
        if code and isinstance(application, str) and is_name(application):
            yield f"{code}/{application}", platforms


def _code_in(file: Path) -> str | None:
    """Return the OVO code, else the KBO number, of an ``organisation.yaml``; None without one."""
    # Imported here: every command imports this file, and stacks and forms need none of it.
    from acmidm_onboarding.values.identifiers import organisation_code

    organisation = _mapping_in(file)
    with suppress(ValueError):
        return organisation_code(str(organisation.get("ovo") or organisation.get("kbo")))
    return None


def _mapping_in(file: Path) -> Mapping[str, Any]:
    """Return what a file of YAML has; nothing where it is no mapping, or cannot be read."""
    data = read_document(file, partial(read_text, file)).data
    return data if isinstance(data, dict) else {}
