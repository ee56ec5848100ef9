"""What the forms ask, at two Git revisions: no engine, no state, no credentials."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from acmidm.report.compare import Place
from acmidm.report.revision import UnknownRevision, exported, merge_base
from acmidm.report.state import ClientState, state_of
from components.model.catalogue import Catalogue, Product, Scope
from components.model.form import Environment, Platform
from components.model.loading import LoadedForm, Onboardings, load_onboardings
from components.model.policies import POLICIES, Planned, Profile, Situation
from components.model.problems import InvalidForms, Problem
from components.settings import InvalidSettings, stack_settings


def states_of(
    onboardings: Onboardings,
    environments: Sequence[Environment],
    protecting: Mapping[Environment, bool],
    profiles: Mapping[Environment, Profile],
    now: datetime,
) -> dict[Place, ClientState]:
    """The clients that the forms ask. ``protecting`` says in which environments clients are protected."""
    states = {
        state.place: state
        for environment in environments
        for connection in onboardings.connections(environment)
        for state in [state_of(connection, protected=protecting.get(environment))]
    }
    for loaded in onboardings.forms:
        unneeded = unneeded_exemptions(loaded, profiles, now)
        # Told once: an exemption is the whole form's.
        place = next((place for env in reversed(Environment) if (place := (loaded.name, Platform.ACMIDM, env)) in states), None)
        if unneeded and place:
            states[place] = replace(states[place], unneeded_exemptions=unneeded)
    return states


def unneeded_exemptions(loaded: LoadedForm, profiles: Mapping[Environment, Profile], now: datetime) -> frozenset[str]:
    """The policies that a form is exempted from and satisfies all the same, in each of its environments."""
    exempted = {policy.value for policy in loaded.form.exemptions}
    for environment in loaded.form.environments:
        keys = {key.kid: key.members for key in loaded.keys.get(environment, ())}
        planned, situation = Planned(loaded.form.token_endpoint_auth_method, keys=keys), Situation(environment, profiles[environment], now)
        exempted -= {policy.id for policy in POLICIES if policy.id in exempted and any(policy.violations(planned, situation))}
    return frozenset(exempted)


def onboardings_at(revision: str, forms: Path, catalogue: Path) -> tuple[Onboardings, dict[Environment, bool], list[Path]]:
    """The forms where the working tree's branch left ``revision``, in which environments clients were protected there, and
    what were no valid forms there.

    The latter are left out, else the change that corrects them could not be reviewed. Raises UnknownRevision, and InvalidForms
    for mistakes in the catalogue.
    """
    commit = merge_base(revision)
    forms, catalogue = _below(forms), _below(catalogue)
    left_out: set[Path] = set()
    with exported(commit, [forms, catalogue], "Pulumi*.yaml") as root:
        while True:
            try:
                return load_onboardings([root / forms], root / catalogue), protecting(root), sorted(left_out)
            except InvalidForms as error:
                faulty = {file for problem in error.problems if (file := problem.file).is_relative_to(root / forms) and file.is_file()}
                if not faulty:
                    raise InvalidForms(_as_of(commit, problem, root) for problem in error.problems) from None
                for file in faulty:  # a key too: the forms that name it go in the next round
                    file.unlink()
                left_out |= {file.relative_to(root) for file in faulty if file.suffix == ".yaml"}


def changed_catalogue(before: Catalogue, after: Catalogue) -> tuple[str, ...]:
    """A sentence on how the catalogue changes: what can be asked is no client's change, and no form tells of it."""
    told = [*_changed("product", before.products, after.products), *_changed("scope", before.scopes, after.scopes)]
    more = [f"{len(told) - _MOST_NAMED:,} more"] if len(told) > _MOST_NAMED else []
    return (f"The catalogue changes: {'; '.join([*told[:_MOST_NAMED], *more])}.",) if told else ()


_MOST_NAMED = 10


def _changed(what: str, before: Mapping[str, Product | Scope], after: Mapping[str, Product | Scope]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            yield f"{what} {name} is {'new' if old is None else 'gone'}"
            continue
        fields = [field for field in type(new).model_fields if field != "scopes" and getattr(old, field) != getattr(new, field)]
        if fields:
            yield f"{what} {name} ({', '.join(fields)})"


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
        raise UnknownRevision(f"{path} is outside the working directory; review revisions in the folder that holds forms and catalogue")
    return relative


def _as_of(commit: str, problem: Problem, root: Path) -> Problem:
    """The place of a mistake as people know it: not in a folder that is gone when they read it."""
    file = problem.file.relative_to(root) if problem.file.is_relative_to(root) else problem.file
    return Problem(Path(f"{commit[:10]}:{file}"), problem.line, problem.column, problem.what, problem.remedy)
