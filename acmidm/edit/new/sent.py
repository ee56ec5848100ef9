"""Reading of the file that an organisation makes with the page of the form, or that ``acmidm drift
--take-over`` makes of a change by hand; and the mail that answers its sender. Such a file may have
only those fields of a form that the page, or a take-over, has."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

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
from acmidm_onboarding.forms.files import ORGANISATION_FILE, shown
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
_COMMENT = re.compile(rb"(?:^|\s)#(.*)$", re.MULTILINE)


@dataclass
class Taken:
    """A document that was sent, what to look at in it, and its mistakes."""

    file: Path
    language: Language = Language.NL
    """The sender's."""
    application: str | None = None
    """The name that the sender gives it, also where the file has mistakes."""
    sent: Draft | None = None
    """None where the document has mistakes by itself."""
    notes: list[str] = field(default_factory=list)
    """What whoever takes the file in has to look at, though nothing is wrong."""
    unclear: list[str] = field(default_factory=list)
    """Mistakes that the sender has to correct: the lines of ``mail``."""
    for_team: list[str] = field(default_factory=list)
    """Mistakes that the sender cannot correct: the team that runs onboarding reads them."""
    is_shared: bool = False
    """Whether a private key or a token was sent, so that the sender needs another."""
    takes_over: bool = False
    """Whether it says what somebody changed by hand at an authority."""

    def is_right(self) -> bool:
        """Return whether no mistake is known so far."""
        return not self.unclear and not self.for_team

    def note(self, problem: Problem, path: DocumentPath) -> None:
        """Note a problem in a field as a mistake: for the team where ``organisation.yaml`` does not
        allow what is requested, else for the sender. One that is a private key also sets
        ``is_shared``."""
        contradicted = problem.also if problem.is_other_right else None
        if contradicted and contradicted.name == ORGANISATION_FILE:
            self.for_team.append(problem.sentence)
            return
        # A problem says nothing of its kind but by its sentence.
        self.is_shared |= problem.what in (
            tr("this is a private key"),
            tr("this is a private key or a token"),
        )
        self.correct(problem.sentence, *path)

    def correct(self, sentence: str, *path: str | int) -> None:
        """Note a mistake for the sender, once. ``path`` is the field that it is about, whose label
        on the page comes first; without one the sentence stands alone."""
        line = on_one_line(_label(path) + sentence)
        # acmidm drift --take-over made the file, so that there is no sender to mail.
        sentences = self.for_team if self.takes_over else self.unclear
        if line not in sentences:
            sentences.append(line)

    def mail(self) -> str:
        """Return the mail that asks the sender to correct ``unclear``, in the language that this
        process speaks."""
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


def _none_as_empty(value: object) -> object:
    """Read ``without:`` with nothing behind it as {}: a change by hand that takes nothing away.
    Without the field, a file comes from the page."""
    return {} if value is None else value


class _File(Part):
    """The shape of a sent document. ``keys`` are JSON Web Keys by the file that ``jwks`` of an
    environment names: {"loket.jwk.json": {"kty": "EC", ...}}.

    All of it is checked here by the models of forms. The loader of forms sees less: of an existing
    form or organisation only what the document adds is written.
    """

    organisation: Organisation
    form: Form
    keys: dict[str, dict[str, Any]] = Field(default_factory=dict)
    without: Annotated[Without | None, BeforeValidator(_none_as_empty)] = None

    def draft(self) -> Draft:
        """Return the document as a draft, whose organisation has no folder yet. Its keys are
        public, and otherwise not checked: one that may not be registered stays as its members."""
        environments, keys = {}, {}
        for environment, request in self.form.environments.items():
            environments[environment] = self._fields_of(request)
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

    def _fields_of(self, request: EnvironmentRequest) -> dict[str, Any]:
        """Return the scopes, products and attributes of an environment, as the YAML of a form has
        them: {"scopes": {"dv_dosis_schrijven": {}}}."""
        named = {"scopes", "products", "attributes"}
        fields = {"scopes": {}, **request.model_dump(include=named, exclude_defaults=True)}
        if self.without is not None:
            # A hand may have set a scope to the default of forms, which is a change here.
            for name, scope in request.scopes.items():
                fields["scopes"][name] |= scope.model_dump(exclude_unset=True)
        return fields


def read_sent(file: Path) -> list[Taken]:
    """Return each document of a file, with the mistakes that it has by itself. The page makes files
    of one document; several are read only where all come from ``acmidm drift --take-over``."""
    try:
        content = read_beginning(file)
    except Unreadable as error:
        return [Taken(file, for_team=[f"{error}"])]
    taken = _documents_in(file, content)
    if any(document.is_shared for document in taken):
        return taken
    if is_private_key(b"\n".join(_COMMENT.findall(content))):  # no field has what is there
        taken[0].is_shared = True
        what = tr("a comment is a private key or a token")
        remedy = tr("take it out and have another made, as this one has been shared")
        taken[0].correct(f"{what}; {remedy}")
    return taken


