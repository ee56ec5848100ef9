"""The forms as they are here and as a Git revision has them: no engine, no state, no credentials."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from acmidm.git import UnknownRevision, exported, merge_base
from acmidm.report.client import ClientState, Place, states_of
from acmidm.words import first_of, plain
from acmidm_onboarding.model.catalogue import Product, Scope
from acmidm_onboarding.model.form import Environment
from acmidm_onboarding.model.loading import ORGANISATION_FILE, LoadedForm, Onboardings, load_onboardings
from acmidm_onboarding.model.policies import POLICIES, Planned, Profile, Situation
from acmidm_onboarding.model.problems import InvalidForms, Problem
from acmidm_onboarding.settings import InvalidSettings, stack_settings


@dataclass(frozen=True)
class Revision:
    """The forms of one revision, in which environments it protects clients, and which of its forms were not valid."""

    onboardings: Onboardings
    protecting: Mapping[Environment, bool]
    left_out: tuple[Path, ...] = ()

    def states(self, environment: Environment, profiles: Mapping[Environment, Profile], now: datetime) -> dict[Place, ClientState]:
        """The clients that the forms declare in an environment."""
        found = states_of(self.onboardings.connections(environment), protect=self.protecting.get(environment))
        # An exemption is the whole form's: what it exempts nothing from is reported once, in the last of its environments.
        unneeded = {
            loaded.name: unneeded_exemptions(loaded, profiles, now)
            for loaded in self.onboardings.forms
            if environment is max(loaded.form.environments, key=list(Environment).index)
        }
        return {
            place: replace(state, unneeded_exemptions=unneeded.get(state.form or "", frozenset())) if state.exemptions else state
            for place, state in found.items()
        }


def unneeded_exemptions(loaded: LoadedForm, profiles: Mapping[Environment, Profile], now: datetime) -> frozenset[str]:
    """The policies that a form is exempted from and satisfies all the same, in each of its environments."""
    exempted = {policy.value for policy in loaded.form.exemptions}
    for environment in loaded.form.environments if exempted else ():
        keys = {key.kid: key.members for key in loaded.keys.get(environment, ())}
        planned, situation = Planned(loaded.form.token_endpoint_auth_method, keys=keys), Situation(environment, profiles[environment], now)
        exempted -= {policy.id for policy in POLICIES if policy.id in exempted and any(policy.violations(planned, situation))}
    return frozenset(exempted)


def revision(name: str, forms: Path, catalogue: Path) -> Revision:
    """The forms where the working tree's branch left the revision ``name``.

    What was no valid form there is left out, else the change that corrects it could not be reviewed.

    Raises:
        UnknownRevision: where Git does not have it.
        InvalidForms: for mistakes in its catalogue.
    """
    commit = merge_base(name)
    forms, catalogue = _below(forms), _below(catalogue)
    left_out: set[Path] = set()
    with exported(
        commit, lambda path: any(map(path.is_relative_to, (forms, catalogue))) or (len(path.parts) == 1 and path.match("Pulumi*.yaml"))
    ) as root:
        for folder in (root / forms, root / catalogue):
            folder.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                return Revision(load_onboardings([root / forms], root / catalogue), protecting(root), tuple(sorted(left_out)))
            except InvalidForms as error:
                faulty = {file for problem in error.problems for file in _faulty(problem.file, root / forms)}
                if not faulty:
                    raise InvalidForms(_as_of(commit, problem, root) for problem in error.problems) from None
                for file in faulty:  # a key too: the forms that name it go in the next round
                    file.unlink()
                left_out |= {file.relative_to(root) for file in faulty if file.suffix == ".yaml" and file.name != ORGANISATION_FILE}


def _faulty(file: Path, forms: Path) -> Iterator[Path]:
    """The files to leave out for a mistake in one: with the file of an organisation all forms beside it."""
    if not file.is_relative_to(forms):
        return
    if file.name == ORGANISATION_FILE:
        yield from (beside for beside in file.parent.glob("*.yaml") if beside.is_file())
    elif file.is_file():
        yield file


def notes_between(before: Revision, after: Revision, forms: Path) -> Iterator[str]:
    """What changes besides clients: the catalogue, which is in no form, and key files that a removed form leaves behind."""
    old, new = before.onboardings.catalogue, after.onboardings.catalogue
    if changed := [*_changed("product", old.products, new.products), *_changed("scope", old.scopes, new.scopes)]:
        yield f"The catalogue changes: {first_of(changed, '; ')}."
    names = {loaded.name for loaded in after.onboardings.forms}
    still_named = {file for loaded in after.onboardings.forms for file in _key_files(loaded, forms)}
    left = {file for loaded in before.onboardings.forms if loaded.name not in names for file in _key_files(loaded, forms)} - still_named
    if files := [plain(str(file)) for file in sorted(left) if file.is_file()]:
        yield f"No form names these key files any more; remove them too: {first_of(files)}."


def _changed(what: str, before: Mapping[str, Product | Scope], after: Mapping[str, Product | Scope]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            yield f"{what} {name} is {'new' if old is None else 'gone'}"
            continue
        fields = [field for field in type(new).model_fields if field != "scopes" and getattr(old, field) != getattr(new, field)]
        if fields:
            yield f"{what} {name} ({', '.join(fields)})"


def _key_files(loaded: LoadedForm, forms: Path) -> Iterator[Path]:
    folder = forms / loaded.name.partition("/")[0]
    for request in loaded.form.environments.values():
        yield from (Path(os.path.normpath(folder / name)) for name in request.jwks or ())


def protecting(folder: Path) -> dict[Environment, bool]:
    """In which environments clients are protected, as the stacks in ``folder`` are set; those without a stack are left out."""
    found: dict[Environment, bool] = {}
    for file in sorted(folder.glob("Pulumi.*.yaml")):
        with suppress(InvalidSettings):
            settings = stack_settings(file.name.removeprefix("Pulumi.").removesuffix(".yaml"), folder)
            found[settings.environment] = found.get(settings.environment, False) or settings.protect_clients
    return found


def _below(path: Path) -> Path:
    """``path`` from the working directory, which it must be under: elsewhere Git has nothing of it."""
    relative = Path(os.path.relpath(path))
    if ".." in relative.parts:
        raise UnknownRevision(f"{path} is outside the working directory; review revisions in the folder of forms and catalogue")
    return relative


def _as_of(commit: str, problem: Problem, root: Path) -> Problem:
    """A mistake where people find it: not in a folder that is gone when they read it."""
    file = problem.file.relative_to(root) if problem.file.is_relative_to(root) else problem.file
    return Problem(Path(f"{commit[:10]}:{file}"), problem.line, problem.column, problem.what, problem.remedy)
