"""Which clients of an environment forms declare, and which they do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from components.authorities.connected import Connected
from components.authorities.keycloak_wire import client_ids_for
from components.authorities.port import ClientSnapshot, RegisteredClient
from components.model.connection import Connection
from components.model.form import Platform

_POSSIBLE_IDS = 10
"""How many connections may have had the same key, one after another, and kept their clients."""


@dataclass(frozen=True)
class Declared:
    """The clients that forms declare in one environment: by natural key, or by the client-ID that is taken over."""

    software_ids: frozenset[str]
    adopted: frozenset[tuple[Platform, str]]

    @classmethod
    def by(cls, connections: Iterable[Connection]) -> Declared:
        found = list(connections)
        return cls(
            frozenset(connection.software_id for connection in found),
            frozenset((connection.platform, connection.adopt) for connection in found if connection.adopt),
        )

    def has(self, platform: Platform, client: RegisteredClient) -> bool:
        return client.metadata.software_id in self.software_ids or (platform, client.client_id) in self.adopted


def clients_of(platforms: Connected) -> Iterator[tuple[Platform, ClientSnapshot]]:
    """Every client of every platform."""
    for platform, connected in platforms.items():
        for snapshot in _without_borrowed_keys(list(connected.authority.clients())):
            yield platform, snapshot


def _without_borrowed_keys(snapshots: list[ClientSnapshot]) -> Iterator[ClientSnapshot]:
    """Take the natural key from a client that was copied in Keycloak's console: it has that of another, and is no form's by it.

    Where none of them got its client-ID from the key, nobody can know which one is the copy: then none is a form's by it.
    """
    times = Counter(snapshot.client.metadata.software_id for snapshot in snapshots)
    for snapshot in snapshots:
        client = snapshot.client
        key = client.metadata.software_id
        if key is not None and times[key] > 1 and client.client_id not in islice(client_ids_for(key), _POSSIBLE_IDS):
            metadata = client.metadata.model_copy(update={"software_id": None})
            yield replace(snapshot, client=replace(client, metadata=metadata))
        else:
            yield snapshot