def _documents_in(file: Path, content: bytes) -> list[Taken]:
    """Return each document of a file, as ``read_sent`` does, without a look at its comments."""
    is_yaml, parts = file.suffix == ".yaml", _parts(content)
    if is_yaml and len(parts) > 1:
        taken = [_taken(file, read_document(shown(file), partial(str, part))) for part in parts]
        if all(document.takes_over for document in taken):
            return taken
    document = read_document(shown(file), partial(text_of, content))
    # In a document that can be read, each private key is a mistake at its place, found below.
    if is_private_key(content) and not (is_yaml and document.data):
        what = tr("this is a private key or a token")
        remedy = tr("take it out and have another made, as this one has been shared")
        return [Taken(file, unclear=[f"{what}; {remedy}"], is_shared=True)]
    if not is_yaml:
        sentence = tr(
            "is no file that is read here, or not with others; give files that end in .yaml, or"
            " one alone in {endings}",
            endings=either(SUFFIXES),
        )
        return [Taken(file, for_team=[sentence])]
    return [_taken(file, document)]


def _parts(content: bytes) -> list[str]:
    """Return the text of each YAML document in a file, without those that have comments alone. A
    file that is no text has none: the caller reads it as a whole, and reports that."""
    with suppress(Unreadable):
        return list(filter(_HAS_CONTENT.search, _BEGINS_DOCUMENT.split(text_of(content))))
    return []


def _taken(file: Path, document: YamlDocument) -> Taken:
    """Return what was sent as a document, with the mistakes that it has by itself."""
    sent, problems = validated(_File, document)  # a misspelt name is read as the nearest
    taken = Taken(file, _language_of(document), _application_of(document))
    # Also where the document has mistakes.
    taken.takes_over = isinstance(document.data, Mapping) and "without" in document.data
    if sent is not None:
        problems += _fields_of_others(document, sent)
        if sent.without is not None:
            problems += _missing_reasons(document, sent)
        problems += _unmatched_keys(document, sent)
        if not problems:
            taken.sent = sent.draft()
    for problem in problems:
        taken.note(problem, problem.path)
    return taken


def _fields_of_others(document: YamlDocument, sent: _File) -> Iterator[Problem]:
    """Yield a problem for each field that a form or organisation may have and no sender decides,
    such as ``exemptions`` or ``adopt``."""
    of_take_over = () if sent.without is None else ("attributes", "default", "reference")
    for *place, name in document.key_paths():
        allowed: Collection[str | int]
        match place:
            case ["organisation"]:
                allowed = ("name", "ovo", "kbo", "language")
            case ["form"]:
                allowed = ("application", "contacts", "environments")
            case ["form", "environments", _]:
                allowed = ("jwks", "scopes", "products", *of_take_over)
            case ["form", "environments", _, "scopes", _]:
                allowed = ("reason", "until", *of_take_over)
            case ["form", "environments", _, "jwks", _]:
                allowed = ("file",)
            case _:
                continue
        if name not in allowed:
            yield unknown_field(document, (*place, name), tr("remove it here"))


def _missing_reasons(document: YamlDocument, sent: _File) -> Iterator[Problem]:
    """Yield a problem for each scope without a reason: a take-over leaves it to a person to fill
    in."""
    for environment, request in sent.form.environments.items():
        for name, scope in request.scopes.items():
            if not (scope.reason or "").strip():
                yield document.problem(
                    ("form", "environments", environment.value, "scopes", name, "reason"),
                    tr("nobody has said why {scope} is needed", scope=quoted(name)),
                    tr("write what the application needs it for, behind reason"),
                )


def _unmatched_keys(document: YamlDocument, sent: _File) -> Iterator[Problem]:
    """Yield a problem for each key that ``jwks`` names and ``keys`` lacks, and for each in ``keys``
    that no ``jwks`` names: it would be dropped without its sender knowing."""
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
    """Return the application's name, also where the file has mistakes. None where there is none, or
    a mail should not repeat it: it is too long, or a key or token in the wrong place."""
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
    """Return the page's label of the field at this path, as "Contacts: "; empty where the page has
    no such field."""
    names = [part for part in path if isinstance(part, str)]
    match names:
        case [*_, "products", product, name]:
            of_page = SENTENCES.get(f"form_page.field.{name}")
            label = translated(of_page) if of_page else name
            return f"{product}, {label}: "
        case ["keys", *_]:
            return f"{tr('Public key')}: "
    for name in reversed(names):  # that of a scope is a name of the catalogue
        if of_page := SENTENCES.get(f"form_page.label.{name}"):
            return f"{translated(of_page)}: "
    return ""
