"""A review, from a plan of the engine or from the forms at two revisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from acmidm.report.changes import Change, ConnectionChanges, Review, connections_in_order, counted
from acmidm.report.compare import Comparison, Place, States
from acmidm.report.headline import headline
from acmidm.report.kinds import Kind
from acmidm.report.preview import Plan
from acmidm.report.words import plain, sentence
from components.model.form import Environment


def review_of_plans(plans: Sequence[Plan], comparison: Comparison) -> Review:
    """What the engine is about to do, in all environments that ``plans`` are of."""
    connections: list[ConnectionChanges] = []
    unchanged: dict[Environment, int] = {}
    for plan in plans:
        found = _with_secrets(comparison.all_between(plan.real, plan.declared), plan.renewed_secrets)
        connections += found
        # A client that moves with its form is known to the outputs under its old name.
        touched = {_place(one) for one in found} | set(plan.real) - set(plan.declared)
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
        unchanged[environment] = len(set(old) & set(new) - {_place(one) for one in found})
    return _review(connections, unchanged, ())


def _review(connections: Iterable[ConnectionChanges], unchanged: Mapping[Environment, int], problems: Iterable[str]) -> Review:
    ordered, problems = connections_in_order(connections), tuple(problems)
    said = headline(ordered, nothing="Not known" if problems else "Nothing changes")
    return Review(
        headline=f"{said}; the engine refuses this change" if problems else said,
        environments=tuple(sorted(unchanged)),
        connections=ordered,
        unchanged=dict(unchanged),
        counts=counted(ordered),
        problems=tuple(plain(problem, 600) for problem in problems),
    )


def _with_secrets(connections: Iterable[ConnectionChanges], renewed: frozenset[Place]) -> list[ConnectionChanges]:
    """Only the engine knows that a secret is made anew; a client that is replaced has a new one anyhow."""
    change = Change(kind=Kind.SECRET_RENEWED, severity=Kind.SECRET_RENEWED.severity, text="")
    change = change.model_copy(update={"text": sentence(change)})
    return [one.model_copy(update={"changes": (*one.changes, change)}) if _place(one) in renewed else one for one in connections]


def _place(connection: ConnectionChanges) -> Place:
    return (connection.form, connection.platform, connection.environment)
