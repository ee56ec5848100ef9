"""The file that an organisation makes with the page of the form, or ``acmidm drift --take-over`` of
what a hand changed, as it is read. It can say what its writer can, and nothing else of a form."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from acmidm.edit.new.draft import Draft, Without
from acmidm.edit.new.organisations import Owner
from acmidm_onboarding.forms.documents import Document, Unreadable, read_document, read_text
from acmidm_onboarding.forms.files import shown
from acmidm_onboarding.forms.form import EnvironmentRequest, Form
from acmidm_onboarding.forms.validation import validated
from acmidm_onboarding.texts import Language, tr
from acmidm_onboarding.values.jwk import readable_jwk
from acmidm_onboarding.values.names import Part
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import DocumentPath, Problem, quoted
from acmidm_onboarding.values.secrecy import is_private_key_or_token

_LONGEST_NAME = 64
_BEGINS_DOCUMENT = re.compile(r"^---(?=\s|$)", re.MULTILINE)


def _nothing_is_empty(value: object) -> object:
    """Accept ``without:`` with nothing behind it: the form loses nothing by what a hand did."""
    return {} if value is None else value


class _File(Part):
    """A draft as a file has it. Each key has the name of its file."""

    organisation: Organisation
    form: Form
    keys: dict[str, dict[str, Any]] = Field(default_factory=dict)
    without: Annotated[Without | None, BeforeValidator(_nothing_is_empty)] = None

    def draft(self) -> Draft:
        """Return what the file says. No private half is among its keys: all else of them is still
        to be checked."""
        environments, keys = {}, {}
        for environment, request in self.form.environments.items():
            environments[environment] = self._request(request)
            members = [self.keys[entry.file] for entry in request.jwks or ()]
            keys[environment] = [readable_jwk(one) or one for one in members]
        form = {
            "application": self.form.application,
            "contacts": self.form.contacts,
            "environments": environments,
        }
        return Draft(Owner("", self.organisation), form, keys, self.without)

    def _request(self, request: EnvironmentRequest) -> dict[str, Any]:
        """Return what a form has for an environment beside its keys, by its names there."""
        named = {"scopes", "products", "attributes"}
        fields = {"scopes": {}, **request.model_dump(include=named, exclude_defaults=True)}
        if self.without is not None:
            # A hand may have changed a scope to what is the default of a form.
            for name, scope in request.scopes.items():
                fields["scopes"][name] |= scope.model_dump(exclude_unset=True)
        return fields


def read_sent(file: Path) -> list[tuple[Document, Draft | None, list[Problem]]]:
    """Read a file: one document, or several that take over. Return of each what it says, None where
    that has mistakes, and each mistake."""
    with suppress(Unreadable):  # what is wrong is said of the document
        read = [_read(_document(file, part)) for part in documents_in(read_text(file))]
        if len(read) > 1 and all(takes_over(document) for document, _, _ in read):
            return read
    return [_read(read_document(file, shown(file)))]


def documents_in(text: str) -> list[str]:
    """Return each document of a YAML text that has more than comments."""
    starts = [match.start() for match in _BEGINS_DOCUMENT.finditer(text)]
    parts = []
    for start, end in pairwise([0, *starts, len(text)]):
        lines = text[start:end].splitlines()
        if any(line.strip(" -") and not line.startswith("#") for line in lines):
            parts.append(text[start:end])
    return parts


def _document(file: Path, text: str) -> Document:
    return read_document(file, shown(file), lambda _: text)


def takes_over(document: Document) -> bool:
    """Return whether a document has what a hand changed, also where it has mistakes."""
    return isinstance(document.data, Mapping) and "without" in document.data


def _read(document: Document) -> tuple[Document, Draft | None, list[Problem]]:
    sent, problems = validated(_File, document)
    if sent is None:
        return document, None, problems
    problems += _beyond(document)
    if sent.without is not None:
        problems += _unexplained(document, sent)
    problems += _keys_alone(document, sent)
    draft = None if problems else sent.draft()
    return document, draft, problems


def _beyond(document: Document) -> Iterator[Problem]:
    """Yield each field of forms and organisations that no sender decides, such as rights and
    exemptions."""
    more = ("attributes", "default", "reference") if takes_over(document) else ()
    for *place, name in document.names():
        known: Collection[str | int]
        match place:
            case ["organisation"]:
                known = ("name", "ovo", "kbo", "language")
            case ["form"]:
                known = ("application", "contacts", "environments")
            case ["form", "environments", _]:
                known = ("jwks", "scopes", "products", *more)
            case ["form", "environments", _, "scopes", _]:
                known = ("reason", "until", *more)
            case ["form", "environments", _, "jwks", _]:
                known = ("file",)
            case _:
                continue
        if name not in known:
            what = tr("unknown field {name}", name=quoted(str(name)))
            yield document.problem((*place, name), what, tr("remove it here"), at_key=True)


def _unexplained(document: Document, sent: _File) -> Iterator[Problem]:
    """Yield each scope that is taken over without its reason, which nobody but a person knows."""
    for environment, request in sent.form.environments.items():
        for name, scope in request.scopes.items():
            if not (scope.reason or "").strip():
                yield document.problem(
                    ("form", "environments", environment.value, "scopes", name, "reason"),
                    tr("nobody has said why {scope} is needed", scope=quoted(name)),
                    tr("write what the application needs it for, behind reason"),
                )


def _keys_alone(document: Document, sent: _File) -> Iterator[Problem]:
    """Yield each key that is named and not there, and each that no environment names: it would be
    left out, and its sender think that it counts."""
    named: dict[str, DocumentPath] = {}
    for environment, request in sent.form.environments.items():
        for index, entry in enumerate(request.jwks or ()):
            named[entry.file] = ("form", "environments", environment.value, "jwks", index)
    for name, place in named.items():
        if name not in sent.keys:
            yield document.problem(
                place,
                tr("the file names the key {name} and does not have it", name=quoted(name)),
                tr("make the key pair on the page, or leave the key out"),
            )
    for name in sent.keys.keys() - named:
        yield document.problem(
            ("keys", name),
            tr("the file has the key {name}, which no environment names", name=quoted(name)),
            tr("name it under jwks of its environment, or leave it out"),
            at_key=True,
        )


def application_of(document: Document) -> str | None:
    """Return what the sender calls the application, also where the file has mistakes; None where
    that is too long for a name, or no name but a secret."""
    match document.data:
        case {"form": {"application": str(name)}} if 0 < len(name) <= _LONGEST_NAME:
            return None if is_private_key_or_token(name) else name
    return None


def language_of(document: Document) -> Language:
    """Return the language that the sender chose on the page, also where the file has mistakes."""
    match document.data:
        case {"organisation": {"language": str(language)}} if language in list(Language):
            return Language(language)
    return Language.NL
