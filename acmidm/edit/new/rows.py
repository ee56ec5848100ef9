"""Spreadsheets whose rows are each about a form: one for an organisation that a supplier connects,
with its mandate, or scopes for a form that exists, for production too."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap

from acmidm.edit.changes import Content, Placed, Read, Rows
from acmidm.edit.lines import on_one_line, put_last
from acmidm.edit.new.answers import OPTIONS, Answers, Mistakes, about_choice, separate
from acmidm.edit.new.draft import draft_of
from acmidm.edit.new.existing import about_leaving, added_to, draft_adding, form_of_application
from acmidm.edit.new.organisations import (
    NOBODY,
    OwningOrganisation,
    codes_in,
    folders_of,
    identities_of_others,
    owner_of,
    refuse_other_identity,
)
from acmidm.form_text import file_text
from acmidm.sheet import Headings, SheetRow, whole_kbo
from acmidm.words import slug
from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.files import MANDATES_FILE, ORGANISATION_FILE, Files
from acmidm_onboarding.forms.speaking import notes_about_names
from acmidm_onboarding.texts import N_, tr, translated
from acmidm_onboarding.values.identifiers import kbo_number, look_of, ovo_code
from acmidm_onboarding.values.mandate import Mandate, mandate_for
from acmidm_onboarding.values.names import day
from acmidm_onboarding.values.plain import filled
from acmidm_onboarding.values.problems import Failure, quoted
from acmidm_onboarding.values.terms import Environment


class Heading(StrEnum):
    """The columns that are read, here and by import, beside one per field of a product, such as
    ``notificaties.merk_code``; named as in the spreadsheet that connections were kept in."""

    KBO = "KBOnummer"
    OVO = "OVO-code"
    CUSTOMER = "Klant"
    OWNER = "Eigenaar"
    APPLICATION = "Toepassing"
    CONTACT = "Contact"
    PRODUCT = "Product"
    SCOPE = "Scope"
    ENVIRONMENT = "Omgeving"
    REASON = "Reden"
    REFERENCE = "Referentie"
    UNTIL = "Tot"
    MANDATE_UNTIL = "Mandaat tot"
    MANDATE_REFERENCE = "Mandaatreferentie"
    CLIENT_TEST = "CliëntID TEST"
    CLIENT_PROD = "CliëntID PRD"
    TAN = "TAN"
    URI_TEST = "URI TEST"
    URI_PROD = "URI PRD"


_ANSWERS: Mapping[str, str] = {
    "kbo": Heading.KBO,
    "ovo": Heading.OVO,
    "name": Heading.CUSTOMER,
    "owners": Heading.OWNER,
    "application": Heading.APPLICATION,
    "contacts": Heading.CONTACT,
    "products": Heading.PRODUCT,
    "scopes": Heading.SCOPE,
}
"""Which column has each of the answers."""
_CODES = (Heading.KBO, Heading.OVO)
_OF_SCOPES = (
    *(*_CODES, Heading.APPLICATION, Heading.SCOPE, Heading.ENVIRONMENT),
    *(Heading.REASON, Heading.REFERENCE, Heading.UNTIL),
)
CLIENT_IDS = {Environment.TNI: Heading.CLIENT_TEST, Environment.PROD: Heading.CLIENT_PROD}
_OF_CLIENTS = (
    *(Heading.KBO, Heading.CUSTOMER, Heading.TAN, Heading.URI_TEST, Heading.URI_PROD),
    *CLIENT_IDS.values(),
)
_OF_FORMS = (
    *_ANSWERS.values(),
    Heading.MANDATE_UNTIL,
    Heading.MANDATE_REFERENCE,
    *CLIENT_IDS.values(),
)
CLIENTS_HEADINGS = Headings(_OF_CLIENTS, ((Heading.KBO,), tuple(CLIENT_IDS.values())))
SCOPES_HEADINGS = Headings(_OF_SCOPES, (_CODES,), (Heading.MANDATE_UNTIL,))
_LISTS = ("owners", "contacts", "products", "scopes")
_OPTIONS: Mapping[str, str] = {
    **{OPTIONS[name]: column for name, column in _ANSWERS.items()},
    "--environment": Heading.ENVIRONMENT,
    "--until": Heading.UNTIL,
    "--mandate": Heading.MANDATE_UNTIL,
}
"""Which option each column stands for."""
_BELGIAN_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", re.ASCII)


def headings(catalogue: Catalogue) -> Headings:
    """Return the columns of a spreadsheet of organisations."""
    fields = []
    for product in catalogue.products.values():
        fields += [f"{product.product}.{name}" for name in product.properties]
    return Headings(_OF_FORMS, (_CODES, (Heading.MANDATE_UNTIL,)), fields)


class FormRows(Rows[SheetRow]):
    """Sorts out rows that are each about a form. ``common`` are the answers that hold for each row
    that has no own."""

    def __init__(self, common: Answers, read: Read, forms: Path, today: date) -> None:
        super().__init__(read, read())
        self._forms, self._today = forms, today
        self._common, self._given = common, dict[str, str]()
        """What options say for rows that say nothing, by column."""
        for name, column in _ANSWERS.items():
            answer = getattr(common, name) or ""
            self._given[column] = answer if isinstance(answer, str) else ",".join(answer)
        for field, values in common.values.items():
            self._given[".".join(field)] = ",".join(values)
        self._given = filled(self._given)

    def place(self, source: SheetRow) -> Placed[SheetRow]:
        """Return what a row comes to. Raises Failure with all that is wrong with it."""
        mistakes = Mistakes(self._columns(source))
        mistakes.note(*source.faults)
        return self._place(source, self._answers(source), mistakes)

    @abstractmethod
    def _place(self, row: SheetRow, answers: Answers, mistakes: Mistakes) -> Placed[SheetRow]:
        """Return the files of a row by its answers. Raises Failure with all that is wrong."""

    def _answers(self, row: SheetRow) -> Answers:
        """Return what a row says and, where it says nothing, what the options say."""
        cells = {**self._given, **row.values}
        answers: dict[str, Any] = {}
        for name, column in _ANSWERS.items():
            text = cells.get(column, "")
            answers[name] = separate([text]) if name in _LISTS else text or None
        answers["kbo"] = whole_kbo(cells.get(Heading.KBO, "")) or None
        values = {}
        for column, text in cells.items():
            product, dot, name = column.partition(".")
            if dot:
                values[product, name] = [text]
        return replace(self._common, values=values, **answers)

    def _columns(self, row: SheetRow) -> Mapping[str, str]:
        """Return how this row's author knows the options: by the columns that there are."""
        options = dict(_OPTIONS)
        options |= {f"--set {field}": field for field in row.letters if "." in field}
        columns = {}
        for option, column in options.items():
            if row[column] or (column in row.letters and column not in self._given):
                columns[option] = row.named(column)
        return columns

    def _day(self, row: SheetRow, column: Heading, mistakes: Mistakes) -> date | None:
        """Return a last day, which may be written as in Belgium, 31/12/2027; note one that is none,
        or that has passed."""
        text = row[column]
        if not text:
            return None
        option = "--mandate" if column is Heading.MANDATE_UNTIL else "--until"
        if written := _BELGIAN_DAY.fullmatch(text):
            text = f"{written[3]}-{written[2]:0>2}-{written[1]:0>2}"
        try:
            last = day(text)
        except ValueError as error:
            mistakes.add(option, str(error))
            return None
        if last < self._today:
            mistakes.add(option, tr("{day} has passed; give a last day that is to come", day=last))
        return last


