"""The files below the forms that are no forms: each is a public key, or evidence of a form beside
it; anything else is refused.

A form that names a key has it read as well; this is about what no form names. A private key that
lies there would be merged unseen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache, partial
from pathlib import Path

from acmidm_onboarding.forms.documents import Unreadable, read_document
from acmidm_onboarding.forms.files import (
    KEY_FILE,
    OWN_FILES,
    Files,
    absolute,
    refusal_of_stray,
    shown,
)
from acmidm_onboarding.forms.key_files import key_in
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.evidence import parts_in
from acmidm_onboarding.values.problems import Problem, Unusable, quoted
from acmidm_onboarding.values.secrecy import is_private_jwk
from acmidm_onboarding.values.terms import is_name

_PEM = "PRIVATE KEY-----"


def problems_of_other_files(paths: Iterable[Path], files: Files) -> Iterator[Problem]:
    """Yield what is wrong with each file that is no form: below each of ``paths`` that is a folder,
    and beside each that is a form."""
    seen: set[Path] = set()
    # Forms are read once per folder, and only for evidence.
    applications = cache(partial(_applications_in, files=files))
    for path in map(absolute, paths):
        folder = files.folder_of(path)
        is_organisation = files.is_organisation(folder)
        if folder != path and not is_organisation:  # a misplaced form, which its reader refuses
            continue
        forms = folder.parent if is_organisation else folder
        # Links are left to the reader of forms, which refuses them.
        found = {file for file in files.below(folder) if not file.name.endswith(".yaml")}
        if folder != path:
            found = {file for file in found if file.parent == folder}
        for file in sorted(found - seen):
            yield from _problems_of(file, forms, files, applications)
        seen |= found


def _applications_in(folder: Path, files: Files) -> frozenset[str] | None:
    """Return the applications of the forms in a folder, also of forms with mistakes; None where one
    form does not say its application, which may be any."""
    names: set[str] = set()
    for file in files.inside(folder):
        if not file.name.endswith(".yaml") or file.name in OWN_FILES:
            continue
        document = read_document(file, partial(files.read_text, file)).data
        if not isinstance(document, dict) or not is_name(str(document.get("application"))):
            return None
        names.add(document["application"])
    return frozenset(names)


def _problems_of(
    file: Path,
    forms: Path,
    files: Files,
    applications: Callable[[Path], Collection[str] | None],
) -> Iterator[Problem]:
    """Yield what is wrong with a file that is no form, below the folder ``forms``: it has a private
    key, is out of place, or is no sound public key or evidence. ``applications`` returns those of
    the forms in a folder; None: any."""
    try:
        text = files.read_text(file)
    except Unreadable as error:
        yield Problem(shown(file), 1, 1, tr("the file {what}", what=error.what), error.remedy)
        return
    if _PEM in text or _is_private(text):
        yield Problem(
            shown(file),
            1,
            1,
            tr("this is a private key"),
            tr(
                "make a new pair: to remove this one from Git is not enough, for its history keeps"
                " it"
            ),
        )
    elif wrong := refusal_of_stray(shown(file), shown(forms)):
        yield Problem(shown(file), 1, 1, *wrong)
    elif KEY_FILE.fullmatch(file.name):
        key = key_in(text, file)
        if isinstance(key, list):
            yield from key
    else:
        try:
            parts_in(text)
        except Unusable as reason:
            yield Problem(
                shown(file),
                1,
                1,
                tr("this is no evidence: {reason}", reason=reason),
                tr("have acmidm probe --record write it, or remove it"),
            )
            return
        application = file.name.partition(".")[0]
        named = applications(file.parent)
        if named is not None and application not in named:
            what = tr(
                "this is evidence of {application}, and no form here is of that application",
                application=quoted(application),
            )
            yield Problem(shown(file), 1, 1, what, tr("put it beside its form, or remove it"))


def _is_private(text: str) -> bool:
    """Return whether a text is a private JSON Web Key, or a set with one."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return False
    keys = [document]
    if isinstance(document, dict) and isinstance(document.get("keys"), list):
        keys += document["keys"]
    return any(isinstance(key, dict) and is_private_jwk(key) for key in keys)
