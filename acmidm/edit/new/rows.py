"""``acmidm new --from`` with a spreadsheet. Each row connects an organisation by a supplier, with a
form and a mandate (``Towns``), or adds scopes to an existing form (``Scopes``)."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
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
    Found,
    Kind,
    OwningOrganisation,
    find,
    owner_by,
)
from acmidm.form_text import file_text
from acmidm.sheet import Headings, SheetRow, whole_kbo
from acmidm.words import slug
from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.files import MANDATES_FILE, Files
from acmidm_onboarding.forms.speaking import notes_about_names
from acmidm_onboarding.texts import N_, tr, translated
from acmidm_onboarding.values.mandate import mandate_for
from acmidm_onboarding.values.names import day
from acmidm_onboarding.values.plain import filled
from acmidm_onboarding.values.problems import Failure, quoted
from acmidm_onboarding.values.terms import Environment


class Heading(StrEnum):
    """The columns that are read, here and by ``acmidm import``, named as in the spreadsheet that
    connections were kept in. A field of a product has a column too: ``notificaties.merk_code``."""

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
"""The column of each field of ``Answers``."""
_CODES = (Heading.KBO, Heading.OVO)
_OF_SCOPES = (
    *(*_CODES, Heading.APPLICATION, Heading.SCOPE, Heading.ENVIRONMENT),
    *(Heading.REASON, Heading.REFERENCE, Heading.UNTIL),
    Heading.MANDATE_UNTIL,  # which is refused
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
SCOPES_HEADINGS = Headings(_OF_SCOPES, (_CODES,))
_LISTS = ("owners", "contacts", "products", "scopes")
"""The fields of ``Answers`` that take several values, with commas between them in a cell."""
_COLUMNS: Mapping[str, str] = {
    **{OPTIONS[name]: column for name, column in _ANSWERS.items()},
    "--environment": Heading.ENVIRONMENT,
    "--until": Heading.UNTIL,
    "--mandate": Heading.MANDATE_UNTIL,
}
"""The column that takes the place of each option."""
_TO_CHECK = (Kind.LACKS, Kind.NAME)
"""In what a row may differ from the organisation that its codes are those of."""
_BELGIAN_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", re.ASCII)


def headings(catalogue: Catalogue) -> Headings:
    """Return the columns of a spreadsheet for ``Towns``."""
    columns: list[str] = [*_OF_FORMS]
    for product in catalogue.products.values():
        columns += [f"{product.product}.{name}" for name in product.properties]
    return Headings(columns, (_CODES, (Heading.MANDATE_UNTIL,)))


class FormRows(Rows[SheetRow]):
    """Rows that are each about one form. ``common`` are the answers that options give: each holds
    for the rows whose cell is empty."""

    def __init__(self, common: Answers, read: Read, forms: Path, today: date) -> None:
        super().__init__(read, read())
        self._forms, self._today = forms, today
        self._common, defaults = common, dict[str, str]()
        for name, column in _ANSWERS.items():
            answer = getattr(common, name) or ""
            defaults[column] = answer if isinstance(answer, str) else ",".join(answer)
        for field, values in common.values.items():
            defaults[".".join(field)] = ",".join(values)
        self._defaults = filled(defaults)
        """What options say, as the text of an empty cell, by column."""

    def place(self, source: SheetRow) -> Placed[SheetRow]:
        """Return the files of a row. Raises Failure with a line for each mistake in it."""
        mistakes = Mistakes(self._columns(source))
        mistakes.note(*source.faults)
        return self._place(source, self._answers(source), mistakes)

    @abstractmethod
    def _place(self, row: SheetRow, answers: Answers, mistakes: Mistakes) -> Placed[SheetRow]:
        """Return the files of a row by its answers. Raises Failure with ``mistakes``, to which it
        adds its own."""

    def _answers(self, row: SheetRow) -> Answers:
        """Return the answers in a row; those of empty cells are the options'."""
        cells = {**self._defaults, **row.values}
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
        """Return the column in which a row gives the answer of each option, for its ``Mistakes``:
        {"--contact": "column F (Contact)"}. Where the option itself gave the answer, it is left
        out."""
        columns_by_option = dict(_COLUMNS)
        columns_by_option |= {f"--set {field}": field for field in row.letters if "." in field}
        columns = {}
        for option, column in columns_by_option.items():
            if row[column] or (column in row.letters and column not in self._defaults):
                columns[option] = row.named(column)
        return columns

    def _day(self, row: SheetRow, column: Heading, mistakes: Mistakes) -> date | None:
        """Return the last day in a cell, written 2027-12-31 or, as in Belgium, 31/12/2027. None
        where the cell is empty, or has no day, which is noted in ``mistakes``; so is a day that has
        passed."""
        text = row[column]
        if not text:
            return None
        option = "--mandate" if column is Heading.MANDATE_UNTIL else "--until"
        if parts := _BELGIAN_DAY.fullmatch(text):
            text = f"{parts[3]}-{parts[2]:0>2}-{parts[1]:0>2}"
        try:
            last = day(text)
        except ValueError as error:
            mistakes.add(option, str(error))
            return None
        if last < self._today:
            mistakes.add(option, tr("{day} has passed; give a last day that is to come", day=last))
        return last