_CHECKS = {"ovo": ovo_code, "kbo": kbo_number}


class Towns(FormRows):
    """The organisations that a supplier connects, each with its mandate. ``common.supplier`` is the
    folder of the supplier."""

    def __init__(self, common: Answers, read: Read, forms: Path, today: date) -> None:
        super().__init__(common, read, forms, today)
        self._supplier = common.supplier or ""
        self._organisations = dict(self.onboardings.organisations)
        """With the new ones of earlier rows."""
        self._rows: dict[str, SheetRow] = {}
        """By the codes and the folders of earlier rows."""

    def _place(self, row: SheetRow, answers: Answers, mistakes: Mistakes) -> Placed[SheetRow]:
        """Return the mandate of an organisation and, where it has no form of the application, that
        form, and its own file where it is new. Raises Failure with what is wrong."""
        for column in CLIENT_IDS.values():
            if row[column]:
                mistakes.note(
                    tr(
                        "{column} has a client already; acmidm import takes it over, or empty the"
                        " cell for another client",
                        column=row.named(column),
                    )
                )
        until = self._day(row, Heading.MANDATE_UNTIL, mistakes)
        if not row[Heading.MANDATE_UNTIL]:
            mistakes.miss("--mandate", tr("the last day of the mandate, such as 2027-12-31"))
        if answers.ovo:
            answers = replace(answers, ovo=answers.ovo.upper())
        notes: list[str] = []
        owner = self._existing_owner(row, answers, mistakes, notes)
        there = None
        if owner:
            there, wrong = form_of_application(
                self.onboardings, owner.folder, answers.application or "", Files()
            )
            if wrong:
                mistakes.note(wrong)
        files: dict[Path, Content] = {}
        if owner and there:
            self._require_supplied(there, owner.folder, until or self._today, mistakes)
        else:
            owner, files = self._owner_and_files(owner, answers, mistakes)
        if owner.is_new:
            notes += notes_about_names(owner.folder, owner.organisation, self._organisations)
            self._organisations[owner.folder] = owner.organisation
        application = there.form.application if there else answers.application
        if until:
            notes += self._add_mandate(files, row, owner, application or "", until, mistakes)
        mistakes.require()
        return Placed(row, files, tuple(notes), mistakes.label)

    def _owner_and_files(
        self, owner: OwningOrganisation | None, answers: Answers, mistakes: Mistakes
    ) -> tuple[OwningOrganisation, dict[Path, Content]]:
        """Return whose form a row makes, and its files. Raises Failure where nobody is named."""
        owner = owner or owner_of(answers, self._organisations, self._forms, mistakes)
        draft = draft_of(owner or NOBODY, answers, self.onboardings.catalogue, mistakes)
        if owner is None:
            raise Failure("\n".join(mistakes.sentences))
        language = answers.language or owner.organisation.language
        return draft.owner, draft.files(self._forms, {}, language)

    def _existing_owner(
        self, row: SheetRow, given: Answers, mistakes: Mistakes, notes: list[str]
    ) -> OwningOrganisation | None:
        """Return the organisation of a row where it has a folder, None where it has none. Add to
        ``notes`` what to look at, and to ``mistakes`` why the row cannot be about it."""
        codes = (given.ovo, given.kbo)
        folder = next(iter(folders_of(codes, self.onboardings.organisations)), None)
        for name in (*codes_in(codes), folder or slug(given.name or "")):
            earlier = self._rows.setdefault(name, row) if name else row
            if earlier is not row:
                mistakes.note(
                    tr("{other} is about the same organisation; keep one of them", other=earlier)
                )
                break
        if folder is None:
            return None
        notes += self._refuse_second_identity(row, folder, given, mistakes)
        return OwningOrganisation(folder, self.onboardings.organisations[folder])

    def _refuse_second_identity(
        self, row: SheetRow, folder: str, given: Answers, mistakes: Mistakes
    ) -> list[str]:
        """Note each code and name in a row that is not its organisation's; return what to look at.

        A code that the organisation's file lacks is no contradiction, as long as it is nobody
        else's and the name is its own.
        """
        organisations = self.onboardings.organisations
        organisation = organisations[folder]
        file = (self._forms / folder / ORGANISATION_FILE).as_posix()
        unknown: dict[str, str | None] = {}
        for field, code in (("ovo", given.ovo), ("kbo", given.kbo)):
            if not code or getattr(organisation, field):
                refuse_other_identity({field: code}, organisation, file, mistakes)
                continue
            unknown[field] = code
            try:
                _CHECKS[field](code)
            except ValueError as error:
                mistakes.add(f"--{field}", str(error))
        other_name = given.name
        if other_name and look_of(other_name) == look_of(organisation.name):
            other_name = None
        foreign = identities_of_others({**unknown, "name": other_name}, folder, organisations)
        for field, other_folder in foreign:
            sentence = tr(
                "is that of onboardings/{other}, in a row of onboardings/{folder}; a row is about"
                " one organisation, so correct it",
                other=other_folder,
                folder=folder,
            )
            mistakes.add(f"--{field}", sentence)
        if other_name is None:
            return []
        note = tr(
            "{column} has {given}, and onboardings/{folder} is {name}: see whether it is the same",
            column=row.named(Heading.CUSTOMER),
            given=quoted(other_name),
            folder=folder,
            name=organisation.name,
        )
        if unknown and not _is_part(other_name, organisation.name):
            mistakes.note(note)
        return [note]

    def _require_supplied(
        self, there: LoadedForm, folder: str, until: date, mistakes: Mistakes
    ) -> None:
        """Refuse to prolong the mandate of a form that has the keys of somebody else by now, whose
        mandate was taken out, or that leaves: a sheet that is sent again undoes nothing that
        somebody ended. Raises Failure."""
        form, file = there.form, there.file.as_posix()
        mandate = mandate_for(
            self.onboardings.mandates.get(folder, ()), self._supplier, form.application
        )
        if form.keys_of != self._supplier:
            mistakes.note(
                tr(
                    "{form} has the keys of {whose} now, and not those of {supplier}; if that is"
                    " wrong, its owners change it there and in its mandates.yaml",
                    form=file,
                    whose=form.keys_of or folder,
                    supplier=self._supplier,
                )
            )
        elif mandate is None:
            mistakes.note(
                tr(
                    "{form} has no mandate any more; if it counts again, its owners add it to"
                    " {file}",
                    form=file,
                    file=there.file.with_name(MANDATES_FILE).as_posix(),
                )
            )
        elif mandate.until < until and (leaves := about_leaving(there, self._today)):
            mistakes.note(leaves)
        mistakes.require()

    def _add_mandate(
        self,
        files: dict[Path, Content],
        row: SheetRow,
        owner: OwningOrganisation,
        application: str,
        until: date,
        mistakes: Mistakes,
    ) -> list[str]:
        """Add to ``files`` a mandate until that day, unless one lasts as long already; return what
        a person should look at. Notes in ``mistakes`` why the mandate cannot go on."""
        mandates = self.onboardings.mandates.get(owner.folder, ())
        last = mandate_for(mandates, self._supplier, application)
        if last is not None and last.until >= until:
            return []
        reference, notes = row[Heading.MANDATE_REFERENCE], []
        if last is not None:
            name = owner.organisation.name
            self._require_new_reference(last, mandates, application, reference, name, mistakes)
            notes.append(
                tr(
                    "the mandate of {name} until {before} goes on until {until}",
                    name=name,
                    before=last.until,
                    until=until,
                )
            )
        mandate: dict[str, Any] = {
            "supplier": self._supplier,
            "applications": [application],
            "until": until,
        }
        if reference:
            mandate["reference"] = reference
        file = self._forms / owner.folder / MANDATES_FILE
        if file.exists():
            entry = CommentedMap({**mandate, "applications": on_one_line([application])})
            files[file] = lambda document: put_last(document["mandates"], [entry])
        else:
            files[file] = file_text("mandates", {"mandates": [mandate]})
        return notes

    def _require_new_reference(
        self,
        last: Mandate,
        mandates: Iterable[Mandate],
        application: str,
        reference: str,
        name: str,
        mistakes: Mistakes,
    ) -> None:
        """Note that a mandate that has ended is only repeated, where its reference is none or one
        of an earlier mandate."""
        references = set[str | None]()
        for mandate in mandates:
            if mandate.supplier == self._supplier and application in mandate.allowed:
                references.add(mandate.reference)
        if last.until < self._today and (not reference or reference in references):
            mistakes.note(
                tr(
                    "the mandate of {name} ended on {until}; give what was agreed since, under"
                    " {column}, with a number that no earlier one has",
                    name=name,
                    until=last.until,
                    column=Heading.MANDATE_REFERENCE,
                )
            )


