"""Put forms and key files in place: checked among all forms before, and never over a file that exists."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from acmidm.files import write_once
from acmidm.form_text import Quoted, lines_of
from acmidm.importing.draft import ImportedForm, request_of
from acmidm.importing.organisations import FolderOwner
from acmidm.importing.sheet import Column
from acmidm.words import plain, slug
from acmidm_onboarding.forms.files import ORGANISATION_FILE, absolute, shown
from acmidm_onboarding.forms.loading import load_catalogue, load_onboardings
from acmidm_onboarding.forms.speaking import speaking_values
from acmidm_onboarding.rules.policies import Profile
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.problems import InvalidForms, Problem
from acmidm_onboarding.values.terms import Environment

_SCHEMA = "# yaml-language-server: $schema=../../schema/{}.schema.json\n"
_REMEMBERED = (Column.KBO, Column.CUSTOMER, Column.TAN, Column.URI_TEST, Column.URI_PROD)
"""Columns that a form has no field for; kept as a comment."""


@dataclass
class StagedForm:
    """A form with the files that it needs: the form itself is the last."""

    draft: ImportedForm
    files: list[Path]

    @property
    def file(self) -> Path:
        return self.files[-1]


@dataclass
class WrittenForms:
    """The forms in place, and sentences about rows without one."""

    written: list[StagedForm] = field(default_factory=list)
    unplaced: list[str] = field(default_factory=list)


class Writer:
    """Writes drafts into ``folder``. ``source`` is the spreadsheet's name, for the comment in each form.

    ``supplier`` is the folder for keys that organisations share, which no form may name elsewhere.
    """

    def __init__(
        self,
        folder: Path,
        catalogue: Path,
        profiles: Mapping[Environment, Profile],
        source: str,
        supplier: str | None = None,
    ) -> None:
        self._folder = folder
        self._catalogue = catalogue
        self._profiles = profiles
        self._source = source
        self._supplier = supplier
        self._texts: dict[Path, str] = {}
        """Of the files that are not written yet."""

    def write(self, drafts: Sequence[ImportedForm]) -> WrittenForms:
        """Write the forms that are valid. Raises OSError and InvalidForms."""
        outcome = WrittenForms()
        for staged in self._valid(self._stage(drafts, outcome), outcome):
            if self._put(staged.files):
                outcome.written.append(staged)
            else:
                outcome.unplaced.append(_exists(staged.draft, staged.file))
        return outcome

    def _stage(self, drafts: Sequence[ImportedForm], outcome: WrittenForms) -> list[StagedForm]:
        """Return the forms with their texts, and those of the files that they need."""
        staged = []
        shared = _shared_keys(drafts)
        speaks_for = self._speaks_for(drafts)
        for draft in drafts:
            if unshared := list(self._unshared(draft, shared)):
                outcome.unplaced += unshared
                continue
            form = self._folder / f"{draft.name}.yaml"
            if self._text_in(form) is not None:
                outcome.unplaced.append(_exists(draft, form))
                continue
            own, files = draft.organisation.folder, list[Path]()
            key_files: dict[Environment, list[str]] = defaultdict(list)
            for environment, keys in draft.keys.items():
                for key in keys:
                    folder = self._supplier if key.thumbprint in shared else None
                    prefix = "" if folder else f"{draft.application}-{environment}-"
                    file = self._stage_key(folder or own, prefix, key)
                    key_files[environment].append(f"../{folder}/{file.name}" if folder else file.name)
                    files.append(file)
            if draft.organisation.is_new:
                nameless = [
                    client.client_id
                    for other in drafts
                    if other.organisation == draft.organisation
                    for client in other.nameless
                ]
                files += self._stage_organisations(draft, shared, speaks_for[own], nameless)
            self._texts[form] = self._text(draft, key_files)
            staged.append(StagedForm(draft, [*files, form]))
        return staged

    def _may_share(self, owner: FolderOwner) -> bool:
        """Return whether an organisation's forms may name keys of the supplier: its ``organisation.yaml`` lists it, or
        is new."""
        return self._supplier is not None and (owner.suppliers is None or self._supplier in owner.suppliers)

    def _stage_organisations(
        self,
        draft: ImportedForm,
        shared: Mapping[str, Sequence[ImportedForm]],
        speaks_for: Mapping[str, Sequence[str]],
        nameless: Sequence[str],
    ) -> list[Path]:
        """Stage ``organisation.yaml`` of a new organisation, and of the supplier that it lists."""
        owner = draft.organisation
        fields: dict[str, Any] = {"name": owner.name, "ovo": owner.ovo, "kbo": owner.kbo and Quoted(owner.kbo)}
        if nameless:
            fields["adopts"] = [Quoted(client_id) for client_id in nameless]
        if speaks_for:
            fields["speaks_for"] = dict(speaks_for)
            names = "; ".join(f"{name} {', '.join(values)}" for name, values in speaks_for.items())
            draft.notes.append(say("import.sends_as", folder=owner.folder, file=ORGANISATION_FILE, names=names))
        if self._supplier is None or owner not in [
            draft.organisation for drafts in shared.values() for draft in drafts
        ]:
            return [self._stage_organisation(owner.folder, fields)]
        supplier = self._stage_organisation(self._supplier, {"name": self._supplier})
        return [supplier, self._stage_organisation(owner.folder, {**fields, "suppliers": [self._supplier]})]

    def _stage_organisation(self, folder: str, fields: Mapping[str, Any]) -> Path:
        """Stage an ``organisation.yaml`` where there is none; return its place."""
        file = self._folder / folder / ORGANISATION_FILE
        if self._text_in(file) is None:
            given = {name: value for name, value in fields.items() if value is not None}
            self._texts[file] = _SCHEMA.format("organisation") + "\n".join([*lines_of(given), ""])
        return file

    def _stage_key(self, folder: str, prefix: str, key: PublicJwk) -> Path:
        """Stage a key's file and return its path; a file with the same key is used again."""
        text = json.dumps(dict(key.members), indent=2) + "\n"
        for suffix in ("", f"-{key.thumbprint[:8]}", f"-{key.thumbprint}"):
            file = self._folder / folder / f"{prefix}{slug(key.kid) or 'key'}{suffix}.jwk.json"
            if (present := self._text_in(file)) in (None, text):
                break
        if present is None:
            self._texts[file] = text
        return file

    def _text_in(self, file: Path) -> str | None:
        """Return what is in a file, written or not; None where there is none."""
        if file in self._texts or not file.exists():
            return self._texts.get(file)
        return file.read_text("utf-8")

    def _speaks_for(self, drafts: Iterable[ImportedForm]) -> Mapping[str, Mapping[str, Sequence[str]]]:
        """Return under which names the clients of each organisation send, per folder and field."""
        catalogue, by_folder = load_catalogue(self._catalogue), defaultdict[str, dict[str, set[str]]](dict)
        for draft in drafts:
            of_one = by_folder[draft.organisation.folder]
            for client in draft.clients.values():
                for name, text in client.metadata.attributes.items():
                    if name in catalogue.speaking_fields:
                        of_one.setdefault(name, set()).add(text)
                for product, document in client.configurations.items():
                    for (name, *_), text in speaking_values(catalogue.products[product], document.configuration):
                        of_one.setdefault(name, set()).add(text)
        return {folder: {name: sorted(texts) for name, texts in of_one.items()} for folder, of_one in by_folder.items()}

    def _unshared(self, draft: ImportedForm, shared: Mapping[str, Sequence[ImportedForm]]) -> Iterator[str]:
        """Yield a sentence for each key of a draft that another organisation has too, where it is that of no supplier
        of both."""
        if self._may_share(draft.organisation):
            return
        remedy = say("import.supplier_option")
        if self._supplier is not None:
            file = self._folder / draft.organisation.folder / ORGANISATION_FILE
            remedy = say("import.supplier_missing", supplier=self._supplier, file=file)
        for key in {key.thumbprint: key for keys in draft.keys.values() for key in keys}.values():
            others = [other for other in shared.get(key.thumbprint, ()) if other.organisation != draft.organisation]
            if others:
                rows = ", ".join(dict.fromkeys(str(other.row) for other in others))
                yield say("import.key_of_another", row=draft.row, kid=key.kid, rows=rows, remedy=remedy)

    def _text(self, draft: ImportedForm, key_files: Mapping[Environment, Sequence[str]]) -> str:
        remembered = "; ".join(
            f"{column} {value}"
            for column in _REMEMBERED
            if (value := draft.row.values.get(column)) and value != draft.organisation.kbo
        )
        comment = plain(
            say(
                "import.source", source=self._source, row=draft.row, remembered=f": {remembered}" if remembered else ""
            ),
            2000,
        )
        fields = {
            "application": draft.application,
            "contacts": draft.contacts,
            "platforms": ["acmidm"],
            **draft.said,
            "environments": {
                environment.value: request_of(draft, environment, key_files[environment])
                for environment in draft.clients
            },
        }
        lines = "\n".join(lines_of(fields))
        return f"{_SCHEMA.format('onboarding')}#\n# {comment}\n{lines}\n"

    def _valid(self, staged: Iterable[StagedForm], outcome: WrittenForms) -> list[StagedForm]:
        """Return the forms that the loader accepts, after taking out the files of the others."""
        left = list(staged)
        while True:
            try:
                load_onboardings([self._folder], self._catalogue, self._profiles, unwritten=self._texts)
            except InvalidForms as error:
                faulty = [(form, problems) for form in left if (problems := _about(form, error.problems))]
                if not faulty:
                    raise
                for form, problems in faulty:
                    left.remove(form)
                    outcome.unplaced += [
                        say("import.form_not_valid", row=form.draft.row, what=problem.what, remedy=problem.remedy)
                        for problem in problems
                    ]
                needed = {file for form in left for file in form.files}
                self._texts = {file: text for file, text in self._texts.items() if file in needed}
            else:
                return left

    def _put(self, files: Iterable[Path]) -> bool:
        """Write files, the form last; return False where it turned out to exist. Another file that exists is the
        same."""
        for file in files:
            text = self._texts.get(file)
            if text is None:  # the file existed before
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                write_once(file, text)
            except FileExistsError:
                if file.read_text("utf-8") != text:
                    return False
        return True


def _shared_keys(drafts: Iterable[ImportedForm]) -> Mapping[str, Sequence[ImportedForm]]:
    """Return the drafts of each key, by its thumbprint, that several organisations have, as those of a supplier do."""
    users: dict[str, list[ImportedForm]] = defaultdict(list)
    for draft in drafts:
        for thumbprint in {key.thumbprint for keys in draft.keys.values() for key in keys}:
            users[thumbprint].append(draft)
    return {
        thumbprint: of_one
        for thumbprint, of_one in users.items()
        if len({draft.organisation.code for draft in of_one}) > 1
    }


def _about(staged: StagedForm, problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems in a form's files, and those in other files on account of them."""
    files = {shown(absolute(file)) for file in staged.files}
    return [problem for problem in problems if not files.isdisjoint({problem.file, problem.also})]


def _exists(draft: ImportedForm, file: Path) -> str:
    return say("import.exists", row=draft.row, file=file)
