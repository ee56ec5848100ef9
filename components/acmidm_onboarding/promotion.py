"""The gate of one stack: what it needs of the stack's own state and of TNI's is read, and only then."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from acmidm_onboarding.model.connection import Connection
from acmidm_onboarding.model.form import Environment
from acmidm_onboarding.model.gate import Passage, TestStack, gate, needs_evidence
from acmidm_onboarding.model.held import Held
from acmidm_onboarding.model.policies import PromotionGate
from acmidm_onboarding.recorded import recorded, unreadable
from acmidm_onboarding.settings import Settings


def passing(
    connections: Collection[Connection],
    settings: Settings,
    own: Callable[[], Mapping[str, Held]],
    full_name: Callable[[str], str],
    now: datetime,
) -> Passage:
    """Return what of a stack's connections is declared, and what is missing of the rest.

    ``own`` reads the stack's own state, ``full_name`` names a stack beside it so that the engine finds it. Nothing is read where no
    connection needs it. What ``own`` raises goes on to the caller: as if nothing were held, production would be undeclared.
    """
    if settings.promotion_gate is PromotionGate.OFF or settings.environment is not Environment.PROD or not connections:
        return Passage(tuple(connections))
    held, tests = own(), None
    if any(needs_evidence(connection, held) for connection in connections):
        stack = full_name(settings.promotion_stack)
        tests = TestStack(settings.promotion_stack, recorded(stack), unreadable(stack) or "")
    return gate(connections, settings.promotion_gate, held, tests, now, settings.evidence_max_days)
