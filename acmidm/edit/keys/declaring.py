"""Public keys that a form is about to name, or a supplier for others: where their files go, and
what keeps them out."""

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
from acmidm.edit.lines import on_one_line, put_last
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

_FIRST = f"{SCHEMA.format('keys')}\n{{}}\n"
"""What a ``keys.yaml`` begins as."""


@dataclass(frozen=True)
class ListOfKeys:
    """The public keys of a form, or those of a supplier for others, in one environment."""

    file: Path
    """The form, or the supplier's ``keys.yaml``, which may not be there yet."""
    organisation: Organisation
    environment: Environment
    profile: Profile
    keys: Sequence[PublicJwk]
    """Those that it has already."""
    forms: Sequence[LoadedForm]
    """Those that have its keys: the form itself, or each form that names the supplier."""
    is_form: bool
    onboardings: Onboardings
    """Where those are."""

    @property
    def proof_options(self) -> str:
        """The options of ``acmidm probe`` that prove each of those forms."""
        return self.onboardings.proof_options(self.forms, self.environment)

    @property
    def has_list(self) -> bool:
        if not self.is_form:
            return bool(self.keys)
        return self._request.jwks is not None

    @property
    def _request(self) -> EnvironmentRequest:
        """What the form has for the environment."""
        return self.forms[0].form.environments[self.environment]

    def require_room(self, count_of_new: int = 1) -> None:
        """Raises Failure where there can be no ``count_of_new`` more keys, whatever they are."""
        self._require_own()
        count = len(self.keys)
        if self.is_form:
            method = self.forms[0].form.token_endpoint_auth_method
            count = len(self._request.jwks or ())
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
        """Return which key ends first, between brackets; nothing where none has an end."""
        oldest = min(self.keys, key=lambda key: (key.expires is None, key.expires), default=None)
        if oldest is None or oldest.expires is None:
            return ""
        ending = tr(
            "the first to end is {kid}, on {day:%Y-%m-%d}", kid=oldest.kid, day=oldest.expires
        )
        return f" ({ending})"

    def new_key_names(
        self, count: int, now: datetime, *, taken: Callable[[str], bool] = lambda _: False
    ) -> list[str]:
        """Return free names for key files, without their ending; ``taken`` says of a name whether
        it is in use elsewhere."""
        name = self.file.stem if self.is_form else self.file.parent.name

        def is_taken(name: str) -> bool:
            return self._file_of(name).exists() or taken(name)

        return free_names(f"{name}-{self.environment}-{now.year}", count, is_taken)

    def _file_of(self, name: str) -> Path:
        return self.file.with_name(f"{name}.jwk.json")

    def declare(self, keys: Mapping[str, PublicJwk]) -> Callable[[], list[Path]]:
        """Return what writes the keys, by the names of their files, and lists them. Raises
        InvalidForms, Failure."""
        files: dict[Path, str] = {}
        for name, key in keys.items():
            files[self._file_of(name)] = key_text(key)

        def add(document: Any) -> None:
            if self.is_form:
                add_keys(document["environments"], self.environment, files)
            else:
                _add_names(document, self.environment.value, files)

        return edit_file(self.file, add, files, self._checked, first=_FIRST)

    def remove(self, kid: str) -> None:
        """Take a key out of the list, and its file away where nothing else in the folder names it.

        Raises:
            InvalidForms: where what is left would not be valid.
            Failure: where the list has no such key.
        """
        self._require_own()
        removed: list[Path] = []

        def take_out(document: Any) -> None:
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
            del entries[list(map(file_name, entries)).index(files[kid])]
            removed[:] = [self.file.with_name(files[kid])]

        edit_file(self.file, take_out, {}, self._checked)()
        [file] = removed
        if not any(file.name in form.read_text("utf-8") for form in file.parent.glob("*.yaml")):
            file.unlink()

    @property
    def _checked(self) -> Path:
        """What has to be valid after an edit: the form, or each that may have the keys of the
        supplier."""
        return self.file if self.is_form else self.file.parent.parent

    def _require_own(self) -> None:
        """Raises Failure where a form has the keys of a supplier: they are changed there."""
        if self.is_form and (supplier := self.forms[0].form.keys_of):
            raise Failure(
                tr(
                    "{file} has the keys of {supplier} (keys_of); make the change there:"
                    " --supplier {supplier} in the place of the form",
                    file=self.file,
                    supplier=supplier,
                )
            )


def free_names(base: str, count: int, is_taken: Callable[[str], bool]) -> list[str]:
    """Return names that are not taken: ``base``, ``base-2`` and so on."""
    numbered = (f"{base}-{number}" for number in itertools.count(2))
    free = itertools.filterfalse(is_taken, itertools.chain([base], numbered))
    return list(itertools.islice(free, count))


def add_keys(environments: Any, environment: Environment, files: Iterable[Path]) -> None:
    """Add key files to ``jwks`` of an environment of a form's document."""
    if environments[environment] is None:
        environments[environment.value] = CommentedMap()
    _add_names(environments[environment], "jwks", files)


def file_name(entry: Any) -> str:
    """Return the name of the file in an entry of a document's list of keys."""
    return entry if isinstance(entry, str) else str(entry["file"])


def keys_listed(form: Path, entries: Iterable[Any]) -> dict[str, PublicJwk]:
    """Return each key in a document's list of keys, by its file, where that is there and has
    one."""
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
    """Read a form with the stacks' settings of this folder. Raises InvalidForms and Failure."""
    stacks = stacks_in(Path())
    if file.is_dir():  # whose forms may have mistakes, which are not the reason
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
    """Read a supplier, and the forms that have its keys. Raises InvalidForms and Failure."""
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