def _is_part(name: str, other_name: str) -> bool:
    """Return whether either name has all words of the other: "Gent" is "Stad Gent" to people."""
    words, others = (set(slug(text).split("-")) for text in (name, other_name))
    return words <= others or others <= words


Grant = Mapping[str, str | date]
"""What a form says of a scope: its reason, reference and last day."""
_NOT_ON = {
    "tni": N_("{form} is not on tni; add the environment to {file} first"),
    "prod": N_("{form} is not on prod yet; bring it there first: acmidm promote {file} --write"),
}


class Scopes(FormRows):
    """Scopes for forms that exist."""

    def __init__(self, common: Answers, read: Read, forms: Path, today: date) -> None:
        super().__init__(common, read, forms, today)
        self._first: dict[tuple[Path, Environment, str], tuple[SheetRow, Grant]] = {}
        """Which row is about a scope of a form, and what it says of it."""

    def _place(self, row: SheetRow, answers: Answers, mistakes: Mistakes) -> Placed[SheetRow]:
        """Return the edit of a form that gives it those scopes of a row that it lacks. Raises
        Failure with what is wrong."""
        loaded = self._form_of_row(answers, mistakes)
        given = (row[Heading.ENVIRONMENT] or Environment.TNI).lower()
        mistakes.add("--environment", *about_choice(given, tuple(Environment)))
        scopes = separate(answers.scopes)
        if not scopes:
            mistakes.miss("--scope", tr("a scope of the catalogue"))
        if loaded and given in _NOT_ON and given not in loaded.form.environments:
            mistakes.note(translated(_NOT_ON[given], form=loaded.name, file=loaded.file))
        fields = {
            "reason": row[Heading.REASON],
            "reference": row[Heading.REFERENCE],
            "until": self._day(row, Heading.UNTIL, mistakes),
        }
        if loaded is None or mistakes.sentences:
            raise Failure("\n".join(mistakes.sentences))
        environment = Environment(given)
        grant: dict[str, str | date] = filled(fields)
        new = {}
        for scope in scopes:
            if self._is_new(row, loaded, environment, scope, grant):
                new[scope] = grant
        draft = draft_adding(loaded, environment, {"scopes": new})
        files = added_to(loaded, draft) if new else {}
        return Placed(row, files, label=mistakes.label)

    def _is_new(
        self,
        row: SheetRow,
        loaded: LoadedForm,
        environment: Environment,
        scope: str,
        grant: Grant,
    ) -> bool:
        """Return whether the form lacks a scope, which an earlier row may give it too. Raises
        Failure where that row says otherwise."""
        first, granted = self._first.setdefault((loaded.file, environment, scope), (row, grant))
        if granted != grant:
            raise Failure(
                tr(
                    "{other} gives {form} scope {scope} with another reason or reference; keep one"
                    " of them",
                    other=first,
                    form=loaded.name,
                    scope=scope,
                )
            )
        return scope not in loaded.form.environments[environment].scopes

    def _form_of_row(self, answers: Answers, mistakes: Mistakes) -> LoadedForm | None:
        """Return the form that a row is about; note why it is about none."""
        codes = (answers.ovo, answers.kbo)
        folders = folders_of(codes, self.onboardings.organisations)
        application, given = answers.application, quoted(" / ".join(filter(None, codes)))
        if application is None:
            mistakes.miss("--application", tr("the name of the application, as its form does"))
        if not folders:
            mistakes.note(
                tr(
                    "no organisation has the code {codes}; correct it, or make its form first",
                    codes=given,
                )
            )
        elif len(folders) > 1:
            mistakes.note(
                tr(
                    "the codes {codes} are those of two organisations; give one of them",
                    codes=given,
                )
            )
        if application is None or len(folders) != 1:
            return None
        loaded, wrong = form_of_application(self.onboardings, folders[0], application, Files())
        if loaded is None and wrong is None:
            wrong = tr(
                "{folder} has no form of {application}; correct the name, or make the form first:"
                " acmidm new",
                folder=self._forms / folders[0],
                application=quoted(application),
            )
        if wrong:
            mistakes.note(wrong)
        return loaded
