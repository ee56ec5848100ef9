"""Public keys that a form is about to name: where their files go, and what keeps it from naming them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from acmidm.edit.keys.pair import text_of
from acmidm.edit.lines import edit_form, on_one_line, put_first, put_last
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.files import absolute, shown
from acmidm_onboarding.forms.loading import load_onboardings
from acmidm_onboarding.rules.policies import Profile
from acmidm_onboarding.settings import own_catalogue
from acmidm_onboarding.stack_files import stacks_in
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import MOST_KEYS, AuthMethod, Environment


@dataclass(frozen=True)
class FormOfKeys:
    """A valid form, in one environment."""

    loaded: LoadedForm
    environment: Environment
    profile: Profile

    @property
    def keys(self) -> Sequence[PublicJwk]:
        """Those that it names already."""
        return self.loaded.keys.get(self.environment, ())

    @property
    def has_list(self) -> bool:
        return self.loaded.form.environments[self.environment].jwks is not None

    def require_room(self, more: int = 1) -> None:
        """Raises Failure where the form can have no ``more`` keys, whatever they are."""
        request, form = self.loaded.form.environments[self.environment], self.loaded.form
        if request.jwks_uri:
            raise Failure(say("edit.keys_at_address", file=self.loaded.file, address=request.jwks_uri))
        if form.token_endpoint_auth_method is not AuthMethod.PRIVATE_KEY_JWT:
            raise Failure(say("edit.keys_without_use", file=self.loaded.file, method=form.token_endpoint_auth_method))
        if len(request.jwks or ()) + more > MOST_KEYS:
            oldest = min(self.keys, key=lambda key: (key.expires is None, key.expires), default=None)
            first = (
                f" ({say('edit.first_to_end', kid=oldest.kid, day=oldest.expires)})"
                if oldest and oldest.expires
                else ""
            )
            raise Failure(
                say(
                    "edit.most_keys",
                    file=self.loaded.file,
                    count=len(request.jwks or ()),
                    environment=self.environment,
                    most=MOST_KEYS,
                    first=first,
                )
            )

    def names_of(self, count: int, now: datetime, *, taken: Callable[[str], bool] = lambda _: False) -> list[str]:
        """Return free names for key files beside the form, without their ending; ``taken`` says of a name whether it is
        in use elsewhere."""
        file, base = Path.cwd() / self.loaded.file, f"{self.loaded.file.stem}-{self.environment}-{now.year}"
        return free_names(base, count, lambda name: file.with_name(f"{name}.jwk.json").exists() or taken(name))

    def declare(self, keys: Mapping[str, PublicJwk]) -> Callable[[], None]:
        """Return what writes the keys, by the names of their files, and names them in the form. Raises InvalidForms,
        Failure."""
        files = {f"{name}.jwk.json": text_of(key) for name, key in keys.items()}

        def add(document: Any) -> None:
            add_keys(document["environments"], self.environment, files)

        return edit_form(self.loaded, add, files)


def free_names(base: str, count: int, is_taken: Callable[[str], bool]) -> list[str]:
    """Return names that are not taken: ``base``, ``base-2`` and so on."""
    names = (base if number == 1 else f"{base}-{number}" for number in itertools.count(1))
    return list(itertools.islice((name for name in names if not is_taken(name)), count))


def add_keys(environments: Any, environment: Environment, files: Iterable[str]) -> None:
    """Name more key files in a form's document."""
    request = environments[environment.value]
    if request is None:
        environments[environment.value] = {"jwks": on_one_line(files)}
    elif request.get("jwks"):
        put_last(request["jwks"], files)
    else:
        put_first(request, "jwks", on_one_line(files))


def form_of_keys(file: Path, environment: Environment) -> FormOfKeys:
    """Read a form with the stacks' settings of this folder. Raises InvalidForms and Failure."""
    stacks = stacks_in(Path())
    if file.is_dir():
        raise Failure(say("edit.is_folder", file=file))
    organisation = load_onboardings([file], own_catalogue(), stacks.profiles, stacks.served)
    loaded = next((form for form in organisation.forms if form.file == shown(absolute(file))), None)
    if loaded is None:
        raise Failure(say("edit.no_form", file=file))
    if environment not in loaded.form.environments:
        raise Failure(say("edit.no_environment", file=file, environment=environment))
    return FormOfKeys(loaded, environment, stacks.profiles[environment])
