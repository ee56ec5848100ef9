"""Read and write what people confirmed of an authority without an API:
``<code>/<application>.yaml``, and the public keys beside it, in a folder for each stack and
platform."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import yaml

from acmidm_onboarding.forms.documents import Unreadable, YamlDocument
from acmidm_onboarding.forms.files import KEY_FILE, Files, absolute, shown
from acmidm_onboarding.forms.key_files import key_in, refusal_of_key_file, refusal_of_key_name
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.confirmation import Confirmation, ConfirmationFile
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.names import code_or_connection_key
from acmidm_onboarding.values.problems import InvalidForms, Problem, quoted


def read_confirmations(*folders: Path) -> list[dict[str, Confirmation]]:
    """Return the confirmations in each folder, by the key of the connection; none where there is no
    such folder.

    Raises:
        InvalidForms: with every mistake in all of its files, and each client-ID that two of them
        have.
    """
    confirmations, problems = _read(folders, Files())
    if problems:
        raise InvalidForms(problems)
    return confirmations


def problems_of_confirmations(folders: Sequence[Path], files: Files) -> list[Problem]:
    """Return every mistake in the confirmations of some folders, and each client-ID that two of
    them have."""
    return _read(folders, files)[1]


def problems_of_renamed(
    renamed: Mapping[str, str], folders: Sequence[Path], files: Files
) -> Iterator[Problem]:
    """Yield each confirmation that is still named by the earlier key of a connection: once the form
    no longer has that under ``formerly``, nobody knows whose it is. ``renamed`` has the present key
    by the earlier one."""
    for folder in folders:
        for former, key in renamed.items():
            file = folder / f"{former}.yaml"
            if files.exists(absolute(file)):
                what = tr("this is what is confirmed of {key}, which had this name before", key=key)
                remedy = tr(
                    "move it to {file}, with the public keys that it names",
                    file=folder / f"{key}.yaml",
                )
                yield Problem(shown(file), 1, 1, what, remedy)


def _read(
    folders: Sequence[Path], files: Files
) -> tuple[list[dict[str, Confirmation]], list[Problem]]:
    """Return what ``read_confirmations`` does, and every mistake."""
    read: list[dict[str, Confirmation]] = []
    problems: list[Problem] = []
    documents: list[tuple[YamlDocument, Confirmation]] = []
    for folder in folders:
        in_folder = dict[str, Confirmation]()
        read.append(in_folder)
        if not files.exists(absolute(folder)):
            continue
        # A command that was cut off before it wrote may have made a folder.
        for file in files.yaml_files(folder, problems, may_have_empty=True):
            document, content, wrong = files.read(file, ConfirmationFile)
            key = f"{file.parent.name}/{file.stem}"
            problems += [*wrong, *_problems_of_place(document, file, absolute(folder), key)]
            if content is not None:
                in_folder[key], wrong = _confirmation(key, document, file, content, files)
                problems += wrong
                documents.append((document, in_folder[key]))
    return read, [*problems, *_problems_of_same_client(documents)]


def _problems_of_place(
    document: YamlDocument, file: Path, folder: Path, key: str
) -> Iterator[Problem]:
    """Yield a mistake where a confirmation is not at ``<code>/<application>.yaml`` in ``folder``;
    ``key`` is what its path has in the place of these two."""
    try:
        if file.parent.parent == folder and code_or_connection_key(key) == key:
            return
    except ValueError:
        pass
    yield document.problem(
        (),
        tr(
            "a confirmation is in a folder named by its organisation's code, and named by its"
            " application"
        ),
        tr("move it, as in OVO002067/mijn-gent.yaml"),
    )


def _confirmation(
    key: str, document: YamlDocument, file: Path, content: ConfirmationFile, files: Files
) -> tuple[Confirmation, list[Problem]]:
    """Return a confirmation with the public keys in the files that it names, and what is wrong with
    those: a key with a mistake is left out."""
    keys: dict[str, PublicJwk] = {}
    since: dict[str, datetime] = {}
    problems: list[Problem] = []
    for name, at in (content.keys or {}).items():
        if not KEY_FILE.fullmatch(name):
            problems.append(document.problem(("keys", name), *refusal_of_key_name()))
            continue
        try:
            jwk = files.parsed(file.parent / name, key_in)
        except Unreadable as error:
            problems.append(document.problem(("keys", name), *refusal_of_key_file(name, error)))
            continue
        if not isinstance(jwk, PublicJwk):
            problems += jwk
        elif jwk.kid in keys:
            what = tr("another key has the kid {kid}", kid=quoted(jwk.kid))
            problems.append(document.problem(("keys", name), what, tr("keep one of the two")))
        else:
            keys[jwk.kid], since[jwk.thumbprint] = jwk, at
    known = None if content.keys is None else keys
    return Confirmation(key, document.file, content, known, since), problems


def _problems_of_same_client(
    documents: Iterable[tuple[YamlDocument, Confirmation]],
) -> Iterator[Problem]:
    """Yield each client-ID that two confirmations have of clients that are at their authority, also
    where these are of two platforms."""
    first: dict[str, YamlDocument] = {}
    for document, confirmation in documents:
        if not confirmation.is_there:
            continue
        namesake = first.setdefault(str(confirmation.content.client_id), document)
        if namesake is not document:
            what = tr("this client-ID is also that of {file}", file=namesake.file)
            remedy = tr("look in the portal whose it is, and correct the other")
            yield document.problem(("client_id",), what, remedy, also=namesake.file)


def as_text(content: ConfirmationFile) -> str:
    """Return the YAML text of a confirmation."""
    document = content.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    if content.metadata is not None:
        document["metadata"] = content.metadata.properties
    # Not by the library in C, which escapes each character beyond U+FFFF.
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def key_file(application: str, key: PublicJwk) -> tuple[str, str]:
    """Return the name of the file that has a key of an application, and its text."""
    return f"{application}-{key.thumbprint}.jwk.json", json.dumps(
        dict(key.members), indent=2
    ) + "\n"
