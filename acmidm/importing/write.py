"""Put forms and key files in place: checked among all forms before, and never over a file that
exists."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from acmidm.files import make_folder, write_once
from acmidm.form_text import SCHEMA, Quoted, lines_of
from acmidm.importing.draft import ImportedForm, request_of
from acmidm.importing.sheet import Column
from acmidm.words import plain, slug
from acmidm_onboarding.forms.files import (
    KEYS_FILE,
    MANDATES_FILE,
    ORGANISATION_FILE,
    absolute,
    shown,
)
from acmidm_onboarding.forms.loading import load_catalogue, load_onboardings, load_organisations
from acmidm_onboarding.forms.speaking import about_names_of_others, names_of, speaking_values
from acmidm_onboarding.rules.policies import Profile
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import InvalidForms, Problem
from acmidm_onboarding.values.terms import Environment

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


class Supplier(NamedTuple):
    """The folder of a supplier, and the last day of each mandate that import writes for it."""

    folder: str
    until: date


class Writer:
    """Writes drafts into ``folder``. ``source`` is the spreadsheet's name, for the comment in each
    form.

    ``supplier`` has the keys that organisations share, each by a mandate.
    """

    def __init__(
        self,
        folder: Path,
        catalogue: Path,
        profiles: Mapping[Environment, Profile],
        source: str,
        supplier: Supplier | None = None,
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
        users = list(chain(*shared.values()))
        sharing = [
            draft for draft in drafts if draft in users and not any(self._unshared(draft, shared))
        ]
        present = load_organisations(self._folder) if self._folder.is_dir() else {}
        organisations = {**present, **_new_organisations(drafts, self._speaks_for(drafts))}
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
            supplier = self._supplier if draft in sharing else None
            if supplier:
                files += self._stage_supplier(supplier, draft, sharing)
            else:
                for environment, key in (
                    (name, key) for name, keys in draft.keys.items() for key in keys
                ):
                    files.append(self._stage_key(own, f"{draft.application}-{environment}-", key))
                    key_files[environment].append(files[-1].name)
            if draft.organisation.is_new:
                nameless = [
                    client.client_id
                    for other in drafts
                    if other.organisation == draft.organisation
                    for client in other.nameless
                ]
                files.append(self._stage_own(draft, nameless, organisations))
            self._texts[form] = self._text(draft, key_files, supplier)
            staged.append(StagedForm(draft, [*files, form]))
        return staged

    def _stage_own(
        self,
        draft: ImportedForm,
        nameless: Sequence[str],
        organisations: Mapping[str, Organisation],
    ) -> Path:
        """Stage ``organisation.yaml`` of a new organisation. ``organisations`` are all, by folder,
        the new ones with the names under which they send."""
        owner = draft.organisation
        own = organisations[owner.folder]
        fields: dict[str, Any] = {
            "name": owner.name,
            "ovo": owner.ovo,
            "kbo": owner.kbo and Quoted(owner.kbo),
        }
        if nameless:
            fields["adopts"] = [Quoted(client_id) for client_id in nameless]
        if own.speaks_for:
            fields["speaks_for"] = {name: list(values) for name, values in own.speaks_for.items()}
            facts = {"folder": owner.folder, "file": ORGANISATION_FILE, "names": names_of(own)}
            draft.notes.append(say("import.sends_as", **facts))
            draft.notes += about_names_of_others(owner.folder, own, organisations)
        return self._stage_once(owner.folder, ORGANISATION_FILE, fields)

    def _stage_supplier(
        self, supplier: Supplier, draft: ImportedForm, sharing: Sequence[ImportedForm]
    ) -> list[Path]:
        """Stage the supplier with the keys that it has for others, and the mandates of a draft's
        organisation."""
        keys: dict[Environment, dict[str, PublicJwk]] = defaultdict(dict)
        for environment, of_client in (
            (name, of) for other in sharing for name, of in other.keys.items()
        ):
            keys[environment].update((key.thumbprint, key) for key in of_client)
        files = {
            name: [self._stage_key(supplier.folder, "", key) for key in of.values()]
            for name, of in keys.items()
        }
        for environment, own in draft.keys.items():
            more = keys[environment].keys() - {key.thumbprint for key in own}
            if more:
                kids = ", ".join(sorted(keys[environment][thumbprint].kid for thumbprint in more))
                draft.notes.append(
                    say(
                        "import.gains_keys",
                        environment=environment,
                        kids=kids,
                        folder=supplier.folder,
                    )
                )
        owner = draft.organisation
        applications = [other.application for other in sharing if other.organisation == owner]
        mandate = {
            "supplier": supplier.folder,
            "applications": applications,
            "until": supplier.until,
        }
        listed = {
            environment.value: [file.name for file in of] for environment, of in files.items() if of
        }
        return [
            self._stage_once(supplier.folder, ORGANISATION_FILE, {"name": supplier.folder}),
            *(file for of_environment in files.values() for file in of_environment),
            self._stage_once(supplier.folder, KEYS_FILE, listed),
            self._stage_once(owner.folder, MANDATES_FILE, {"mandates": [mandate]}),
        ]

    def _stage_once(self, folder: str, name: str, fields: Mapping[str, Any]) -> Path:
        """Stage what a folder has once, where it is not there; return its place."""
        file = self._folder / folder / name
        if self._text_in(file) is None:
            given = {field: value for field, value in fields.items() if value is not None}
            self._texts[file] = "\n".join([SCHEMA.format(file.stem), *lines_of(given), ""])
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

    def _speaks_for(
        self, drafts: Iterable[ImportedForm]
    ) -> Mapping[str, Mapping[str, Sequence[str]]]:
        """Return under which names the clients of each organisation send, per folder and field."""
        catalogue, by_folder = (
            load_catalogue(self._catalogue),
            defaultdict[str, dict[str, set[str]]](dict),
        )
        for draft in drafts:
            of_one = by_folder[draft.organisation.folder]
            for client in draft.clients.values():
                for name, text in client.metadata.attributes.items():
                    if name in catalogue.speaking_fields:
                        of_one.setdefault(name, set()).add(text)
                for product, document in client.configurations.items():
                    for (name, *_), text in speaking_values(
                        catalogue.products[product], document.configuration
                    ):
                        of_one.setdefault(name, set()).add(text)
        return {
            folder: {name: sorted(texts) for name, texts in of_one.items()}
            for folder, of_one in by_folder.items()
        }

    def _unshared(
        self, draft: ImportedForm, shared: Mapping[str, Sequence[ImportedForm]]
    ) -> Iterator[str]:
        """Yield a sentence for each key of a draft that another organisation has too, where no
        supplier is named, or that a supplier has not beside the keys that it has."""
        keys = {key.thumbprint: key for keys in draft.keys.values() for key in keys}
        for thumbprint, key in keys.items():
            if self._supplier is None and thumbprint in shared:
                others = [
                    other
                    for other in shared[thumbprint]
                    if other.organisation != draft.organisation
                ]
                rows = ", ".join(dict.fromkeys(str(other.row) for other in others))
                yield say("import.key_of_another", row=draft.row, kid=key.kid, rows=rows)
            elif (
                self._supplier
                and keys.keys() & shared.keys()
                and self._has_other_keys(self._supplier, key)
            ):
                yield say(
                    "import.key_not_listed",
                    row=draft.row,
                    kid=key.kid,
                    supplier=self._supplier.folder,
                )
            elif self._supplier and thumbprint not in shared and keys.keys() & shared.keys():
                yield say(
                    "import.keys_mixed", row=draft.row, kid=key.kid, supplier=self._supplier.folder
                )

    def _has_other_keys(self, supplier: Supplier, key: PublicJwk) -> bool:
        """Return whether a supplier lists keys already, and not this one: the client would lose
        it."""
        file = self._folder / supplier.folder / KEYS_FILE
        return file.exists() and self._stage_key(
            supplier.folder, "", key
        ).name not in file.read_text("utf-8")

    def _text(
        self,
        draft: ImportedForm,
        key_files: Mapping[Environment, Sequence[str]],
        supplier: Supplier | None,
    ) -> str:
        remembered = "; ".join(
            f"{column} {value}"
            for column in _REMEMBERED
            if (value := draft.row.values.get(column)) and value != draft.organisation.kbo
        )
        comment = plain(
            say(
                "import.source",
                source=self._source,
                row=draft.row,
                remembered=f": {remembered}" if remembered else "",
            ),
            2000,
        )
        fields = {
            "application": draft.application,
            "contacts": draft.contacts,
            "platforms": ["acmidm"],
            **draft.said,
            **({"keys_of": supplier.folder} if supplier else {}),
            "environments": {
                environment.value: request_of(draft, environment, key_files[environment])
                for environment in draft.clients
            },
        }
        lines = "\n".join(lines_of(fields))
        return f"{SCHEMA.format('onboarding')}\n#\n# {comment}\n{lines}\n"

    def _valid(self, staged: Iterable[StagedForm], outcome: WrittenForms) -> list[StagedForm]:
        """Return the forms that the loader accepts, after taking out the files of the others."""
        left = list(staged)
        while True:
            try:
                load_onboardings(
                    [self._folder], self._catalogue, self._profiles, unwritten=self._texts
                )
            except InvalidForms as error:
                faulty = [
                    (form, problems) for form in left if (problems := _about(form, error.problems))
                ]
                if not faulty:
                    raise
                for form, problems in faulty:
                    left.remove(form)
                    outcome.unplaced += [
                        say(
                            "import.form_not_valid",
                            row=form.draft.row,
                            what=problem.what,
                            remedy=problem.remedy,
                        )
                        for problem in problems
                    ]
                needed = {file for form in left for file in form.files}
                self._texts = {file: text for file, text in self._texts.items() if file in needed}
            else:
                return left

    def _put(self, files: Iterable[Path]) -> bool:
        """Write files, the form last; return False where it turned out to exist. Another file that
        exists is the same."""
        for file in files:
            text = self._texts.get(file)
            if text is None:  # the file existed before
                continue
            make_folder(file)
            try:
                write_once(file, text)
            except FileExistsError:
                if file.read_text("utf-8") != text:
                    return False
        return True


def _new_organisations(
    drafts: Iterable[ImportedForm], speaks_for: Mapping[str, Mapping[str, Sequence[str]]]
) -> Mapping[str, Organisation]:
    """Return the organisations that get a folder, with under which names they will send."""
    organisations: dict[str, Organisation] = {}
    for owner in {draft.organisation for draft in drafts if draft.organisation.is_new}:
        names = {name: tuple(values) for name, values in speaks_for[owner.folder].items()}
        # Not checked: the loader says later what is wrong with its name or its codes.
        organisations[owner.folder] = Organisation.model_construct(
            name=owner.name, ovo=owner.ovo, kbo=owner.kbo, speaks_for=names
        )
    return organisations


def _shared_keys(drafts: Iterable[ImportedForm]) -> Mapping[str, Sequence[ImportedForm]]:
    """Return the drafts of each key, by its thumbprint, that several organisations have, as those
    of a supplier do."""
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
