"""The file that an organisation makes with the page of the form, or ``acmidm drift --take-over`` of
what a hand changed: how it is read, and what its sender is answered. It can say what its writer
can, and nothing else of a form."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from acmidm.edit.changes import Content
from acmidm.edit.new.draft import Draft, Key, Without
from acmidm.edit.new.organisations import OwningOrganisation
from acmidm.private_key import is_private_key
from acmidm.sheet import SUFFIXES
from acmidm_onboarding.forms.documents import (
    Unreadable,
    YamlDocument,
    read_beginning,
    read_document,
    text_of,
)
from acmidm_onboarding.forms.files import shown
from acmidm_onboarding.forms.form import EnvironmentRequest, Form
from acmidm_onboarding.forms.validation import unknown_field, validated
from acmidm_onboarding.texts import Language, tr, translated
from acmidm_onboarding.texts.page import SENTENCES
from acmidm_onboarding.values.jwk import readable_jwk
from acmidm_onboarding.values.names import Part
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import DocumentPath, Problem, either, on_one_line, quoted
from acmidm_onboarding.values.secrecy import is_private_key_or_token

_LONGEST_NAME = 64
_BEGINS_DOCUMENT = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_HAS_CONTENT = re.compile(r"^(?!#).*[^ \r\n-]", re.MULTILINE)


@dataclass
class Taken:
    """A file that was taken in: who sent it, what it comes to, and what is wrong with it."""

    file: Path
    language: Language = Language.NL
    application: str | None = None
    """What the sender calls it, also where the file has mistakes."""
    sent: Draft | None = None
    files: Mapping[Path, Content] = field(default_factory=dict)
    """What it comes to: the form is the last."""
    notes: list[str] = field(default_factory=list)
    """What a person looks at, though nothing is wrong."""
    unclear: list[str] = field(default_factory=list)
    """What the sender has to correct."""
    for_team: list[str] = field(default_factory=list)
    """What no sender can correct."""
    is_shared: bool = False
    """Whether a private key or a token was sent."""
    takes_over: bool = False
    """Whether it says what a hand changed at an authority."""

    def is_right(self) -> bool:
        return not self.unclear and not self.for_team

    def note(self, problem: Problem, path: DocumentPath) -> None:
        """Note a mistake in a field, which whoever sent the file can correct."""
        self.is_shared |= problem.what in (
            tr("this is a private key"),
            tr("this is a private key or a token"),
        )
        self.correct(problem.sentence, *path)

    def correct(self, sentence: str, *path: str | int) -> None:
        """Note once what its sender has to correct, in a field where it is about one."""
        line = on_one_line(_label(path) + sentence)
        # Nobody sent what takes over, so that nobody is mailed.
        sentences = self.for_team if self.takes_over else self.unclear
        if line not in sentences:
            sentences.append(line)

    def mail(self) -> str:
        """Return what to answer the sender, in the language that is spoken."""
        subject = tr("Your connection form")
        if self.application is not None:
            subject = tr(
                "Your connection form for {application}", application=on_one_line(self.application)
            )
        lines = [
            f"{tr('Subject:')} {subject}",
            "",
            tr("Dear sir or madam") + ",",
            "",
            tr("We cannot process your form yet. This is not clear yet:"),
            *(f"- {sentence}" for sentence in self.unclear),
            "",
            tr(
                "Open the file on the page of the connection form, correct it, and mail us the new"
                " file."
            ),
        ]
        if self.sent:
            lines.insert(0, f"{tr('To:')} {', '.join(self.sent.form['contacts'])}")
        if self.is_shared:
            lines.append(
                tr(
                    "Also make a new key pair, for the private key has been shared now. Delete"
                    " your earlier mail."
                )
            )
        return "\n".join([*lines, "", tr("Kind regards"), tr("Digitaal Vlaanderen")])


def _nothing_is_empty(value: object) -> object:
    """Accept ``without:`` with nothing behind it: the form loses nothing by what a hand did."""
    return {} if value is None else value


class _File(Part):
    """A draft as a file has it, by the loader's own models. Each key has the name of its file.

    The loader reads what is written, and of an organisation or a form that exists that is less than
    what was sent. So what is wrong with the rest is only seen here.
    """

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
            keys[environment] = list[Key]()
            for entry in request.jwks or ():
                members = self.keys[entry.file]
                keys[environment].append(readable_jwk(members) or members)
        form = {
            "application": self.form.application,
            "contacts": self.form.contacts,
            "environments": environments,
        }
        return Draft(OwningOrganisation("", self.organisation), form, keys, self.without)

    def _request(self, request: EnvironmentRequest) -> dict[str, Any]:
        """Return what a form has for an environment beside its keys, by its names there."""
        named = {"scopes", "products", "attributes"}
        fields = {"scopes": {}, **request.model_dump(include=named, exclude_defaults=True)}
        if self.without is not None:
            # A hand may have changed a scope to what is the default of a form.
            for name, scope in request.scopes.items():
                fields["scopes"][name] |= scope.model_dump(exclude_unset=True)
        return fields


def read_sent(file: Path) -> list[Taken]:
    """Return each document of a file, with what is wrong with it by itself: one, or several that
    take over."""
    try:
        content = read_beginning(file)
    except Unreadable as error:
        return [Taken(file, for_team=[f"{error}"])]
    parts = _parts(content)
    if len(parts) > 1:
        documents = [_taken(file, content, _document(file, part)) for part in parts]
        if all(taken.takes_over for taken in documents):
            return documents
    document = read_document(shown(file), partial(text_of, content))
    return [_taken(file, content, document)]


def _parts(content: bytes) -> list[str]:
    """Return the text of each document that has more than comments; none where the file is no text
    that is read here, which is said of it as a whole."""
    with suppress(Unreadable):
        return list(filter(_HAS_CONTENT.search, _BEGINS_DOCUMENT.split(text_of(content))))
    return []


def _document(file: Path, text: str) -> YamlDocument:
    return read_document(shown(file), lambda: text)


def _takes_over(document: YamlDocument) -> bool:
    """Return whether a document has what a hand changed, also where it has mistakes."""
    return isinstance(document.data, Mapping) and "without" in document.data


def _taken(file: Path, content: bytes, document: YamlDocument) -> Taken:
    """Return a document that was sent, with what is wrong with it by itself. ``content`` is that of
    the whole file."""
    is_form = file.suffix == ".yaml"
    # In what can be read as a form, a private key has its place among the other mistakes.
    if is_private_key(content) and not (is_form and document.data):
        what = tr("this is a private key or a token")
        remedy = tr("take it out and have another made, as this one has been shared")
        return Taken(file, unclear=[f"{what}; {remedy}"], is_shared=True)
    if not is_form:
        sentence = tr(
            "is no file that is read here, or not with others; give files that end in .yaml, or"
            " one alone in {endings}",
            endings=either(SUFFIXES),
        )
        return Taken(file, for_team=[sentence])
    sent, problems = validated(_File, document)  # it reads a misspelt name as what is meant
    taken = Taken(file, _language_of(document), _application_of(document))
    taken.takes_over = _takes_over(document)
    if sent is not None:
        problems += _beyond(document)
        if sent.without is not None:
            problems += _unexplained(document, sent)
        problems += _keys_alone(document, sent)
        if not problems:
            taken.sent = sent.draft()
    for problem in problems:
        taken.note(problem, problem.path)
    return taken


def _beyond(document: YamlDocument) -> Iterator[Problem]:
    """Yield each field of forms and organisations that no sender decides, such as rights and
    exemptions."""
    taken_over = ("attributes", "default", "reference") if _takes_over(document) else ()
    for *place, name in document.key_paths():
        known: Collection[str | int]
        match place:
            case ["organisation"]:
                known = ("name", "ovo", "kbo", "language")
            case ["form"]:
                known = ("application", "contacts", "environments")
            case ["form", "environments", _]:
                known = ("jwks", "scopes", "products", *taken_over)
            case ["form", "environments", _, "scopes", _]:
                known = ("reason", "until", *taken_over)
            case ["form", "environments", _, "jwks", _]:
                known = ("file",)
            case _:
                continue
        if name not in known:
            yield unknown_field(document, (*place, name), tr("remove it here"))


def _unexplained(document: YamlDocument, sent: _File) -> Iterator[Problem]:
    """Yield each scope that is taken over without its reason, which nobody but a person knows."""
    for environment, request in sent.form.environments.items():
        for name, scope in request.scopes.items():
            if not (scope.reason or "").strip():
                yield document.problem(
                    ("form", "environments", environment.value, "scopes", name, "reason"),
                    tr("nobody has said why {scope} is needed", scope=quoted(name)),
                    tr("write what the application needs it for, behind reason"),
                )


def _keys_alone(document: YamlDocument, sent: _File) -> Iterator[Problem]:
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


def _application_of(document: YamlDocument) -> str | None:
    """Return what the sender calls the application, also where the file has mistakes; None where
    that is too long for a name, or no name but a secret."""
    match document.data:
        case {"form": {"application": str(name)}} if 0 < len(name) <= _LONGEST_NAME:
            return None if is_private_key_or_token(name) else name
    return None


def _language_of(document: YamlDocument) -> Language:
    """Return the language that the sender chose on the page, also where the file has mistakes."""
    match document.data:
        case {"organisation": {"language": str(language)}} if language in list(Language):
            return Language(language)
    return Language.NL


def _label(path: DocumentPath) -> str:
    """Return how the page calls what a mistake is about, empty where that is no field of it."""
    names = [part for part in path if isinstance(part, str)]
    match names:
        case [*_, "products", product, name]:
            field_name = SENTENCES.get(f"form_page.field.{name}")
            label = translated(field_name) if field_name else name
            return f"{product}, {label}: "
        case [*_, ("scopes" | "jwks") as name] | [*_, "scopes" as name, _]:
            return f"{translated(SENTENCES[f'form_page.label.{name}'])}: "
        case ["keys", *_]:
            return f"{tr('Public key')}: "
        case [*_, name] if f"form_page.label.{name}" in SENTENCES:
            return f"{translated(SENTENCES[f'form_page.label.{name}'])}: "
    return ""
