"""The gate to production, for commands: what the stack's program would declare."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acmidm_onboarding.model.connection import Connection
    from acmidm_onboarding.model.gate import Passage
    from acmidm_onboarding.settings import Settings


def passage_of(stack: str, connections: Collection[Connection], settings: Settings) -> Passage:
    """Return what of ``connections`` the stack's program declares, and what is missing of the rest. Raises EngineError."""
    from acmidm import engine
    from acmidm_onboarding.promotion import passing
    from acmidm_onboarding.recorded import held_in

    above = stack.rpartition("/")[0]

    def beside(other: str) -> str:
        return other if "/" in other or not above else f"{above}/{other}"

    return passing(connections, settings, lambda: held_in(engine.stack_deployment(stack)), beside, datetime.now(UTC))