class Towns(FormRows):
    """Rows of organisations, such as towns, that a supplier connects: each gets a form with the
    supplier's keys, and a mandate for the supplier. ``common.supplier`` is its folder."""

    def __init__(self, common: Answers, read: Read, forms: Path, today: date) -> None:
        super().__init__(common, read, forms, today)
        self._supplier = common.supplier or ""
        self._organisations = dict(self.onboardings.organisations)
        """Those on disk, and the new ones of earlier rows."""
        self._rows: dict[str, SheetRow] = {}
        """The first row about each organisation, by its folder; where it is unclear which one it
        is, by that of the name."""

    def _place(self, row: SheetRow, answers: Answers, mistakes: Mistakes) -> Placed[SheetRow]:
        """Return the mandate of an organisation, a form where it has none of the application, and
        ``organisation.yaml`` where it is new. Raises Failure with all mistakes in the row."""
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
        owner, notes = self._owner(row, answers, mistakes)
        existing = None
        if owner and not owner.is_new:
            existing, refusal = form_of_application(
                self.onboardings, owner.folder, answers.application or "", Files()
            )
            if refusal:
                mistakes.note(refusal)
        files: dict[Path, Content] = {}
        if owner and existing:
            self._require_prolongable(existing, owner.folder, until or self._today, mistakes)
        else:
            owner, files = self._new_form(owner, answers, mistakes)
        if owner.is_new:
            notes += notes_about_names(owner.folder, owner.organisation, self._organisations)
            self._organisations[owner.folder] = owner.organisation
        application = existing.form.application if existing else answers.application
        if until:
            notes += self._add_mandate(files, row, owner, application or "", until, mistakes)
        mistakes.require()
        return Placed(row, files, tuple(notes), mistakes.label)

    def _owner(
        self, row: SheetRow, given: Answers, mistakes: Mistakes
    ) -> tuple[OwningOrganisation | None, list[str]]:
        """Return the organisation of a row, with what a person has to check about it. None, with
        why in ``mistakes``, where it is unclear which one it is, or it may not be new. That an
        earlier row is about it is noted there too."""
        found = find(given, self._organisations)
        owner = owner_by(found, mistakes, _TO_CHECK)
        folder = owner.folder if owner else slug(given.name or "")
        earlier = self._rows.setdefault(folder, row) if folder else row
        if earlier is not row:
            mistakes.note(
                tr("{other} is about the same organisation; keep one of them", other=earlier)
            )
        return owner, found.notes(_TO_CHECK)

    def _new_form(
        self, owner: OwningOrganisation | None, answers: Answers, mistakes: Mistakes
    ) -> tuple[OwningOrganisation, dict[Path, Content]]:
        """Return the organisation of a new form, and its files. Raises Failure with all mistakes
        where there is none."""
        # Without an owner, a draft all the same: it notes the mistakes in the other answers.
        draft = draft_of(owner or NOBODY, answers, self.onboardings.catalogue, mistakes)
        if owner is None:
            raise Failure("\n".join(mistakes.sentences))
        language = answers.language or owner.organisation.language
        return draft.owner, draft.files(self._forms, {}, language)

    def _require_prolongable(
        self, existing: LoadedForm, folder: str, until: date, mistakes: Mistakes
    ) -> None:
        """Raises Failure with all mistakes where a form has the keys of somebody else by now, its
        mandate was taken out, or it leaves and the mandate would be prolonged to ``until``: a sheet
        that is sent a second time undoes nothing that somebody ended."""
        form, file = existing.form, existing.file.as_posix()
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
                    file=existing.file.with_name(MANDATES_FILE).as_posix(),
                )
            )
        elif mandate.until < until and (refusal := about_leaving(existing, self._today)):
            mistakes.note(refusal)
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
        """Add to ``files`` a mandate for the supplier until a day; nothing where the organisation
        has one that lasts as long. Return the note about the mandate that it prolongs. Note in
        ``mistakes`` a prolonging that needs a new reference."""
        mandates = self.onboardings.mandates.get(owner.folder, ())
        last = mandate_for(mandates, self._supplier, application)
        if last is not None and last.until >= until:
            return []
        reference, notes = row[Heading.MANDATE_REFERENCE], []
        if last is not None:
            name = owner.organisation.name
            earlier = set[str | None]()
            for mandate in mandates:
                if mandate.supplier == self._supplier and application in mandate.allowed:
                    earlier.add(mandate.reference)
            # A sheet that is sent a second time revives no mandate that ended.
            if last.until < self._today and (not reference or reference in earlier):
                mistakes.note(
                    tr(
                        "the mandate of {name} ended on {until}; give what was agreed since, under"
                        " {column}, with a number that no earlier one has",
                        name=name,
                        until=last.until,
                        column=Heading.MANDATE_REFERENCE,
                    )
                )
            notes.append(
                tr(
                    "the mandate of {name} until {before} goes on until {until}",
                    name=name,
                    before=last.until,
                    until=until,
                )
            )
        fields: dict[str, Any] = {
            "supplier": self._supplier,
            "applications": [application],
            "until": until,
        }
        if reference:
            fields["reference"] = reference
        file = self._forms / owner.folder / MANDATES_FILE
        if file.exists():
            entry = CommentedMap({**fields, "applications": on_one_line([application])})
            files[file] = lambda document: put_last(document["mandates"], [entry])
        else:
            files[file] = file_text("mandates", {"mandates": [fields]})
        return notes


