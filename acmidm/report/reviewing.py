"""A review, from a plan of the engine or from the forms at two revisions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from acmidm.report.changes import ConnectionChanges, Review, connections_in_order, counted, in_order
from acmidm.report.compare import Comparison, States, paired
from acmidm.report.headline import headline
from acmidm.report.kinds import Kind
from acmidm.report.preview import PROTECTED, Plan
from acmidm.report.untold import place_of, untold
from acmidm.report.words import plain
from components.model.form import Environment, Platform


def review_of_plans(plans: Sequence[Plan], comparison: Comparison) -> Review:
    """What the engine is about to do, in all environments that ``plans`` are of."""
    connections: list[ConnectionChanges] = []
    unchanged: dict[Environment, int] = {}
    for plan in plans:
        found = _with_secrets(comparison.all_between(plan.real, plan.declared), plan, comparison)
        found += untold(plan, found, comparison)
        connections += found
        # A client that moves with its form is known to the outputs under its old name.
        touched = {place_of(one) for one in found} | set(plan.real) - set(plan.declared)
        unchanged[plan.environment] = len(plan.existing.keys() - touched)
    return _review(connections, unchanged, [problem for plan in plans for problem in plan.problems])


def review_of_states(before: States, after: States, environments: Iterable[Environment], comparison: Comparison) -> Review:
    """What the forms ask, before and after."""
    connections: list[ConnectionChanges] = []
    unchanged: dict[Environment, int] = {}
    for environment in environments:
        old, new = ({place: state for place, state in states.items() if place[2] is environment} for states in (before, after))
        found = comparison.all_between(old, new)
        connections += found
        unchanged[environment] = len(set(old) & set(new) - {place_of(one) for one in found})
    return _review(connections, unchanged, _refusals(before, after))


def _refusals(before: States, after: States) -> Iterator[str]:
    """What the engine says of each protected client that would be removed or replaced, though a change lifts its protection itself."""
    for old, new in paired(before, after):
        if old and old.protected and (new is None or new.software_id != old.software_id):
            name = old.form if old.platform is Platform.ACMIDM else f"{old.form}/{old.platform}"
            yield f"{name}: {PROTECTED}"


def _review(connections: Iterable[ConnectionChanges], unchanged: Mapping[Environment, int], problems: Iterable[str]) -> Review:
    # The engine tells them in any order, and those of two stacks may be the same.
    ordered, problems = connections_in_order(connections), sorted(set(problems))
    said = headline(ordered, nothing="Not known" if problems else "Nothing changes")
    return Review(
        headline=f"{said}; the engine refuses this change" if problems else said,
        environments=tuple(sorted(unchanged)),
        connections=ordered,
        unchanged=dict(unchanged),
        counts=counted(ordered),
        problems=tuple(plain(problem, 600) for problem in problems),
    )


def _with_secrets(found: Iterable[ConnectionChanges], plan: Plan, comparison: Comparison) -> list[ConnectionChanges]:
    """Only the engine knows that a secret is made anew; a client that is replaced has a new one anyhow."""
    connections = {place_of(one): one for one in found}
    for place in plan.renewed_secrets & plan.declared.keys():
        renewed = comparison.alone(plan.declared[place], Kind.SECRET_RENEWED)
        told = connections.get(place)
        connections[place] = told.model_copy(update={"changes": in_order((*told.changes, *renewed.changes))}) if told else renewed
    return list(connections.values())
