"""Scopes for forms that exist: a spreadsheet with a row for each, of as many organisations as
somebody likes, for production too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap

from acmidm.edit.lines import copied, edited, put_files, put_request
from acmidm.edit.new import towns
from acmidm.edit.new.checker import separate
from acmidm.edit.new.checks import chosen, of_scope
from acmidm.edit.new.existing import existing_form, faulty_form
from acmidm.edit.new.files import about, not_written, problems_about
from acmidm.edit.new.organisations import code_in, folders_by_code
from acmidm.sheet import Headings, SheetRow, whole_kbo
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.files import Files, absolute, shown
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.stack_files import Stacks
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.identifiers import identifying
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


MANDATES = towns.Column.UNTIL.value
"""A column of sheets of another kind: of forms that a supplier gets, by their mandates."""
HEADINGS = Headings(tuple(Column), ((Column.KBO, Column.OVO),), (MANDATES,))


@dataclass(frozen=True)
class Addition:
    """A scope that a row gives to a form."""

    row: SheetRow
    loaded: LoadedForm
    environment: Environment
    scope: str
    request: Mapping[str, str]
    """Its reason and its reference, as far as the row has them."""

    @property
    def file(self) -> Path:
        return absolute(self.loaded.file)

    @property
    def place(self) -> tuple[Path, Environment, str]:
        """What it is of: two rows may be about one."""
        return self.file, self.environment, self.scope

    @property
    def is_present(self) -> bool:
        return self.scope in self.loaded.form.environments[self.environment].scopes


class Scopes:
    """Sorts out rows: which form gains which scope, which have theirs already, and what is wrong
    with the others.

    ``common`` are the cells that hold for each row that has no own.
    """

    def __init__(
        self, common: Mapping[str, str], onboardings: Onboardings, forms: Path, stacks: Stacks
    ) -> None:
        self._common, self._onboardings = common, onboardings
        self._forms, self._stacks = forms, stacks
        self._folders = folders_by_code(onboardings.organisations)
        self._first: dict[tuple[Path, Environment, str], Addition] = {}
        self._before: dict[Path, bytes] = {}
        self.texts: dict[Path, str] = {}
        """Of each form that changes, with the scopes of all its rows."""
        self.additions: list[Addition] = []
        self.wrong: dict[str, list[SheetRow]] = defaultdict(list)
        """The rows of each sentence."""

    def sort_out(self, rows: Iterable[SheetRow]) -> None:
        """Place each row that is right by itself, and leave out those whose form would be wrong
        among all forms."""
        for row in rows:
            try:
                self.additions += self._asked(row)
            except Failure as failure:
                for sentence in str(failure).splitlines():
                    self.wrong[sentence].append(row)
        self._write_texts()
        while problems := problems_about(self.texts, [self._forms], self._stacks):
            for addition in list(self.additions):
                if own := about([addition.file], problems):
                    self.additions.remove(addition)
                    for sentence in dict.fromkeys(map(not_written, own)):
                        self.wrong[sentence].append(addition.row)
            self._write_texts()

    def write(self) -> None:
        """Write all forms, or none. Raises Failure, OSError."""
        put_files(self.texts, self._before)

    def by_scope(self, *, present: bool) -> Mapping[tuple[str, Environment], list[str]]:
        """Return, by scope and environment, the names of the forms that gain it, or of those that
        have it already."""
        named: dict[tuple[str, Environment], list[str]] = defaultdict(list)
        for addition in self.additions:
            names = named[addition.scope, addition.environment]
            if addition.is_present is present and addition.loaded.name not in names:
                names.append(addition.loaded.name)
        return {asked: names for asked, names in named.items() if names}

    def _write_texts(self) -> None:
        self._before, self.texts = {}, {}
        for addition in self.additions:
            if addition.is_present:
                continue
            file = addition.file
            self._before.setdefault(file, file.read_bytes())
            text = self.texts.get(file, self._before[file].decode("utf-8"))
            try:
                self.texts[file] = edited(text, partial(_put, addition=addition))
            except Failure as failure:
                raise Failure(f"{shown(file)}: {failure}") from None

    def _asked(self, row: SheetRow) -> list[Addition]:
        """Return what a row asks. Raises Failure with all that is wrong with it."""
        cells = {**self._common, **row.values}
        wrong = list(row.faults)
        loaded = self._form(row, cells, wrong)
        environment = self._environment(row, cells, wrong)
        scopes = separate([cells.get(Column.SCOPE, "")])
        if not scopes:
            wrong.append(say("edit.scopes.no_scope", column=_named(row, Column.SCOPE)))
        for scope in scopes:
            refused = of_scope(scope, self._onboardings.catalogue, environment, Platform.ACMIDM)
            wrong += [f"{_named(row, Column.SCOPE)}: {sentence}" for sentence in refused]
        if loaded and environment not in loaded.form.environments:
            facts = {"form": loaded.name, "file": shown(loaded.file)}
            wrong.append(say(f"edit.scopes.not_on.{environment}", **facts))
        if wrong or loaded is None:
            raise Failure("\n".join(wrong))
        texts = {"reason": cells.get(Column.REASON), "reference": cells.get(Column.REFERENCE)}
        request = {name: text for name, text in texts.items() if text}
        asked = [Addition(row, loaded, environment, scope, request) for scope in scopes]
        for addition in asked:
            first = self._first.setdefault(addition.place, addition)
            if first.request != request:
                facts = {"other": first.row, "form": loaded.name, "scope": addition.scope}
                raise Failure(say("edit.scopes.twice", **facts))
        return asked

    def _form(self, row: SheetRow, cells: Mapping[str, str], wrong: list[str]) -> LoadedForm | None:
        """Return the form that a row is about; note why it is about none."""
        given = (cells.get(Column.OVO), whole_kbo(cells.get(Column.KBO, "")))
        codes = identifying(*(code_in(text) if text else None for text in given))
        folders = {self._folders[code] for code in codes if code in self._folders}
        application = cells.get(Column.APPLICATION)
        if application is None:
            column = _named(row, Column.APPLICATION)
            wrong.append(say("edit.scopes.no_application", column=column))
        if len(folders) != 1:
            names = " / ".join(text for text in given if text)
            name = "edit.scopes.several" if folders else "edit.scopes.nobody"
            wrong.append(say(name, codes=quoted(names)))
            return None
        if application is None:
            return None
        (folder,) = folders
        loaded = existing_form(self._onboardings, folder, application)
        if loaded is not None and loaded.form.application == application:
            return loaded
        facts = {"application": quoted(application), "folder": self._forms / folder}
        if loaded is not None:
            wrong.append(say("edit.sent.renamed", application=application, name=loaded.name))
        elif faulty := faulty_form(self._onboardings, folder, application, Files()):
            wrong.append(say("edit.sent.unusable", file=faulty.as_posix()))
        else:
            wrong.append(say("edit.scopes.no_form", **facts))
        return None

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


def _put(document: Any, *, addition: Addition) -> None:
    more = CommentedMap(scopes=CommentedMap({addition.scope: copied(addition.request)}))
    put_request(document["environments"], addition.environment.value, more)
