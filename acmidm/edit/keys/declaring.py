"""The public keys of a form or a supplier, as ``acmidm keys`` adds and removes them: their files,
and the list that names these files."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap

from acmidm.edit.changes import edit_file, forms_named, reading
from acmidm.edit.keys.pair import key_text
from acmidm.edit.lines import on_one_line, put_last, take_out
from acmidm.form_text import SCHEMA
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.files import KEYS_FILE, absolute
from acmidm_onboarding.forms.form import EnvironmentRequest
from acmidm_onboarding.forms.key_files import key_in
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.rules.policies import Profile
from acmidm_onboarding.stack_files import stacks_in
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import Failure, listed, quoted
from acmidm_onboarding.values.terms import MOST_KEYS, AuthMethod, Environment

_NEW_KEYS_FILE = f"{SCHEMA.format('keys')}\n{{}}\n"
"""The text of a supplier's ``keys.yaml`` before its first key."""


@dataclass(frozen=True)
class ListOfKeys:
    """The list of public keys of one environment: ``jwks`` of a form, or what a supplier's
    ``keys.yaml`` has for all forms with ``keys_of`` that supplier."""

    file: Path
    """The form, or ``keys.yaml``, which may not exist yet."""
    organisation: Organisation
    """Whose form it is, or the supplier."""
    environment: Environment
    profile: Profile
    """Which algorithms the environment's stack allows."""
    keys: Sequence[PublicJwk]
    """The keys in the list; those of a form without what it says is compromised."""
    forms: Sequence[LoadedForm]
    """The forms whose clients have these keys: the form itself alone, or each form with ``keys_of``
    the supplier."""
    is_form: bool
    onboardings: Onboardings
    """All forms that were read with these."""

    @property
    def proof_options(self) -> str:
        """The options with which ``acmidm probe`` proves each form that has these keys."""
        return self.onboardings.proof_options(self.forms, self.environment)

    @property
    def has_list(self) -> bool:
        """Whether there is a list: without ``jwks``, a form's keys are uploaded in the portal."""
        if not self.is_form:
            return bool(self.keys)
        return self._request.jwks is not None

    @property
    def _request(self) -> EnvironmentRequest:
        """The form's entry under ``environments``; not of a supplier."""
        return self.forms[0].form.environments[self.environment]

    def require_room(self, count_of_new: int = 1) -> None:
        """Raises Failure where the list can take no new keys: the form has those of a supplier, or
        of an address, its client authenticates otherwise, or there would be too many."""
        self._require_no_supplier()
        count = len(self.keys)
        if self.is_form:
            method = self.forms[0].form.token_endpoint_auth_method
            count = len(self._request.jwks or ())  # also those that are compromised
            if self._request.jwks_uri:
                raise Failure(
                    tr(
                        "{file} has its keys at {address}; publish the key there, or take jwks_uri"
                        " out first",
                        file=self.file,
                        address=self._request.jwks_uri,
                    )
                )
            if method is not AuthMethod.PRIVATE_KEY_JWT:
                raise Failure(
                    tr(
                        "{file}: the client authenticates with {method}; choose"
                        " token_endpoint_auth_method private_key_jwt first",
                        file=self.file,
                        method=method,
                    )
                )
        if count + count_of_new > MOST_KEYS:
            raise Failure(
                tr(
                    "{file} names {count} keys for {environment}, and has {most} at most; take one"
                    " that is no longer used out of jwks first{first}",
                    file=self.file,
                    count=count,
                    environment=self.environment,
                    most=MOST_KEYS,
                    first=self._first_to_end(),
                )
            )

    def _first_to_end(self) -> str:
        """Return which key ends first, as " (the first to end is …)"; empty where no key ends."""
        first = min(self.keys, key=lambda key: (key.expires is None, key.expires), default=None)
        if first is None or first.expires is None:
            return ""
        sentence = tr(
            "the first to end is {kid}, on {day:%Y-%m-%d}", kid=first.kid, day=first.expires
        )
        return f" ({sentence})"

    def new_key_names(
        self, count: int, now: datetime, *, taken: Callable[[str], bool] = lambda _: False
    ) -> list[str]:
        """Return free names for new key files, such as ``mijn-gent-tni-2026``, without their
        ending. ``taken`` returns whether a name is in use elsewhere too, as by a private key."""
        whose = self.file.stem if self.is_form else self.file.parent.name

        def is_taken(name: str) -> bool:
            return self._file_of(name).exists() or taken(name)

        return free_names(f"{whose}-{self.environment}-{now.year}", count, is_taken)

    def _file_of(self, name: str) -> Path:
        return self.file.with_name(f"{name}.jwk.json")

    def declare(self, keys: Mapping[str, PublicJwk]) -> Callable[[], list[Path]]:
        """Check new keys, by the names of their files, and return the function that writes these
        files and adds them to the list.

        Raises:
            InvalidForms: with every mistake that the forms would have.
            Failure: where the list cannot be edited.
        """
        files: dict[Path, str] = {}
        for name, key in keys.items():
            files[self._file_of(name)] = key_text(key)

        def add(document: Any) -> None:
            if self.is_form:
                add_keys(document["environments"], self.environment, files)
            else:
                _add_names(document, self.environment.value, files)

        return edit_file(self.file, add, files, self._checked, first=_NEW_KEYS_FILE)

    def remove(self, kid: str) -> None:
        """Take a key out of the list, and remove its file where no YAML file of its folder names
        that.

        Raises:
            InvalidForms: where the forms would not be valid without it.
            Failure: where the list has no such key.
        """
        self._require_no_supplier()
        removed: list[Path] = []  # one file, once the edit has found it

        def remove_entry(document: Any) -> None:
            request, name = document, self.environment.value
            if self.is_form:
                request, name = document["environments"][name], "jwks"
            entries = (request or {}).get(name) or []  # a supplier has no file before its first key
            files = {key.kid: file for file, key in keys_listed(self.file, entries).items()}
            if kid not in files:
                raise Failure(
                    tr(
                        "{file} names no key {kid} for {environment}; it has {kids}",
                        file=self.file,
                        kid=quoted(kid),
                        environment=self.environment,
                        kids=listed(files),
                    )
                )
            take_out(request, name, list(map(file_name, entries)).index(files[kid]))
            removed[:] = [self.file.with_name(files[kid])]

        edit_file(self.file, remove_entry, {}, self._checked)()
        [file] = removed
        if not _is_named_beside(file):
            file.unlink()

    @property
    def _checked(self) -> Path:
        """What has to be valid after an edit: the form, or all forms, as each may have the
        supplier's keys."""
        return self.file if self.is_form else self.file.parent.parent

    def _require_no_supplier(self) -> None:
        """Raises Failure where a form has the keys of a supplier, which change in its
        ``keys.yaml``."""
        if self.is_form and (supplier := self.forms[0].form.keys_of):
            raise Failure(
                tr(
                    "{file} has the keys of {supplier} (keys_of); make the change there:"
                    " --supplier {supplier} in the place of the form",
                    file=self.file,
                    supplier=supplier,
                )
            )