Grant = Mapping[str, str | date]
"""The fields of a scope in a form: {"reason": "dossiers", "reference": "SD-4711", "until":
date(2027, 12, 31)}, each where a row gives it."""
_NOT_ON = {
    "tni": N_("{form} is not on tni; add the environment to {file} first"),
    "prod": N_("{form} is not on prod yet; bring it there first: acmidm promote {file} --write"),
}


class Scopes(FormRows):
    """Rows of scopes that existing forms get, for TNI or production."""

    def __init__(self, common: Answers, read: Read, forms: Path, today: date) -> None:
        super().__init__(common, read, forms, today)
        self._first: dict[tuple[Path, Environment, str], tuple[SheetRow, Grant]] = {}
        """The first row about each scope of a form, and the fields that it gives the scope."""

    def _place(self, row: SheetRow, answers: Answers, mistakes: Mistakes) -> Placed[SheetRow]:
        """Return the edit that adds to a form those scopes of a row that it lacks; no files where
        it has all. Raises Failure with all mistakes in the row."""
        found = find(answers, self.onboardings.organisations)
        loaded = self._form_of_row(found, answers, mistakes)
        name = (row[Heading.ENVIRONMENT] or Environment.TNI).lower()
        mistakes.add("--environment", *about_choice(name, tuple(Environment)))
        scopes = separate(answers.scopes)
        if not scopes:
            mistakes.miss("--scope", tr("a scope of the catalogue"))
        if loaded and name in _NOT_ON and name not in loaded.form.environments:
            mistakes.note(translated(_NOT_ON[name], form=loaded.name, file=loaded.file))
        fields = {
            "reason": row[Heading.REASON],
            "reference": row[Heading.REFERENCE],
            "until": self._day(row, Heading.UNTIL, mistakes),
        }
        if loaded is None or mistakes.sentences:
            raise Failure("\n".join(mistakes.sentences))
        environment = Environment(name)
        grant: dict[str, str | date] = filled(fields)
        new = {}
        for scope in scopes:
            if self._is_new(row, loaded, environment, scope, grant):
                new[scope] = grant
        if new and (leaving := about_leaving(loaded, self._today)):
            raise Failure(leaving)
        draft = draft_adding(loaded, environment, {"scopes": new})
        files = added_to(loaded, draft) if new else {}
        return Placed(row, files, tuple(found.notes(_TO_CHECK)), mistakes.label)

    def _is_new(
        self,
        row: SheetRow,
        loaded: LoadedForm,
        environment: Environment,
        scope: str,
        grant: Grant,
    ) -> bool:
        """Return whether a form lacks a scope. Raises Failure where an earlier row gives the form
        the same scope with other fields; with the same ones, both rows add it."""
        first_row, first_grant = self._first.setdefault(
            (loaded.file, environment, scope), (row, grant)
        )
        if first_grant != grant:
            raise Failure(
                tr(
                    "{other} gives {form} scope {scope} with another reason or reference; keep one"
                    " of them",
                    other=first_row,
                    form=loaded.name,
                    scope=scope,
                )
            )
        return scope not in loaded.form.environments[environment].scopes

    def _form_of_row(self, found: Found, answers: Answers, mistakes: Mistakes) -> LoadedForm | None:
        """Return the form of a row, by the organisation that was found for its codes and its
        application. None, with the reason in ``mistakes``, where they name none; a form that has
        another name now is returned, and is a mistake too."""
        application = answers.application
        if application is None:
            mistakes.miss("--application", tr("the name of the application, as its form does"))
        owner = owner_by(found, mistakes, _TO_CHECK)
        if owner and owner.is_new:
            codes = filter(None, (answers.ovo, answers.kbo))
            mistakes.note(
                tr(
                    "no organisation has the code {codes}; correct it, or make its form first",
                    codes=quoted(" / ".join(codes)),
                )
            )
        if application is None or owner is None or owner.is_new:
            return None
        loaded, refusal = form_of_application(self.onboardings, owner.folder, application, Files())
        if loaded is None and refusal is None:
            refusal = tr(
                "{folder} has no form of {application}; correct the name, or make the form first:"
                " acmidm new",
                folder=self._forms / owner.folder,
                application=quoted(application),
            )
        if refusal:
            mistakes.note(refusal)
        return loaded
