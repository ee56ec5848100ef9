"""``acmidm new --from``: files that organisations made with the page of the form, or that have what
a hand changed at an authority, as a change that is ready to review.

No ``organisation.yaml`` that exists changes. Where something is wrong with one of the files,
nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from acmidm.edit.changes import Changes, Read
from acmidm.edit.keys.declaring import free_names
from acmidm.edit.keys.pair import text_of
from acmidm.edit.new.answers import speaks_for
from acmidm.edit.new.existing import (
    adding,
    form_of_application,
    not_changed,
    request_of,
    taking_over,
)
from acmidm.edit.new.notes import about_form, about_key, about_loss, about_production
from acmidm.edit.new.organisations import Owner, of_earlier_code
from acmidm.edit.new.sent import Sent, application_of, language_of, read_sent, takes_over
from acmidm.edit.new.texts import file_of, new_files
from acmidm.private_key import is_private_key
from acmidm.sheet import SUFFIXES
from acmidm.words import slug
from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.documents import Document, Unreadable, read_beginning
from acmidm_onboarding.forms.files import (
    ORGANISATION_FILE,
    Files,
    absolute,
    form_file,
    shown,
)
from acmidm_onboarding.forms.loading import load_organisations
from acmidm_onboarding.forms.speaking import about_names, problems_of_senders
from acmidm_onboarding.texts import Language, tr, translated
from acmidm_onboarding.texts.page import SENTENCES
from acmidm_onboarding.values.identifiers import SHARED_KBO_NUMBER, look_of
from acmidm_onboarding.values.jwk import readable_jwk
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import (
    DocumentPath,
    Problem,
    either,
    listed,
    on_one_line,
    quoted,
)
from acmidm_onboarding.values.terms import Environment


@dataclass
class Taken:
    """A file that was taken in: who sent it, what it comes to, and what is wrong with it."""

    file: Path
    language: Language = Language.NL
    application: str | None = None
    """What the sender calls it, also where the file has mistakes."""
    sent: Sent | None = None
    written: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a person looks at, though nothing is wrong."""
    unclear: list[str] = field(default_factory=list)
    """What the sender has to correct."""
    for_team: list[str] = field(default_factory=list)
    """What no sender can correct."""
    is_shared: bool = False
    """Whether a private key or a token was sent."""
    takes_over: bool = False
    """Whether it has what a hand changed at an authority."""

    def mail(self) -> str:
        """Return what to answer the sender, in the language that is spoken."""
        subject = tr("Your connection form")
        if self.application is not None:
            subject = tr(
                "Your connection form for {application}", application=on_one_line(self.application)
            )
        lines = [f"{tr('Subject:')} {subject}", ""]
        if self.sent:
            lines.insert(0, f"{tr('To:')} {', '.join(self.sent.form.contacts)}")
        lines += [
            tr("Dear sir or madam") + ",",
            "",
            tr("We cannot process your form yet. This is not clear yet:"),
            *(f"- {one}" for one in self.unclear),
            "",
        ]
        lines.append(
            tr(
                "Open the file on the page of the connection form, correct it, and mail us the new"
                " file."
            )
        )
        if self.is_shared:
            lines.append(
                tr(
                    "Also make a new key pair, for the private key has been shared now. Delete"
                    " your earlier mail."
                )
            )
        return "\n".join([*lines, "", tr("Kind regards"), tr("Digitaal Vlaanderen")])


