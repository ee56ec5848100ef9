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
    """Return the resource names of the clients that a state has and that are not ``declared`` any
    more, also not under another key: the next run removes them."""
    records_of_declared = [recorded_as(client, records) for client in declared]
    staying = {record.resource_name for record in records_of_declared if record}
    recorded = {name for name, client in records.items() if client.client_id}
    return sorted(recorded - staying)
