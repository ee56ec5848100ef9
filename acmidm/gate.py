"""The gate to production, for commands: what the stack's program would declare."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acmidm.report.plan import AtTheGate
    from acmidm_onboarding.model.connection import Connection
    from acmidm_onboarding.model.gate import Passage
    from acmidm_onboarding.settings import Settings
    from acmidm_onboarding.stack_files import Gate


def passage_of(stack: str, connections: Collection[Connection], settings: Settings) -> Passage:
    """Return what of ``connections`` the stack's program declares, and what is missing of the rest. Raises EngineError."""
    from acmidm import engine
    from acmidm_onboarding.promotion import passing
    from acmidm_onboarding.recorded import held_in

    above = stack.rpartition("/")[0]

    def beside(other: str) -> str:
        return other if "/" in other or not above else f"{above}/{other}"

    return passing(connections, settings, lambda: held_in(engine.stack_deployment(stack)), beside, datetime.now(UTC))


def at_the_gate(passage: Passage) -> tuple[AtTheGate, ...]:
    """Return what reports have of it, a client each."""
    from acmidm.report.client import states_of
    from acmidm.report.plan import AtTheGate

    return tuple(
        AtTheGate(state, one.missing, one.is_declared)
        for one in passage.held_back
        for state in states_of([one.connection], protect=None).values()
    )


def between_revisions(before: Collection[Connection], after: Collection[Connection], gate: Gate, now: datetime) -> tuple[AtTheGate, ...]:
    """Return what a change of forms or evidence does at the gate to production, from the files alone.

    What the forms had before counts as being there, so that a form of before the gate is not reported with each change of it. What
    nobody had proven, and is proven now, passes.
    """
    from acmidm.report.client import states_of
    from acmidm.report.plan import AtTheGate
    from acmidm_onboarding.leaving import staying
    from acmidm_onboarding.model.gate import gate as decide
    from acmidm_onboarding.model.held import Held, held_of

    def unproven(connections: Collection[Connection], own: dict[str, Held]) -> Passage:
        return decide(connections, gate.mode, own, None, now, gate.evidence_max_days)

    after = staying(after)
    held = {one.resource_name: Held("", frozenset(one.scopes), frozenset(one.products)) for one in before}
    were = {one.connection.resource_name: Held("") for one in unproven(before, {}).held_back}
    passed = {one.connection.resource_name for one in unproven(after, {}).held_back}
    added = at_the_gate(unproven(after, held))
    now_proven = [one for one in after if held_of(one, were) is not None and one.resource_name not in passed]
    return added + tuple(AtTheGate(state) for state in states_of(now_proven, protect=None).values())
