"""No change passes in silence: where the engine changes a client and no comparison tells how, that itself is told."""

from __future__ import annotations

from collections.abc import Iterable

from acmidm.report.changes import ConnectionChanges
from acmidm.report.compare import Comparison, Place
from acmidm.report.kinds import Kind
from acmidm.report.preview import Plan, kind_of


def untold(plan: Plan, told: Iterable[ConnectionChanges], comparison: Comparison) -> list[ConnectionChanges]:
    """The clients that an ``up`` would change and that are not among ``told``."""
    # A client that moves with its form is known to the engine's steps under its old name.
    known = {place_of(one) for one in told} | (plan.real.keys() - plan.declared.keys())
    states = {**plan.existing, **plan.real, **plan.declared}
    return [
        comparison.alone(states[place], Kind.CHANGED_OTHERWISE, ", ".join(sorted({kind_of(urn) for urn in urns})))
        for place, urns in plan.changed_urns.items()
        if place in states and place not in known
    ]


def place_of(connection: ConnectionChanges) -> Place:
    return (connection.form, connection.platform, connection.environment)
