"""Scopes for forms that exist: a spreadsheet with a row for each, of as many organisations as
somebody likes, for production too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from acmidm.edit.changes import Placed, Read
from acmidm.edit.new.answers import Answers, Mistakes, chosen, separate
from acmidm.edit.new.existing import adding, form_of_application
from acmidm.edit.new.organisations import folders_of
from acmidm.edit.new.rows import Column, FormRows
from acmidm.form_text import filled
from acmidm.sheet import SheetRow
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.files import Files
from acmidm_onboarding.texts import N_, tr, translated
from acmidm_onboarding.values.problems import Failure, quoted
from acmidm_onboarding.values.terms import Environment


@dataclass(frozen=True)
class AddedScopes(Placed[SheetRow]):
    """The scopes that a row gives to a form."""

    loaded: LoadedForm = field(kw_only=True)
    environment: Environment = field(kw_only=True)
    scopes: Sequence[str] = field(kw_only=True)

    def has_already(self, scope: str) -> bool:
        return scope in self.loaded.form.environments[self.environment].scopes


Grant = Mapping[str, str | date]
"""What a form says of a scope: its reason, reference and last day."""
_NOT_ON = {
    "tni": N_("{form} is not on tni; add the environment to {file} first"),
    "prod": N_("{form} is not on prod yet; bring it there first: acmidm promote {file} --write"),
}


class Scopes(FormRows[AddedScopes]):
    """Which form gains which scope, and which have theirs already."""

    def __init__(self, common: Answers, read: Read, forms: Path, today: date) -> None:
        super().__init__(common, read, forms, today)
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

    def _place(self, row: SheetRow, answers: Answers, mistakes: Mistakes) -> AddedScopes:
        loaded = self._form(answers, mistakes)
        given = row.values.get(Column.ENVIRONMENT, Environment.TNI.value).lower()
        mistakes.add("--environment", *chosen(tuple(Environment), given))
        scopes = separate(answers.scopes)
        if not scopes:
            mistakes.miss("--scope", tr("a scope of the catalogue"))
        if loaded and given in _NOT_ON and given not in loaded.form.environments:
            mistakes.note(translated(_NOT_ON[given], form=loaded.name, file=loaded.file))
        said = {
            "reason": row.values.get(Column.REASON),
            "reference": row.values.get(Column.REFERENCE),
            "until": self._day(row, Column.UNTIL, mistakes),
        }
        if loaded is None or mistakes.sentences:
            raise Failure("\n".join(mistakes.sentences))
        environment, grant = Environment(given), filled(said)
        new = {}
        for scope in scopes:
            if self._is_new(row, loaded, environment, scope, grant):
                new[scope] = grant
        more = {"environments": {environment: {"scopes": new}}}
        files = {loaded.file: adding(loaded, more)} if new else {}
        return AddedScopes(
            row,
            files,
            label=mistakes.label,
            loaded=loaded,
            environment=environment,
            scopes=scopes,
        )

    def _is_new(
        self,
        row: SheetRow,
        loaded: LoadedForm,
        environment: Environment,
        scope: str,
        grant: Grant,
    ) -> bool:
        """Return whether neither the form nor an earlier row has a scope. Raises Failure where that
        row says otherwise."""
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

    def _form(self, answers: Answers, mistakes: Mistakes) -> LoadedForm | None:
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
