"""Scopes for forms that exist: a spreadsheet with a row for each, of as many organisations as
somebody likes, for production too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap

from acmidm.edit.changes import Placed, Read, Rows
from acmidm.edit.lines import copied, put_request
from acmidm.edit.new import towns
from acmidm.edit.new.answers import separate
from acmidm.edit.new.checks import chosen, of_scope
from acmidm.edit.new.existing import called_otherwise, existing_form, faulty_form, not_changed
from acmidm.edit.new.organisations import code_in, folders_by_code
from acmidm.sheet import Headings, SheetRow, whole_kbo
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.files import Files, shown
from acmidm_onboarding.texts import N_, tr, translated
from acmidm_onboarding.values.identifiers import identifying
from acmidm_onboarding.values.names import day
from acmidm_onboarding.values.problems import Failure, quoted
from acmidm_onboarding.values.terms import Environment, Platform


class Column(StrEnum):
    """The columns that are read."""

    KBO = towns.Column.KBO.value
    OVO = towns.Column.OVO.value
    APPLICATION = towns.Column.APPLICATION.value
    SCOPE = towns.Column.SCOPE.value
    ENVIRONMENT = "Omgeving"
    REASON = "Reden"
    REFERENCE = "Referentie"
    UNTIL = "Tot"


Grant = Mapping[str, str | date]
"""What a form says of a scope: its reason, reference and last day."""
MANDATES = towns.Column.UNTIL.value
"""A column of sheets of another kind: of forms that a supplier gets, by their mandates."""
HEADINGS = Headings(tuple(Column), ((Column.KBO, Column.OVO),), (MANDATES,))


@dataclass(frozen=True)
class AddedScopes(Placed):
    """The scopes that a row gives to a form."""

    loaded: LoadedForm = field(kw_only=True)
    environment: Environment = field(kw_only=True)
    scopes: Sequence[str] = field(kw_only=True)

    def has_already(self, scope: str) -> bool:
        return scope in self.loaded.form.environments[self.environment].scopes


_NOT_ON = {
    "tni": N_("{form} is not on tni; add the environment to {file} first"),
    "prod": N_("{form} is not on prod yet; bring it there first: acmidm promote {file} --write"),
}


class Scopes(Rows[AddedScopes]):
    """Sorts out rows: which form gains which scope, which have theirs already, and what is wrong
    with the others.

    ``common`` are the cells that hold for each row that has no own.
    """

    def __init__(self, common: Mapping[str, str], read: Read, forms: Path, today: date) -> None:
        super().__init__(read)
        self._common, self._forms, self._today = common, forms, today
        self._folders = folders_by_code(self.onboardings.organisations)
        self._first: dict[tuple[Path, Environment, str], tuple[SheetRow, Grant]] = {}
        """Which row is about a scope of a form, and what it says of it."""

    def by_scope(self, *, present: bool) -> Mapping[tuple[str, Environment], list[str]]:
        """Return, by scope and environment, the names of the forms that gain it, or of those that
        have it already."""
        named: dict[tuple[str, Environment], dict[str, None]] = defaultdict(dict)
        for one in self.placed:
            for scope in one.scopes:
                if one.has_already(scope) is present:
                    named[scope, one.environment][one.loaded.name] = None
        return {added: list(names) for added, names in named.items()}

    def place(self, row: SheetRow) -> AddedScopes:
        """Return what a row adds. Raises Failure with all that is wrong with it."""
        cells = {**self._common, **row.values}
        wrong = list(row.faults)
        loaded = self._form(row, cells, wrong)
        environment = self._environment(row, cells, wrong)
        scopes = separate([cells.get(Column.SCOPE, "")])
        if not scopes:
            wrong.append(
                tr(
                    "{column} is empty; name a scope of the catalogue",
                    column=_named(row, Column.SCOPE),
                )
            )
        for scope in scopes:
            refused = of_scope(scope, self.onboardings.catalogue, environment, Platform.ACMIDM)
            wrong += [f"{_named(row, Column.SCOPE)}: {sentence}" for sentence in refused]
        if loaded and environment not in loaded.form.environments:
            file = shown(loaded.file)
            wrong.append(translated(_NOT_ON[environment], form=loaded.name, file=file))
        until = self._until(row, cells, wrong)
        if wrong or loaded is None:
            raise Failure("\n".join(wrong))
        given = {
            "reason": cells.get(Column.REASON),
            "reference": cells.get(Column.REFERENCE),
            "until": until,
        }
        grant: Grant = {name: value for name, value in given.items() if value}
        new = self._new(row, loaded, environment, scopes, grant)
        files = {loaded.file: partial(_put, environment=environment, scopes=new)} if new else {}
        return AddedScopes(row, files, loaded=loaded, environment=environment, scopes=scopes)

    def _new(
        self,
        row: SheetRow,
        loaded: LoadedForm,
        environment: Environment,
        scopes: Iterable[str],
        grant: Grant,
    ) -> Mapping[str, Grant]:
        """Return the scopes that neither the form nor an earlier row has. Raises Failure where that
        row says otherwise."""
        new: dict[str, Grant] = {}
        for scope in scopes:
            place = loaded.file, environment, scope
            first, granted = self._first.setdefault(place, (row, grant))
            if granted != grant:
                raise Failure(
                    tr(
                        "{other} gives {form} scope {scope} with another reason or reference; keep"
                        " one of them",
                        other=first,
                        form=loaded.name,
                        scope=scope,
                    )
                )
            if scope not in loaded.form.environments[environment].scopes:
                new[scope] = grant
        return new

    def _form(self, row: SheetRow, cells: Mapping[str, str], wrong: list[str]) -> LoadedForm | None:
        """Return the form that a row is about; note why it is about none."""
        given = (cells.get(Column.OVO), whole_kbo(cells.get(Column.KBO, "")))
        codes = identifying(*(code_in(text) if text else None for text in given))
        folders = {self._folders[code] for code in codes if code in self._folders}
        application = cells.get(Column.APPLICATION)
        if application is None:
            column = _named(row, Column.APPLICATION)
            wrong.append(
                tr("{column} is empty; name the application, as its form does", column=column)
            )
        if len(folders) != 1:
            sentence = (
                N_("the codes {codes} are those of two organisations; give one of them")
                if folders
                else N_("no organisation has the code {codes}; correct it, or make its form first")
            )
            codes_given = quoted(" / ".join(text for text in given if text))
            wrong.append(translated(sentence, codes=codes_given))
            return None
        if application is None:
            return None
        (folder,) = folders
        loaded = existing_form(self.onboardings, folder, application)
        if loaded is not None and loaded.form.application == application:
            return loaded
        if loaded is not None:
            wrong.append(called_otherwise(application, loaded.name))
        elif faulty := faulty_form(self.onboardings, folder, application, Files()):
            wrong.append(not_changed(faulty))
        else:
            wrong.append(
                tr(
                    "{folder} has no form of {application}; correct the name, or make the form"
                    " first: acmidm new",
                    folder=self._forms / folder,
                    application=quoted(application),
                )
            )
        return None

    def _until(self, row: SheetRow, cells: Mapping[str, str], wrong: list[str]) -> date | None:
        """Return the last day of the scopes of a row, None where they have no end; note one that is
        none, or that has passed."""
        text = cells.get(Column.UNTIL)
        if text is None:
            return None
        column = _named(row, Column.UNTIL)
        try:
            until = day(towns.written_day(text))
        except ValueError as error:
            wrong.append(f"{column}: {error}")
            return None
        if until < self._today:
            wrong.append(
                tr(
                    "{column}: {day} has passed; give the last day of a scope that is still needed",
                    column=column,
                    day=until,
                )
            )
        return until

    def _environment(
        self, row: SheetRow, cells: Mapping[str, str], wrong: list[str]
    ) -> Environment:
        """Return the environment of a row, TNI where it names none; note one that is none."""
        given = cells.get(Column.ENVIRONMENT, Environment.TNI.value).lower()
        refused = chosen(tuple(Environment), given)
        wrong += [f"{_named(row, Column.ENVIRONMENT)}: {sentence}" for sentence in refused]
        return Environment.TNI if refused else Environment(given)


def _named(row: SheetRow, column: Column) -> str:
    """Name a column in a message; one that the sheet lacks was given as an option."""
    return row.named(column) if column in row.letters else column.value


def _put(document: Any, *, environment: Environment, scopes: Mapping[str, Grant]) -> None:
    more = CommentedMap(
        scopes=CommentedMap({scope: copied(grant) for scope, grant in scopes.items()})
    )
    put_request(document["environments"], environment.value, more)
