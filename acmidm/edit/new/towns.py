"""A form for each row of a spreadsheet: organisations that one supplier connects, each with its
mandate."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap

from acmidm.edit.changes import Content, Placed, Read, Rows
from acmidm.edit.lines import on_one_line, put_last
from acmidm.edit.new.answers import Answers, Checker, separate
from acmidm.edit.new.checks import of_code
from acmidm.edit.new.draft import draft_of
from acmidm.edit.new.existing import called_otherwise, existing_form, faulty_form, not_changed
from acmidm.edit.new.organisations import code_in, folders_by_code, refuse_another
from acmidm.form_text import file_text
from acmidm.sheet import Headings, SheetRow, whole_kbo
from acmidm.words import slug
from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.files import MANDATES_FILE, ORGANISATION_FILE, Files
from acmidm_onboarding.forms.form import Form
from acmidm_onboarding.forms.speaking import about_names
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.identifiers import identifying, look_of
from acmidm_onboarding.values.mandate import Mandate, mandate_for
from acmidm_onboarding.values.names import day
from acmidm_onboarding.values.problems import quoted


class Column(StrEnum):
    """The columns that are read, beside one per field of a product, such as
    ``notificaties.merk_code``."""

    KBO = "KBOnummer"
    OVO = "OVO-code"
    CUSTOMER = "Klant"
    OWNER = "Eigenaar"
    APPLICATION = "Toepassing"
    CONTACT = "Contact"
    PRODUCT = "Product"
    SCOPE = "Scope"
    UNTIL = "Mandaat tot"
    REFERENCE = "Mandaatreferentie"
    CLIENT_TEST = "CliëntID TEST"
    CLIENT_PROD = "CliëntID PRD"


_OPTIONS = {
    "--kbo": Column.KBO,
    "--ovo": Column.OVO,
    "--name": Column.CUSTOMER,
    "--owner": Column.OWNER,
    "--application": Column.APPLICATION,
    "--contact": Column.CONTACT,
    "--product": Column.PRODUCT,
    "--scope": Column.SCOPE,
}
"""Which option each column stands for."""
_BELGIAN_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", re.ASCII)


def written_day(text: str) -> str:
    """Return a day that may be written as in Belgium, 31/12/2027, as 2027-12-31."""
    written = _BELGIAN_DAY.fullmatch(text)
    return f"{written[3]}-{written[2]:0>2}-{written[1]:0>2}" if written else text


def headings(catalogue: Catalogue) -> Headings:
    """Return the columns of a spreadsheet of organisations."""
    fields = [
        f"{product.product}.{name}"
        for product in catalogue.products.values()
        for name in (product.configuration or {}).get("properties", ())
    ]
    return Headings(tuple(Column), ((Column.KBO, Column.OVO), (Column.UNTIL,)), fields)


class Towns(Rows[Placed]):
    """Sorts out rows: what each gets, which have all of it already, and what is wrong with the
    others.

    ``common`` are the answers that hold for each row that has no own, ``supplier`` is the folder of
    the supplier.
    """

    def __init__(
        self, common: Answers, supplier: str, read: Read, forms: Path, today: date
    ) -> None:
        super().__init__(read)
        self._supplier, self._forms, self._today = supplier, forms, today
        self._language = common.language
        self._speaking = dict(self.onboardings.organisations)
        """With the new ones of earlier rows."""
        self._folders = folders_by_code(self.onboardings.organisations)
        cells = {
            Column.APPLICATION: common.application or "",
            Column.CONTACT: ",".join(common.contacts),
            Column.PRODUCT: ",".join(common.products),
            Column.SCOPE: ",".join(common.scopes),
            Column.OWNER: ",".join(common.owners),
            **{
                f"{product}.{name}": ",".join(values)
                for (product, name), values in common.values.items()
            },
        }
        self._common: Mapping[str, str] = {column: text for column, text in cells.items() if text}
        """What the options say, as cells."""
        self._rows: dict[str, SheetRow] = {}
        """By the codes and the folders of earlier rows."""

    def place(self, row: SheetRow) -> Placed:
        """Return what a row gets. Raises Failure with all that is wrong with it."""
        checker = Checker(self._columns(row))
        checker.wrong += row.faults
        for column in (Column.CLIENT_TEST, Column.CLIENT_PROD):
            if column in row.values:
                checker.wrong.append(
                    tr(
                        "{column} has a client already; acmidm import takes it over, or empty the"
                        " cell for another client",
                        column=row.named(column),
                    )
                )
        until, answers = self._until(row, checker), self._answers(row)
        application = answers.application or ""
        folder, notes = self._folder(row, answers, checker)
        there = existing_form(self.onboardings, folder, application) if folder else None
        files: dict[Path, Content] = {}
        if folder and there:
            checker.require()
            application = self._renewable(there, folder, application, until, checker)
        else:
            if folder and (faulty := faulty_form(self.onboardings, folder, application, Files())):
                checker.wrong.append(not_changed(faulty))
                checker.require()
            folder, files, more = self._new(folder, answers, checker)
            notes += more
        mandates, more = self._mandate(row, folder, application, until, checker)
        return Placed(row, {**files, **mandates}, (*notes, *more))

    def _new(
        self, folder: str | None, answers: Answers, checker: Checker
    ) -> tuple[str, dict[Path, Content], tuple[str, ...]]:
        """Return the folder of a form with its text, and that of ``organisation.yaml`` where there
        is none, and what to look at. Raises Failure."""
        organisations = self.onboardings.organisations
        if folder is not None:
            # What its file says of it stays.
            answers = replace(
                answers,
                organisation=folder,
                name=None,
                ovo=None,
                kbo=None,
                owners=(),
                language=None,
            )
        draft = draft_of(answers, self.onboardings.catalogue, organisations, self._forms, checker)
        folder, organisation = draft.owner.folder, draft.owner.organisation
        notes: list[str] = []
        if draft.owner.is_new:
            notes += about_names(folder, draft.new_organisation, self._speaking)
            self._speaking[folder] = draft.new_organisation
        language = answers.language or organisation.language
        return folder, draft.files(self._forms, language), tuple(notes)

    def _columns(self, row: SheetRow) -> Mapping[str, str]:
        """Return how this row's author knows the options: by the columns that there are."""
        fields = {f"--set {column}": column for column in row.letters if column not in list(Column)}
        return {
            option: row.named(column)
            for option, column in {**_OPTIONS, **fields}.items()
            if column in row.values or (column in row.letters and column not in self._common)
        }

    def _answers(self, row: SheetRow) -> Answers:
        """Return what a row says, and what all say for the rest."""
        cells = {**self._common, **row.values}
        several = {column: separate([cells.get(column, "")]) for column in Column}
        kbo, ovo = cells.get(Column.KBO), cells.get(Column.OVO)
        fields = ((column.partition("."), text) for column, text in cells.items())
        return Answers(
            name=cells.get(Column.CUSTOMER),
            ovo=ovo and ovo.upper(),
            kbo=kbo and whole_kbo(kbo),
            owners=several[Column.OWNER],
            language=self._language,
            application=cells.get(Column.APPLICATION),
            contacts=several[Column.CONTACT],
            products=several[Column.PRODUCT],
            scopes=several[Column.SCOPE],
            values={(product, name): [text] for (product, dot, name), text in fields if dot},
            supplier=self._supplier,
        )

    def _folder(
        self, row: SheetRow, given: Answers, checker: Checker
    ) -> tuple[str | None, tuple[str, ...]]:
        """Return the folder of an organisation that has one, and what to look at; note why a row
        cannot be about its organisation."""
        codes = identifying(*(text and code_in(text) for text in (given.ovo, given.kbo)))
        folder = next((self._folders[code] for code in codes if code in self._folders), None)
        new = slug(given.name or "")
        if folder is None and new in self.onboardings.organisations:
            sentence = tr(
                "onboardings/{folder} is that of an organisation with other codes; give its code,"
                " or another name",
                folder=new,
            )
            checker.refuse("--name", [sentence])
        for name in filter(None, (*codes, folder or new)):
            if (other := self._rows.setdefault(name, row)) is not row:
                checker.wrong.append(
                    tr("{other} is about the same organisation; keep one of them", other=other)
                )
                break
        return folder, self._identity(row, folder, given, checker) if folder else ()

    def _identity(
        self, row: SheetRow, folder: str, given: Answers, checker: Checker
    ) -> tuple[str, ...]:
        """Note each code and name in a row that is not its organisation's; return what to look at.

        A code that the organisation's file lacks is no contradiction, as long as it is nobody
        else's and the name is its own.
        """
        own = self.onboardings.organisations[folder]
        file = (self._forms / folder / ORGANISATION_FILE).as_posix()
        ovo, kbo = given.ovo if own.ovo else None, given.kbo if own.kbo else None
        refuse_another(Answers(ovo=ovo, kbo=kbo), own, file, checker)
        codes = {"ovo": given.ovo, "kbo": given.kbo}
        unknown = {
            name: code for name, code in codes.items() if code and getattr(own, name) is None
        }
        for name, value in unknown.items():
            if wrong := of_code(name, value):
                checker.refuse(f"--{name}", wrong)
            elif (other := self._folders.get(code_in(value) or "", folder)) != folder:
                checker.refuse(f"--{name}", [_of_another(other, folder)])
        if given.name is None or look_of(given.name) == look_of(own.name):
            return ()
        for other, organisation in self.onboardings.organisations.items():
            if look_of(organisation.name) == look_of(given.name):
                checker.refuse("--name", [_of_another(other, folder)])
        note = tr(
            "{column} has {given}, and onboardings/{folder} is {name}: see whether it is the same",
            column=row.named(Column.CUSTOMER),
            given=quoted(given.name),
            folder=folder,
            name=own.name,
        )
        if unknown and not _is_part(given.name, own.name):
            checker.wrong.append(note)
        return (note,)

    def _until(self, row: SheetRow, checker: Checker) -> date:
        """Return until when the mandate of a row counts; today where the cell is empty or wrong,
        which is noted."""
        column, text = row.named(Column.UNTIL), row.values.get(Column.UNTIL)
        if text is None:
            checker.wrong.append(
                tr(
                    "{column} is empty; give the last day of the mandate, such as 2027-12-31",
                    column=column,
                )
            )
            return self._today
        try:
            until = day(written_day(text))
        except ValueError as error:
            checker.wrong.append(f"{column}: {error}")
            return self._today
        if until < self._today:
            checker.wrong.append(
                tr(
                    "{column}: the mandate ended on {until:%Y-%m-%d}; give the last day of one"
                    " that counts",
                    column=column,
                    until=until,
                )
            )
        return until

    def _renewable(
        self, there: LoadedForm, folder: str, application: str, until: date, checker: Checker
    ) -> str:
        """Return the application of a form that is there, whose mandate a row may make longer.
        Raises Failure.

        A form that has another name or the keys of somebody else by now, whose mandate was taken
        out, or that leaves, gets none: a sheet that is sent again undoes nothing that somebody
        ended.
        """
        form = there.form
        if form.application != application:
            checker.refuse("--application", [called_otherwise(application, form.application)])
        mandates = self.onboardings.mandates.get(folder, ())
        has = mandate_for(mandates, self._supplier, form.application)
        facts = {
            "form": there.file.as_posix(),
            "file": there.file.with_name(MANDATES_FILE).as_posix(),
            "supplier": self._supplier,
            "whose": form.keys_of or folder,
        }
        is_supplied = form.keys_of == self._supplier
        if not is_supplied and has is not None:
            checker.wrong.append(
                tr(
                    "{form} has the keys of {whose} now, and not those of {supplier}, whose"
                    " mandate until {until} stays as it is; if that is wrong, its owners change it"
                    " there",
                    **facts,
                    until=has.until,
                )
            )
        elif not is_supplied:
            checker.wrong.append(
                tr(
                    "{form} has the keys of {whose} now, and {supplier} has no mandate for it; if"
                    " that is wrong, its owners change it there and in {file}",
                    **facts,
                )
            )
        elif has is None:
            checker.wrong.append(
                tr(
                    "{form} has no mandate any more; if it counts again, its owners add it to"
                    " {file}",
                    **facts,
                )
            )
        elif _has_left(form, self._today) and has.until < until:
            checker.wrong.append(
                tr(
                    "{file} leaves: nothing more of it is made; take retire out first, if it stays",
                    file=there.file.as_posix(),
                )
            )
        checker.require()
        return form.application

    def _mandate(
        self, row: SheetRow, folder: str, application: str, until: date, checker: Checker
    ) -> tuple[Mapping[Path, Content], tuple[str, ...]]:
        """Return the mandates of a folder with one more, where none counts as long, and what to
        look at. Raises Failure."""
        mandates = self.onboardings.mandates.get(folder, ())
        has = mandate_for(mandates, self._supplier, application)
        if has is not None and has.until >= until:
            return {}, ()
        reference, notes = row.values.get(Column.REFERENCE), tuple[str, ...]()
        if has is not None:
            name = self.onboardings.organisations[folder].name
            self._require_new(has, mandates, application, reference, name, checker)
            notes = (
                tr(
                    "the mandate of {name} until {before} goes on until {until}",
                    name=name,
                    before=has.until,
                    until=until,
                ),
            )
        mandate: dict[str, Any] = {
            "supplier": self._supplier,
            "applications": [application],
            "until": until,
        }
        if reference is not None:
            mandate["reference"] = reference
        file = self._forms / folder / MANDATES_FILE
        if not file.exists():
            return {file: file_text("mandates", {"mandates": [mandate]})}, notes
        more = CommentedMap({**mandate, "applications": on_one_line([application])})
        return {file: lambda document: put_last(document["mandates"], [more])}, notes

    def _require_new(
        self,
        last: Mandate,
        mandates: Sequence[Mandate],
        application: str,
        reference: str | None,
        name: str,
        checker: Checker,
    ) -> None:
        """Refuse a mandate that has ended and is only repeated: another one has another
        reference. Raises Failure."""
        own = [
            mandate.reference
            for mandate in mandates
            if mandate.supplier == self._supplier and application in mandate.allowed
        ]
        if last.until < self._today and (reference is None or reference in own):
            checker.wrong.append(
                tr(
                    "the mandate of {name} ended on {until}; give what was agreed since, under"
                    " {column}, with a number that no earlier one has",
                    name=name,
                    until=last.until,
                    column=Column.REFERENCE,
                )
            )
        checker.require()


def _of_another(other: str, folder: str) -> str:
    """Return why a code or a name is not one of the row's organisation."""
    return tr(
        "is that of onboardings/{other}, in a row of onboardings/{folder}; a row is about one"
        " organisation, so correct it",
        other=other,
        folder=folder,
    )


def _is_part(name: str, other: str) -> bool:
    """Return whether one name has all words of the other: "Gent" is "Stad Gent" to people."""
    words, others = (set(slug(text).split("-")) for text in (name, other))
    return words <= others or others <= words


def _has_left(form: Form, today: date) -> bool:
    return form.retire.on is not None and form.retire.on <= today