def _is_named_beside(file: Path) -> bool:
    """Return whether a YAML file beside a key file has its name in it, also one with mistakes."""
    for form in file.parent.glob("*.yaml"):
        if form.is_file() and file.name.encode() in form.read_bytes():
            return True
    return False


def free_names(base: str, count: int, is_taken: Callable[[str], bool]) -> list[str]:
    """Return the first ``count`` names of ``base``, ``base-2``, ``base-3`` … that are free."""
    numbered = (f"{base}-{number}" for number in itertools.count(2))
    free = itertools.filterfalse(is_taken, itertools.chain([base], numbered))
    return list(itertools.islice(free, count))


def add_keys(environments: Any, environment: Environment, files: Iterable[Path]) -> None:
    """Add key files to ``jwks`` of an environment of a form's document."""
    if environments[environment] is None:
        environments[environment.value] = CommentedMap()
    _add_names(environments[environment], "jwks", files)


def file_name(entry: Any) -> str:
    """Return the file that an entry of ``jwks`` names: ``a.jwk.json`` or ``{file: a.jwk.json}``."""
    return entry if isinstance(entry, str) else str(entry["file"])


def keys_listed(form: Path, entries: Iterable[Any]) -> dict[str, PublicJwk]:
    """Return the keys that entries of ``jwks`` in a form name, by the names of their files. A file
    that is missing, or has no valid key, is left out."""
    keys = {}
    for name in map(file_name, entries):
        file = absolute(form.with_name(name))
        key = key_in(file.read_text("utf-8"), file) if file.exists() else None
        if isinstance(key, PublicJwk):
            keys[name] = key
    return keys


def _add_names(mapping: Any, list_name: str, files: Iterable[Path]) -> None:
    """Append the names of files to a list in a mapping of a document. A new list comes first."""
    names = [file.name for file in files]
    if mapping.get(list_name):
        put_last(mapping[list_name], names)
    else:
        mapping.insert(0, list_name, on_one_line(names))


def keys_of_form(file: Path, environment: Environment) -> ListOfKeys:
    """Return the list of keys of a form. Raises InvalidForms with its mistakes; Failure where it is
    no form, or lacks the environment."""
    stacks = stacks_in(Path())
    if file.is_dir():  # before its forms are read: their mistakes would hide this one
        raise Failure(tr("{file} is a folder; name one form", file=file))
    onboardings = reading([file], stacks)().valid()
    [loaded] = forms = forms_named([file], onboardings)
    if environment not in loaded.form.environments:
        raise Failure(
            tr(
                "{file} has no {environment} under environments; add it first",
                file=file,
                environment=environment,
            )
        )
    return ListOfKeys(
        file=loaded.file,
        organisation=loaded.organisation,
        environment=environment,
        profile=stacks.profiles[environment],
        keys=loaded.keys.get(environment, ()),
        forms=forms,
        is_form=True,
        onboardings=onboardings,
    )


def keys_of_supplier(supplier: str, forms: Path, environment: Environment) -> ListOfKeys:
    """Return the list of keys of a supplier, by the name of its folder in ``forms``. Raises
    InvalidForms with the mistakes of all forms; Failure where there is no such supplier."""
    stacks = stacks_in(Path())
    onboardings = reading([forms], stacks)().valid()
    if supplier not in onboardings.organisations:
        raise Failure(
            tr(
                "{forms}/{supplier} has no organisation.yaml; name the folder of a supplier in"
                " {forms}",
                supplier=supplier,
                forms=forms,
            )
        )
    supplied = onboardings.supplied_by(supplier)
    return ListOfKeys(
        file=forms / supplier / KEYS_FILE,
        organisation=onboardings.organisations[supplier],
        environment=environment,
        profile=stacks.profiles[environment],
        keys=onboardings.suppliers.get(supplier, {}).get(environment, ()),
        forms=[loaded for loaded in supplied if environment in loaded.form.environments],
        is_form=False,
        onboardings=onboardings,
    )
