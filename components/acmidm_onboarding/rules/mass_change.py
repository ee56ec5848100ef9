"""When so many clients go at once that somebody must allow it: the wrong folder of forms, or a glob
that takes none."""

from __future__ import annotations

from collections.abc import Iterable

from acmidm_onboarding.values.client import Client, Records, recorded_as

SHARE = 0.3
"""The share of a stack's clients that may go at once unless somebody allows more (as octodns
does)."""
_CLIENTS = 10
"""From how many clients on that share counts."""


def is_mass_change(gone: int, clients: int) -> bool:
    return clients >= _CLIENTS and gone > SHARE * clients


def undeclared(declared: Iterable[Client], records: Records) -> list[str]:
    """Return the clients that a state has and that are declared no more, by resource name."""
    found = [recorded_as(client, records) for client in declared]
    staying = {client.resource_name for client in found if client}
    recorded = {name for name, client in records.items() if client.client_id}
    return sorted(recorded - staying)
