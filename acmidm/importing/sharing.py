"""The files of keys that clients have. One key of several organisations is that of a supplier, by
mandates."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from acmidm.edit.changes import Content
from acmidm.form_text import file_text
from acmidm.importing.listed import ExistingClients
from acmidm.words import slug
from acmidm_onboarding.forms.files import KEYS_FILE, MANDATES_FILE, ORGANISATION_FILE
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.terms import Environment


class Supplier(NamedTuple):
    """The folder of a supplier, and the last day of each mandate that import writes for it."""

    folder: str
    until: date


class SharedKeys:
    """The keys of some drafts, and which of them several organisations have."""

    def __init__(
        self, forms: Path, drafts: Sequence[ExistingClients], supplier: Supplier | None
    ) -> None:
        self._forms, self._drafts, self.supplier = forms, drafts, supplier
        self._texts: dict[Path, str] = {}
        """Those of key files that get a name."""
        users: dict[str, list[ExistingClients]] = defaultdict(list)
        for draft in drafts:
            for thumbprint in draft.all_keys:
                users[thumbprint].append(draft)
        self._users = {key: having for key, having in users.items() if _are_of_several(having)}
        """By the thumbprints of keys that are shared."""

    def of_supplier(self, supplier: Supplier, draft: ExistingClients) -> dict[Path, Content]:
        """Return the files of the supplier, with the keys that it has for others, and the mandates
        of a draft's organisation."""
        files: dict[Path, Content] = {}
        listed: dict[str, list[str]] = {}
        folder = self._forms / supplier.folder
        sharing = [one for one in self._drafts if self.are_in(one) and not any(self.refusals(one))]
        by_environment: dict[Environment, dict[str, PublicJwk]] = defaultdict(dict)
        for one in sharing:
            for environment, of_one in one.keys.items():
                by_environment[environment] |= {key.thumbprint: key for key in of_one}
        for environment, keys in by_environment.items():
            own = {key.thumbprint for key in draft.keys.get(environment, ())}
            kids = sorted(key.kid for key in keys.values() if key.thumbprint not in own)
            if kids and environment in draft.keys:
                draft.notes.append(
                    f"gains key {', '.join(kids)} on {environment}, which {supplier.folder} has"
                    " for others"
                )
            of_keys = self.key_files(folder, "", list(keys.values()))
            files |= {folder / name: text for name, text in of_keys.items()}
            if of_keys:
                listed[environment.value] = list(of_keys)
        mandate = {
            "supplier": supplier.folder,
            "applications": [one.application for one in sharing if one.owner is draft.owner],
            "until": supplier.until,
        }
        mandates = self._forms / draft.owner.folder / MANDATES_FILE
        return {
            folder / ORGANISATION_FILE: file_text("organisation", {"name": supplier.folder}),
            **files,
            folder / KEYS_FILE: file_text("keys", listed),
            mandates: file_text("mandates", {"mandates": [mandate]}),
        }

    def key_files(self, folder: Path, prefix: str, keys: Sequence[PublicJwk]) -> dict[str, str]:
        """Return the texts of keys by the names of their files; a file with the same key is used
        again."""
        files: dict[str, str] = {}
        for key in keys:
            text = json.dumps(dict(key.members), indent=2) + "\n"
            for suffix in ("", f"-{key.thumbprint[:8]}", f"-{key.thumbprint}"):
                file = folder / f"{prefix}{slug(key.kid) or 'key'}{suffix}.jwk.json"
                there = file.read_text("utf-8") if file.exists() else self._texts.get(file, text)
                if there == text:
                    break
            files[file.name] = self._texts[file] = text
        return files

    def are_in(self, draft: ExistingClients) -> bool:
        """Return whether a draft has a key that another organisation has too."""
        return not self._users.keys().isdisjoint(draft.all_keys)

    def refusals(self, draft: ExistingClients) -> Iterator[str]:
        """Yield a sentence for each key of a draft that another organisation has too, where no
        supplier is named, or that a supplier has not beside the keys that it has."""
        if not self.are_in(draft):
            return
        for thumbprint, key in draft.all_keys.items():
            users = self._users.get(thumbprint, ())
            if self.supplier is None:
                rows = [str(other) for other in users if other.owner is not draft.owner]
                if rows:
                    yield (
                        f'key "{key.kid}" is that of another organisation too, in'
                        f" {', '.join(dict.fromkeys(rows))}: --supplier FOLDER keeps it once, in"
                        " the folder of the supplier"
                    )
            elif self._has_other_keys(self.supplier, key):
                yield (
                    f'key "{key.kid}" is not among those that {self.supplier.folder} has for'
                    " others; add it to its keys.yaml first"
                )
            elif not users:
                yield (
                    f'key "{key.kid}" is its own, beside a key of {self.supplier.folder}: a form'
                    " has the keys of one of them; take one of the two from the client"
                )

    def _has_other_keys(self, supplier: Supplier, key: PublicJwk) -> bool:
        """Return whether a supplier lists keys already, and not this one: the client would lose
        it."""
        listing = self._forms / supplier.folder / KEYS_FILE
        [name] = self.key_files(listing.parent, "", [key])
        return listing.exists() and name not in listing.read_text("utf-8")


def _are_of_several(drafts: Sequence[ExistingClients]) -> bool:
    """Return whether drafts are those of several organisations."""
    return len({draft.owner.organisation.code for draft in drafts}) > 1
