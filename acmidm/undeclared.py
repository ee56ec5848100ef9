"""Which clients of an environment forms declare, and which they do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from components.authorities.connected import Connected
from components.authorities.keycloak_wire import client_ids_for
from components.authorities.port import ClientSnapshot, RegisteredClient
from components.model.connection import Connection
from components.model.form import Environment, Platform

_POSSIBLE_IDS = 10


class UndeclaredClient(BaseModel):
    """A client at an authority that no form declares."""

    model_config = ConfigDict(frozen=True)

    platform: Platform
    client_id: str
    client_name: str
    organisation: str
    organisation_code: str | None = None
    application: str
    made_by: Annotated[str | None, Field(description="Project, stack and resource that manage it; absent where it was made by hand.")] = (
        None
    )


class UndeclaredClients(BaseModel):
    """What ``--output json`` writes."""

    model_config = ConfigDict(frozen=True)

    stack: str
    environment: Environment
    clients: Annotated[int, Field(description="How many clients the authorities have.")]
    undeclared: tuple[UndeclaredClient, ...]


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
    """Every client of every platform. Raises AuthorityError."""
    for platform, connected in platforms.items():
        for snapshot in _without_borrowed_keys(list(connected.authority.clients())):
            yield platform, snapshot


def _without_borrowed_keys(snapshots: list[ClientSnapshot]) -> Iterator[ClientSnapshot]:
    """A client that was copied in Keycloak's console has the natural key of another, and is no form's by that.

    Where none of them got its client-ID from the key, which one is the copy cannot be told: then none is a form's by it.
    """
    held = Counter(snapshot.client.metadata.software_id for snapshot in snapshots)
    for snapshot in snapshots:
        client = snapshot.client
        key = client.metadata.software_id
        if key is not None and held[key] > 1 and client.client_id not in islice(client_ids_for(key), _POSSIBLE_IDS):
            yield replace(snapshot, client=replace(client, metadata=client.metadata.model_copy(update={"software_id": None})))
        else:
            yield snapshot


def undeclared(platform: Platform, client: RegisteredClient) -> UndeclaredClient:
    """The client as the list shows it."""
    metadata = client.metadata
    return UndeclaredClient(
        platform=platform,
        client_id=client.client_id,
        client_name=metadata.client_name,
        organisation=metadata.organisation.name,
        organisation_code=metadata.organisation.ovo or metadata.organisation.kbo,
        application=metadata.application,
        made_by=metadata.managed_by,
    )