class Intake:
    """Takes files in, each on top of those before it."""

    def __init__(self, forms: Path, read: Read, catalogue: Catalogue) -> None:
        self._forms, self._catalogue, self.changes = forms, catalogue, Changes(read)
        self._organisations: dict[str, Organisation] = (
            dict(load_organisations(forms)) if forms.is_dir() else {}
        )

    def take(self, files: Iterable[Path]) -> list[Taken]:
        """Take files in, and note what is wrong with them, alone and among all forms."""
        taken = [one for file in files for one in self._take(file)]
        for problem in self.changes.problems():
            for one in taken:
                own = {shown(file) for file in one.written}
                if not own.isdisjoint({problem.file, problem.also}):
                    _note(
                        one, problem, self.changes.path_of(problem) if problem.file in own else ()
                    )
        for one in taken:
            if one.takes_over:  # nobody sent it, so that nobody is mailed
                one.for_team, one.unclear = [*one.for_team, *one.unclear], []
        return taken

    def _take(self, file: Path) -> Iterator[Taken]:
        try:
            content = read_beginning(file)
        except Unreadable as error:
            yield Taken(file, for_team=[f"{error}"])
            return
        for document, sent, problems in read_sent(file):
            yield self._take_document(file, content, document, sent, problems)

    def _take_document(
        self,
        file: Path,
        content: bytes,
        document: Document,
        sent: Sent | None,
        problems: Iterable[Problem],
    ) -> Taken:
        is_form = file.suffix == ".yaml"
        # In what can be read as a form, a private key has its place among the other mistakes.
        if is_private_key(content) and not (is_form and document.data):
            what = tr("this is a private key or a token")
            remedy = tr("take it out and have another made, as this one has been shared")
            return Taken(file, unclear=[f"{what}; {remedy}"], is_shared=True)
        if not is_form:
            sentence = tr(
                "is no file that is read here, or not with others; give files that end in .yaml,"
                " or one alone in {endings}",
                endings=either(SUFFIXES),
            )
            return Taken(file, for_team=[sentence])
        taken = Taken(file, language_of(document), application_of(document), sent)
        taken.takes_over = takes_over(document)
        for problem in problems:
            _note(taken, problem, problem.path)
        if sent is not None and (owner := self._owner_of(sent.organisation, taken)):
            if taken.takes_over:
                taken.notes = [
                    tr(
                        "{name}: the file says what a hand changed at the authority; check that"
                        " acmidm drift --take-over wrote it",
                        name=owner.organisation.name,
                    )
                ]
            self._add(sent, owner, taken)
        return taken

    def _owner_of(self, given: Organisation, taken: Taken) -> Owner | None:
        """Return the organisation by its codes, or a new one; None where it is unclear which."""
        kbo = given.kbo if given.kbo != SHARED_KBO_NUMBER else None
        by_ovo = [
            name for name, one in self._organisations.items() if given.ovo and one.ovo == given.ovo
        ]
        by_kbo = [
            name
            for name, one in self._organisations.items()
            if kbo and one.kbo == kbo and not (given.ovo and one.ovo)
        ]
        folders = list(dict.fromkeys([*by_ovo, *by_kbo]))
        if len(folders) == 1:
            folders += self._contradicting(folders[0], given)
        if len(folders) > 1:
            taken.unclear.append(
                tr(
                    "the codes and the name are those of different organisations ({folders});"
                    " check the codes and the name",
                    folders=listed(folders),
                )
            )
            return None
        if folders:
            [folder] = folders
            taken.notes += _differences(folder, self._organisations[folder], given)
            return Owner(folder, self._organisations[folder])
        for name, code in (("ovo", given.ovo), ("kbo", given.kbo)):
            for sentence in of_earlier_code(code, self._organisations):
                taken.unclear.append(_label((name,)) + sentence)
        if taken.unclear:
            return None
        folder = slug(given.name) or slug(given.code)
        if folder in self._organisations or not folder:
            taken.unclear.append(
                tr(
                    "another organisation here is called {name}, with other codes; check the name"
                    " and the codes",
                    name=quoted(given.name),
                )
            )
            return None
        same = [name for name, one in self._organisations.items() if kbo and one.kbo == kbo]
        if same:
            taken.notes.append(
                tr(
                    "{name} is new and has the KBO number of {folders}: check whether that is"
                    " right",
                    name=quoted(given.name),
                    folders=listed(same),
                )
            )
        fields = given.model_dump(mode="json", include={"name", "ovo", "kbo"}, exclude_none=True)
        fields |= {"language": given.language.value} if given.language is not Language.NL else {}
        return Owner(folder, given, fields)

    def _contradicting(self, folder: str, given: Organisation) -> Iterator[str]:
        """Yield each other organisation whose name or KBO number a sender writes. A number that the
        file of its own lacks may be shared."""
        own = self._organisations[folder]
        for name, other in self._organisations.items():
            is_numbered = own.kbo is not None and given.kbo not in (None, own.kbo)
            has_number = is_numbered and other.kbo == given.kbo
            if name != folder and (has_number or look_of(other.name) == look_of(given.name)):
                yield name

    def _add(self, sent: Sent, owner: Owner, taken: Taken) -> None:
        form = sent.form
        file = absolute(file_of(self._forms, owner.folder, form.application))
        loaded = None if owner.is_new else self._existing(owner.folder, form.application, taken)
        if taken.for_team:
            return
        if sent.without is not None and loaded is None:
            taken.for_team.append(
                tr(
                    "{name} has no form of {application}, and a hand changes none that is new;"
                    " take it over by acmidm import",
                    name=quoted(sent.organisation.name),
                    application=form.application,
                )
            )
            return
        if loaded:
            file = absolute(loaded.file)
        taken.for_team += [] if owner.is_new else self._not_allowed(sent, owner)
        names = {
            environment: self._add_keys(file, environment, sent, loaded, taken)
            for environment in form.environments
        }
        requests: dict[str, dict[str, Any]] = {
            environment: request_of(request, names[environment])
            for environment, request in form.environments.items()
        }
        given = {
            "application": form.application,
            "contacts": form.contacts,
            "environments": requests,
        }
        if loaded:
            added = self.changes.add({file: adding(loaded, given, names)})
            if sent.without is not None:
                added += self.changes.add({file: taking_over(loaded, form, sent.without)})
                taken.notes += about_loss(loaded, sent, sent.without)
            taken.notes += about_form(loaded, sent)
            taken.notes += _warnings(loaded, taken.file, names, is_new=bool(added))
        else:
            owner = owner.speaking(speaks_for(requests, self._catalogue)) if owner.is_new else owner
            added = self.changes.add(
                new_files(self._forms, owner, given, sent.organisation.language)
            )
        taken.written += added
        if added and Environment.PROD in form.environments:
            environments = {*form.environments, *(loaded.form.environments if loaded else ())}
            taken.notes.append(about_production(shown(file), environments))
        if owner.is_new:
            # The next files find it.
            taken.notes += about_names(owner.folder, owner.organisation, self._organisations)
            self._organisations[owner.folder] = owner.organisation

    def _add_keys(
        self,
        file: Path,
        environment: Environment,
        sent: Sent,
        loaded: LoadedForm | None,
        taken: Taken,
    ) -> list[str]:
        """Add the files of keys that a form's environment lacks, and return their names.

        A key of another environment is no key that it has: the loader says what is wrong with it.
        """
        files = Files(self.changes.texts)
        there = {key.thumbprint for key in (loaded.keys.get(environment, ()) if loaded else ())}
        # What is no public key is for the loader to say.
        read = [(key, readable_jwk(key)) for key in sent.keys_of(environment)]
        more = [one for one in read if one[1] is None or one[1].thumbprint not in there]
        base = f"{file.stem}-{environment}-{datetime.now(UTC).year}"
        free = free_names(
            base, len(more), lambda name: files.exists(file.with_name(f"{name}.jwk.json"))
        )
        names = [f"{name}.jwk.json" for name in free]
        for name, (key, public) in zip(names, more, strict=True):
            text = text_of(public) if public else json.dumps(key)
            taken.written += self.changes.add({file.with_name(name): text})
            if public is None:
                continue
            if public.has_ended(datetime.now(UTC)):
                sentence = tr(
                    "key {kid} ended on {expires:%Y-%m-%d}; give one that can still be used",
                    kid=quoted(public.thumbprint),
                    expires=public.expires,
                )
                taken.unclear.append(_label(("keys",)) + sentence)
            taken.notes.append(about_key(name, public))
        return names

    def _existing(self, folder: str, application: str, taken: Taken) -> LoadedForm | None:
        """Return the form that an application has; note why none can be used that is there."""
        files = Files(self.changes.texts)
        read = self.changes.read(paths=[self._forms / folder], files=files)
        loaded, wrong = form_of_application(read, folder, application, files)
        file = absolute(self._forms / folder / form_file(application))
        if loaded is None and wrong is None and files.exists(file):
            wrong = not_changed(shown(file))
        if wrong and loaded:
            taken.unclear.append(_label(("application",)) + wrong)
        elif wrong:
            taken.for_team.append(wrong)
        return loaded

    def _not_allowed(self, sent: Sent, owner: Owner) -> Iterator[str]:
        """Yield each value for which the organisation does not speak yet: the team that runs
        onboarding adds it."""
        file = Document(self._forms / owner.folder / ORGANISATION_FILE)
        for request in sent.form.environments.values():
            for name, configuration in request.products.items():
                product = self._catalogue.products.get(name)
                if product is None:
                    continue
                for problem in problems_of_senders(
                    Document(Path()), (), product, configuration, file, owner.organisation
                ):
                    yield f"{problem.what}; {problem.remedy}"


