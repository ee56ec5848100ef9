"""The files of forms that take over clients, with the keys that these have: checked among all
forms, and never over a file that exists."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from acmidm.edit.changes import Content, Placed, Read, Rows
from acmidm.form_text import Quoted, file_text
from acmidm.importing.draft import Column, ImportedForm, request_of
from acmidm.sheet import SheetRow
from acmidm.words import plain, slug
from acmidm_onboarding.forms.files import KEYS_FILE, MANDATES_FILE, ORGANISATION_FILE
from acmidm_onboarding.forms.speaking import about_names_of_others, names_of, speaking_values
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Environment

_REMEMBERED = (Column.KBO, Column.CUSTOMER, Column.TAN, Column.URI_TEST, Column.URI_PROD)
"""Columns that a form has no field for; kept as a comment."""


@dataclass(frozen=True)
class TakenOver(Placed):
    """A form with the files that it needs: the form itself is the last."""

    draft: ImportedForm = field(kw_only=True)

    @property
    def file(self) -> Path:
        return list(self.files)[-1]


class Supplier(NamedTuple):
    """The folder of a supplier, and the last day of each mandate that import writes for it."""

    folder: str
    until: date


class Writer(Rows[TakenOver]):
    """Writes drafts into ``folder``. ``source`` is the spreadsheet's name, for the comment in each
    form.

    ``supplier`` has the keys that organisations share, each by a mandate.
    """

    def __init__(
        self, read: Read, folder: Path, source: str, supplier: Supplier | None = None
    ) -> None:
        super().__init__(read)
        self._folder, self._source, self._supplier = folder, source, supplier
        self._drafts: Sequence[ImportedForm] = ()
        self._sharing: Sequence[ImportedForm] = ()
        """Those that get the keys of the supplier."""
        self._users: Mapping[str, Sequence[ImportedForm]] = {}
        self._organisations: dict[str, Organisation] = {}
        """All, by folder: the new ones with the names under which they will send."""
        self._keys: dict[Path, str] = {}
        """The texts of key files that get a name."""

    def write(self, drafts: Sequence[ImportedForm]) -> None:
        """Write the forms that are valid, all or none. Raises Failure, OSError."""
        self._drafts, self._users = drafts, _users_of_shared_keys(drafts)
        self._sharing = [
            draft
            for draft in drafts
            if self._supplier and self._shares(draft) and not any(self._unshared(draft))
        ]
        new = {draft.organisation.folder for draft in drafts if draft.organisation.is_new}
        self._organisations = {
            **self.onboardings.organisations,
            **{folder: self._new_organisation(folder) for folder in new},
        }
        self.sort_out(draft.row for draft in drafts)
        self.changes.write()

    def place(self, row: SheetRow) -> TakenOver:
        """Return the files of the draft of a row. Raises Failure."""
        draft = next(draft for draft in self._drafts if draft.row is row)
        if unshared := list(self._unshared(draft)):
            raise Failure("\n".join(unshared))
        owner, form = draft.organisation, self._folder / f"{draft.name}.yaml"
        if form.exists():
            raise Failure(
                f"{form} exists already, for another connection, and is left as it is: rename it,"
                " or write the form by hand"
            )
        files: dict[Path, Content] = {}
        names: dict[Environment, list[str]] = defaultdict(list)
        supplier = self._supplier if draft in self._sharing else None
        if supplier:
            files |= self._of_supplier(supplier, draft)
        else:
            for environment, keys in draft.keys.items():
                of_keys = self._key_files(owner.folder, f"{draft.application}-{environment}-", keys)
                files |= of_keys
                names[environment] += [file.name for file in of_keys]
        if owner.is_new:
            files[self._folder / owner.folder / ORGANISATION_FILE] = self._own(draft)
        # What is there stays.
        files = {file: text for file, text in files.items() if not file.exists()}
        files[form] = self._text(draft, names, supplier)
        return TakenOver(row, files, draft=draft)

    def _own(self, draft: ImportedForm) -> str:
        """Return ``organisation.yaml`` of a new organisation."""
        owner = draft.organisation
        own = self._organisations[owner.folder]
        fields: dict[str, Any] = {
            "name": owner.name,
            "ovo": owner.ovo,
            "kbo": owner.kbo and Quoted(owner.kbo),
        }
        fields = {name: value for name, value in fields.items() if value is not None}
        of_owner = [other for other in self._drafts if other.organisation == owner]
        nameless = [client.client_id for other in of_owner for client in other.nameless]
        if nameless:
            fields["adopts"] = [Quoted(client_id) for client_id in nameless]
        if own.speaks_for:
            fields["speaks_for"] = {name: list(values) for name, values in own.speaks_for.items()}
            draft.notes.append(
                f"{owner.folder}/{ORGANISATION_FILE} lets it send as its clients do now:"
                f" {names_of(own)}: see whether it may"
            )
            draft.notes += about_names_of_others(owner.folder, own, self._organisations)
        return file_text("organisation", fields)

    def _of_supplier(self, supplier: Supplier, draft: ImportedForm) -> dict[Path, Content]:
        """Return the files of the supplier, with the keys that it has for others, and the mandates
        of a draft's organisation."""
        files: dict[Path, Content] = {}
        listed: dict[str, list[str]] = {}
        for environment in dict.fromkeys(name for one in self._sharing for name in one.keys):
            of_all = [key for one in self._sharing for key in one.keys.get(environment, ())]
            keys = {key.thumbprint: key for key in of_all}
            own = {key.thumbprint for key in draft.keys.get(environment, ())}
            kids = sorted(key.kid for key in keys.values() if key.thumbprint not in own)
            if kids and environment in draft.keys:
                draft.notes.append(
                    f"gains key {', '.join(kids)} on {environment}, which {supplier.folder} has"
                    " for others"
                )
            of_keys = self._key_files(supplier.folder, "", list(keys.values()))
            files |= of_keys
            if of_keys:
                listed[environment.value] = [file.name for file in of_keys]
        owner = draft.organisation
        applications = [one.application for one in self._sharing if one.organisation == owner]
        mandate = {
            "supplier": supplier.folder,
            "applications": applications,
            "until": supplier.until,
        }
        folder = self._folder / supplier.folder
        return {
            folder / ORGANISATION_FILE: file_text("organisation", {"name": supplier.folder}),
            **files,
            folder / KEYS_FILE: file_text("keys", listed),
            self._folder / owner.folder / MANDATES_FILE: file_text(
                "mandates", {"mandates": [mandate]}
            ),
        }

    def _key_files(
        self, folder: str, prefix: str, keys: Sequence[PublicJwk]
    ) -> dict[Path, Content]:
        """Return the files of keys; one with the same key is used again."""
        files: dict[Path, Content] = {}
        for key in keys:
            text = json.dumps(dict(key.members), indent=2) + "\n"
            for suffix in ("", f"-{key.thumbprint[:8]}", f"-{key.thumbprint}"):
                name = f"{prefix}{slug(key.kid) or 'key'}{suffix}.jwk.json"
                file = self._folder / folder / name
                there = file.read_text("utf-8") if file.exists() else self._keys.get(file, text)
                if there == text:
                    break
            files[file] = self._keys[file] = text
        return files

    def _new_organisation(self, folder: str) -> Organisation:
        """Return an organisation that gets a folder, with the names under which its clients
        send."""
        drafts = [draft for draft in self._drafts if draft.organisation.folder == folder]
        names: dict[str, set[str]] = defaultdict(set)
        for draft in drafts:
            for name, text in self._speaking(draft):
                names[name].add(text)
        owner = drafts[0].organisation
        # Not checked: the loader says later what is wrong with its name or its codes.
        return Organisation.model_construct(
            name=owner.name,
            ovo=owner.ovo,
            kbo=owner.kbo,
            speaks_for={name: tuple(sorted(texts)) for name, texts in names.items()},
        )

    def _speaking(self, draft: ImportedForm) -> Iterator[tuple[str, str]]:
        """Yield each field in which a client names a sender, and that name."""
        catalogue = self.onboardings.catalogue
        for client in draft.clients.values():
            for name, text in client.metadata.attributes.items():
                if name in catalogue.speaking_fields:
                    yield name, text
            for product, document in client.configurations.items():
                values = speaking_values(catalogue.products[product], document.configuration)
                yield from ((name, text) for (name, *_), text in values)

    def _shares(self, draft: ImportedForm) -> bool:
        return any(draft in users for users in self._users.values())

    def _unshared(self, draft: ImportedForm) -> Iterator[str]:
        """Yield a sentence for each key of a draft that another organisation has too, where no
        supplier is named, or that a supplier has not beside the keys that it has."""
        keys = {key.thumbprint: key for keys in draft.keys.values() for key in keys}
        if not self._shares(draft):
            return
        for thumbprint, key in keys.items():
            is_shared = thumbprint in self._users
            if self._supplier is None:
                if is_shared:
                    others = (
                        str(other.row)
                        for other in self._users[thumbprint]
                        if other.organisation != draft.organisation
                    )
                    rows = ", ".join(dict.fromkeys(others))
                    yield (
                        f'key "{key.kid}" is that of another organisation too, in {rows}:'
                        " --supplier FOLDER keeps it once, in the folder of the supplier"
                    )
                continue
            if self._has_other_keys(self._supplier, key):
                yield (
                    f'key "{key.kid}" is not among those that {self._supplier.folder} has for'
                    " others; add it to its keys.yaml first"
                )
            elif not is_shared:
                yield (
                    f'key "{key.kid}" is its own, beside a key of {self._supplier.folder}: a form'
                    " has the keys of one of them; take one of the two from the client"
                )

    def _has_other_keys(self, supplier: Supplier, key: PublicJwk) -> bool:
        """Return whether a supplier lists keys already, and not this one: the client would lose
        it."""
        listing = self._folder / supplier.folder / KEYS_FILE
        [file] = self._key_files(supplier.folder, "", [key])
        return listing.exists() and file.name not in listing.read_text("utf-8")

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
        what = f": {remembered}" if remembered else ""
        comment = plain(f"From {self._source}, {draft.row}{what}", 2000)
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
        return file_text("onboarding", fields, comment)


def _users_of_shared_keys(
    drafts: Sequence[ImportedForm],
) -> Mapping[str, Sequence[ImportedForm]]:
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
