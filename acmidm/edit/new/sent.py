"""The file that an organisation makes with the page of the form, or ``acmidm drift --take-over`` of
what a hand changed, as it is read. It can say what its writer can, and nothing else of a form."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
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

_OF_ORGANISATION = ("name", "ovo", "kbo", "language")
_OF_FORM = ("application", "contacts", "environments")
_OF_REQUEST = ("jwks", "scopes", "products")
_OF_SCOPE = ("reason", "until")
_OF_KEY = ("file",)
_TAKEN_OVER = ("attributes", "default", "reference")
"""What a file that takes over has of an environment and of a scope besides."""
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
    try:
        text = read_text(file)
    except Unreadable:
        return [_read(read_document(file, shown(file)))]
    if len(parts := documents_in(text)) > 1:
        read = [_read(_document(file, part)) for part in parts]
        if all(takes_over(document) for document, _, _ in read):
            return read
    return [_read(_document(file, text))]


def documents_in(text: str) -> list[str]:
    """Return each document of a YAML text that has more than comments, behind as many empty lines
    as are before it, so that its mistakes have their places."""
    starts = [match.start() for match in _BEGINS_DOCUMENT.finditer(text)]
    ends = [*starts, len(text)]
    parts = []
    for start, end in zip([0, *starts], ends, strict=True):
        lines = text[start:end].splitlines()
        if any(line.strip(" -") and not line.startswith("#") for line in lines):
            parts.append("\n" * text.count("\n", 0, start) + text[start:end])
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
    more = () if sent.without is None else _TAKEN_OVER
    problems += _beyond(document, ("organisation",), sent.organisation, _OF_ORGANISATION)
    problems += _beyond(document, ("form",), sent.form, _OF_FORM)
    for environment, request in sent.form.environments.items():
        path: DocumentPath = ("form", "environments", environment.value)
        problems += _beyond(document, path, request, (*_OF_REQUEST, *more))
        for name, scope in request.scopes.items():
            place = (*path, "scopes", name)
            problems += _beyond(document, place, scope, (*_OF_SCOPE, *more))
            if more and not (scope.reason or "").strip():
                what = tr("nobody has said why {scope} is needed", scope=quoted(name))
                remedy = tr("write what the application needs it for, behind reason")
                problems.append(document.problem((*place, "reason"), what, remedy))
        for index, entry in enumerate(request.jwks or ()):
            entry_place = (*path, "jwks", index)
            problems += _beyond(document, entry_place, entry, _OF_KEY)
            if entry.file not in sent.keys:
                what = tr(
                    "the file names the key {name} and does not have it", name=quoted(entry.file)
                )
                problems.append(
                    document.problem(
                        entry_place, what, tr("make the key pair on the page, or leave the key out")
                    )
                )
    problems += _unnamed_keys(document, sent)
    draft = None if problems else sent.draft()
    return document, draft, problems


def _unnamed_keys(document: Document, sent: _File) -> Iterator[Problem]:
    """Yield each key that no environment names: it would be left out, and its sender think that it
    counts."""
    named: set[str] = set()
    for request in sent.form.environments.values():
        named.update(entry.file for entry in request.jwks or ())
    for name in sent.keys.keys() - named:
        what = tr("the file has the key {name}, which no environment names", name=quoted(name))
        yield document.problem(
            ("keys", name),
            what,
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


def _beyond(
    document: Document, path: DocumentPath, part: Part, known: Collection[str]
) -> Iterator[Problem]:
    """Yield each field of forms and organisations that no sender decides, such as rights and
    exemptions."""
    for name in sorted(part.model_fields_set - set(known)):
        what = tr("unknown field {name}", name=quoted(name))
        yield document.problem((*path, name), what, tr("remove it here"), at_key=True)