def _differences(folder: str, organisation: Organisation, given: Organisation) -> Iterator[str]:
    """Yield what a sender says otherwise than ``organisation.yaml``, which stays, and whom to
    ask."""
    yield tr(
        "{name} exists already: check that the sender may speak for it", name=organisation.name
    )
    for name in ("name", "ovo", "kbo"):
        own, stays = getattr(given, name), getattr(organisation, name)
        if own is not None and own != stays:
            has = quoted(stays) if stays else tr("none")
            yield tr(
                "{folder}/organisation.yaml does not change: the sender writes {own} as {field},"
                " where it has {has}",
                folder=folder,
                field=name,
                own=quoted(own),
                has=has,
            )


def _warnings(
    loaded: LoadedForm,
    sent: Path,
    key_files: Mapping[Environment, Sequence[str]],
    *,
    is_new: bool,
) -> Iterator[str]:
    """Yield what somebody should know who adds to a form: that it has all of it, or that keys in
    the portal will leave."""
    if not is_new:
        yield tr(
            "{sent} changes nothing: {file} has all of it already", sent=sent, file=loaded.file
        )
    for environment, request in loaded.form.environments.items():
        if request.jwks is None and key_files.get(environment):
            yield tr(
                "From then on {form} names every key for {environment}: one that was uploaded in"
                " the portal and is not here goes.",
                form=loaded.file,
                environment=environment,
            )


def _note(taken: Taken, problem: Problem, path: DocumentPath) -> None:
    taken.is_shared |= problem.what in (
        tr("this is a private key"),
        tr("this is a private key or a token"),
    )
    sentence = on_one_line(f"{_label(path)}{problem.what}; {problem.remedy}")
    is_for_team = any(problem.what in one for one in taken.for_team)
    if sentence not in taken.unclear and not is_for_team:
        taken.unclear.append(sentence)


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
