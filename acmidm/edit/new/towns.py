"""A form for each row of a spreadsheet: organisations that one supplier connects, each with its
mandate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap

from acmidm.edit.changes import Content, Placed, Read
from acmidm.edit.lines import on_one_line, put_last
from acmidm.edit.new.answers import Answers, Mistakes, form_of, speaks_for
from acmidm.edit.new.draft import Draft
from acmidm.edit.new.existing import form_of_application, leaving
from acmidm.edit.new.organisations import (
    NOBODY,
    Owner,
    codes_in,
    folders_of,
    of_others,
    owner_of,
    refuse_another,
)
from acmidm.edit.new.rows import CLIENT_IDS, Column, FormRows
from acmidm.form_text import file_text
from acmidm.sheet import SheetRow
from acmidm.words import slug
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.files import MANDATES_FILE, ORGANISATION_FILE, Files
from acmidm_onboarding.forms.speaking import about_names
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.identifiers import kbo_number, look_of, ovo_code
from acmidm_onboarding.values.mandate import Mandate, mandate_for
from acmidm_onboarding.values.problems import Failure, quoted

_CHECKS = {"ovo": ovo_code, "kbo": kbo_number}


class Towns(FormRows[Placed[SheetRow]]):
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
        for column in CLIENT_IDS.values():
            if column in row.values:
                mistakes.note(
                    tr(
                        "{column} has a client already; acmidm import takes it over, or empty the"
                        " cell for another client",
                        column=row.named(column),
                    )
                )
        until = self._day(row, Column.MANDATE_UNTIL, mistakes)
        if Column.MANDATE_UNTIL not in row.values:
            mistakes.miss("--mandate", tr("the last day of the mandate, such as 2027-12-31"))
        if answers.ovo:
            answers = replace(answers, ovo=answers.ovo.upper())
        notes: list[str] = []
        owner = self._known(row, answers, mistakes, notes)
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
            owner, files = self._new(owner, answers, mistakes)
        if owner.is_new:
            notes += about_names(owner.folder, owner.organisation, self._organisations)
            self._organisations[owner.folder] = owner.organisation
        application = there.form.application if there else answers.application
        if until:
            notes += self._add_mandate(files, row, owner, application or "", until, mistakes)
        mistakes.require()
        return Placed(row, files, tuple(notes), mistakes.label)

    def _new(
        self, owner: Owner | None, answers: Answers, mistakes: Mistakes
    ) -> tuple[Owner, dict[Path, Content]]:
        """Return whose form a row makes, and its files. Raises Failure where nobody is named."""
        catalogue = self.onboardings.catalogue
        owner = owner or owner_of(answers, self._organisations, self._forms, mistakes)
        whose = owner or NOBODY
        is_new = owner is not None and owner.is_new
        form = form_of(answers, whose.organisation, catalogue, mistakes, is_new=is_new)
        if owner is None:
            raise Failure("\n".join(mistakes.sentences))
        if is_new:
            owner = owner.speaking(speaks_for(form["environments"], catalogue))
        language = answers.language or whose.organisation.language
        return owner, Draft(owner, form).files(self._forms, {}, language)

    def _known(
        self, row: SheetRow, given: Answers, mistakes: Mistakes, notes: list[str]
    ) -> Owner | None:
        """Return an organisation that has a folder, and note what to look at; note why a row cannot
        be about its organisation."""
        codes = (given.ovo, given.kbo)
        folder = next(iter(folders_of(codes, self.onboardings.organisations)), None)
        for name in (*codes_in(codes), folder or slug(given.name or "")):
            other = self._rows.setdefault(name, row) if name else row
            if other is not row:
                mistakes.note(
                    tr("{other} is about the same organisation; keep one of them", other=other)
                )
                break
        if folder is None:
            return None
        notes += self._refuse_second_identity(row, folder, given, mistakes)
        return Owner(folder, self.onboardings.organisations[folder])

    def _refuse_second_identity(
        self, row: SheetRow, folder: str, given: Answers, mistakes: Mistakes
    ) -> list[str]:
        """Note each code and name in a row that is not its organisation's; return what to look at.

        A code that the organisation's file lacks is no contradiction, as long as it is nobody
        else's and the name is its own.
        """
        organisations = self.onboardings.organisations
        own, file = organisations[folder], (self._forms / folder / ORGANISATION_FILE).as_posix()
        codes = {"ovo": given.ovo, "kbo": given.kbo}
        unknown = {one: code for one, code in codes.items() if code and not getattr(own, one)}
        known = {one: code for one, code in codes.items() if one not in unknown}
        refuse_another(known, own, file, mistakes)
        for one, code in unknown.items():
            try:
                _CHECKS[one](code)
            except ValueError as error:
                mistakes.add(f"--{one}", str(error))
        other_name = given.name
        if other_name and look_of(other_name) == look_of(own.name):
            other_name = None
        for one, other in of_others({**unknown, "name": other_name}, folder, organisations):
            sentence = tr(
                "is that of onboardings/{other}, in a row of onboardings/{folder}; a row is about"
                " one organisation, so correct it",
                other=other,
                folder=folder,
            )
            mistakes.add(f"--{one}", sentence)
        if other_name is None:
            return []
        note = tr(
            "{column} has {given}, and onboardings/{folder} is {name}: see whether it is the same",
            column=row.named(Column.CUSTOMER),
            given=quoted(other_name),
            folder=folder,
            name=own.name,
        )
        if unknown and not _is_part(other_name, own.name):
            mistakes.note(note)
        return [note]

    def _require_supplied(
        self, there: LoadedForm, folder: str, until: date, mistakes: Mistakes
    ) -> None:
        """Refuse to prolong the mandate of a form that has the keys of somebody else by now, whose
        mandate was taken out, or that leaves: a sheet that is sent again undoes nothing that
        somebody ended. Raises Failure."""
        form, file = there.form, there.file.as_posix()
        has = mandate_for(
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
        elif has is None:
            mistakes.note(
                tr(
                    "{form} has no mandate any more; if it counts again, its owners add it to"
                    " {file}",
                    form=file,
                    file=there.file.with_name(MANDATES_FILE).as_posix(),
                )
            )
        elif has.until < until and (leaves := leaving(there, self._today)):
            mistakes.note(leaves)
        mistakes.require()

    def _add_mandate(
        self,
        files: dict[Path, Content],
        row: SheetRow,
        owner: Owner,
        application: str,
        until: date,
        mistakes: Mistakes,
    ) -> list[str]:
        """Add a mandate to the files of a row, where none counts as long; return what to look
        at."""
        mandates = self.onboardings.mandates.get(owner.folder, ())
        has = mandate_for(mandates, self._supplier, application)
        if has is not None and has.until >= until:
            return []
        reference, notes = row.values.get(Column.MANDATE_REFERENCE), []
        if has is not None:
            name = owner.organisation.name
            self._require_new(has, mandates, application, reference, name, mistakes)
            notes.append(
                tr(
                    "the mandate of {name} until {before} goes on until {until}",
                    name=name,
                    before=has.until,
                    until=until,
                )
            )
        mandate: dict[str, Any] = {
            "supplier": self._supplier,
            "applications": [application],
            "until": until,
        }
        if reference is not None:
            mandate["reference"] = reference
        file = self._forms / owner.folder / MANDATES_FILE
        if file.exists():
            more = CommentedMap({**mandate, "applications": on_one_line([application])})
            files[file] = lambda document: put_last(document["mandates"], [more])
        else:
            files[file] = file_text("mandates", {"mandates": [mandate]})
        return notes

    def _require_new(
        self,
        last: Mandate,
        mandates: Iterable[Mandate],
        application: str,
        reference: str | None,
        name: str,
        mistakes: Mistakes,
    ) -> None:
        """Refuse a mandate that has ended and is only repeated: another one has another
        reference."""
        own = set[str | None]()
        for mandate in mandates:
            if mandate.supplier == self._supplier and application in mandate.allowed:
                own.add(mandate.reference)
        if last.until < self._today and (reference is None or reference in own):
            mistakes.note(
                tr(
                    "the mandate of {name} ended on {until}; give what was agreed since, under"
                    " {column}, with a number that no earlier one has",
                    name=name,
                    until=last.until,
                    column=Column.MANDATE_REFERENCE,
                )
            )


def _is_part(name: str, other: str) -> bool:
    """Return whether one name has all words of the other: "Gent" is "Stad Gent" to people."""
    words, others = (set(slug(text).split("-")) for text in (name, other))
    return words <= others or others <= words
