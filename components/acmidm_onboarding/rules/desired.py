"""What is desired of a stack now: what its forms declare, but for what leaves, and for what may not
go to production yet.

The only place where forms, ends, leaving and the gate meet: a program, a review, a look for drift,
a board and the check of a form all take what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from acmidm_onboarding.rules.ends import without_ended_scopes
from acmidm_onboarding.rules.gate import TestStack, Withheld, decide
from acmidm_onboarding.rules.mandates import by_mandate
from acmidm_onboarding.rules.policies import Gate, PromotionGate
from acmidm_onboarding.rules.retirement import declared_now, unrecorded
from acmidm_onboarding.values.client import Records, joined_records
from acmidm_onboarding.values.declaration import Declaration


@dataclass(frozen=True)
class Desired:
    """What a run declares, and what it does not, with the reason."""

    declared: tuple[Declaration, ...]
    """In the order of the forms."""
    asked: tuple[Declaration, ...]
    """What would be declared if there were no gate."""
    held_back: tuple[Withheld, ...] = ()
    """The connections that lack evidence or a mandate, declared all the same or not."""
    proven: tuple[Declaration, ...] = ()
    """What the gate lets through by its evidence alone."""
    unrecorded: tuple[Declaration, ...] = ()
    """The connections that leave and have no client in the state: it is gone, or the state has lost
    it and its authority still has it."""
    wanted: tuple[Declaration, ...] = ()
    """What an authority that only people change should have: the difference from what is declared
    is ordered."""

    @property
    def unknown(self) -> tuple[Declaration, ...]:
        """The connections of which the state has no client, or not its scopes, though their
        authority may."""
        held_back = (withheld.connection for withheld in self.held_back if withheld.is_unknown)
        return (*held_back, *self.unrecorded)

    @property
    def unproven(self) -> tuple[Withheld, ...]:
        """The connections that lack evidence, without those that lack a mandate."""
        return tuple(withheld for withheld in self.held_back if not withheld.lacks_mandate)


NO_GATE = Gate()


def nothing_recorded() -> Records:
    """Return the records of a stack without any, in the place of a function that reads them."""
    return {}


def desired(
    connections: Collection[Declaration],
    now: datetime,
    *,
    gate: Gate = NO_GATE,
    records: Callable[[], Records] = nothing_recorded,
    tests: Callable[[], TestStack | None] = lambda: None,
    at_authorities: Records = MappingProxyType({}),
) -> Desired:
    """Return what is desired at a moment (by its day in UTC) of the connections that the forms of a
    stack have.

    ``records`` reads the stack's own state, ``tests`` that of TNI. Each is called only where
    something depends on it, and its errors are raised: treated as an empty state, they would
    undeclare production. Where ``tests`` returns None, forms and evidence alone count. Clients
    ``at_authorities``, though the state may have lost them, need no evidence either; those with a
    client-ID lose what has ended.
    """
    day = now.date()
    connections = without_ended_scopes(connections, day)
    without_left = declared_now(connections, records, day, at_authorities)
    by_mandates = list(by_mandate(without_left, records, day, at_authorities))
    left = tuple(unrecorded(connections, records, day))
    asked = tuple(form for form, _ in by_mandates if form)
    held_back = tuple(withheld for _, withheld in by_mandates if withheld)
    if gate.mode is PromotionGate.OFF or not any(form.is_on_production for form in asked):
        return Desired(asked, asked, held_back, unrecorded=left)
    passage = decide(asked, gate, joined_records(records(), at_authorities), tests, now)
    held_back += passage.held_back
    return Desired(passage.declared, asked, held_back, passage.proven, unrecorded=left)
