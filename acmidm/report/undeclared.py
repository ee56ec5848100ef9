"""Which clients of an environment forms declare, and which they do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

from acmidm.report.drift import UndeclaredClient
from acmidm.report.three_views import ClientDrift, Real
from acmidm_onboarding.authorities.connected import Connected, ConnectedPlatform
from acmidm_onboarding.authorities.port import (
    Authority,
    DerivesClientIds,
    RegisteredClient,
    Reserved,
)
from acmidm_onboarding.texts import N_, translated
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.metadata import ClientMetadata, Owner
from acmidm_onboarding.values.terms import Platform

_POSSIBLE_IDS = 10
"""How many connections may have had the same key, one after another, and kept their clients."""


class Apart(NamedTuple):
    """The clients of no state, by what they mean."""

    left_behind: list[UndeclaredClient]
    """The stack itself made them, or configurations of products in them; nobody looks after them
    any more."""
    others: list[UndeclaredClient]
    """Other stacks', or made by hand."""


@dataclass(frozen=True)
class Declared:
    """The clients of one environment that are declared: by natural key, or by a client-ID, such as
    one that is taken over."""

    software_ids: frozenset[str | None]
    client_ids: frozenset[tuple[Platform, str | None]]

    @classmethod
    def by(cls, connections: Iterable[Declaration]) -> Declared:
        """Return what forms declare: each by its natural key, and each that is taken over by its
        client-ID too."""
        software_ids: set[str | None] = set()
        client_ids: set[tuple[Platform, str | None]] = set()
        for connection in connections:
            software_ids.add(connection.software_id)
            if connection.form.adopts:
                client_ids.add((connection.platform, connection.form.adopts))
        return cls(frozenset(software_ids), frozenset(client_ids))

    def includes(self, platform: Platform, client: RegisteredClient) -> bool:
        return (
            client.metadata.software_id in self.software_ids
            or (platform, client.client_id) in self.client_ids
        )


def undeclared(
    drifts: Collection[ClientDrift], leaving: Iterable[Client], real: Mapping[Platform, Real]
) -> tuple[UndeclaredClient, ...]:
    """Return the clients that no form declares and no state has, and the clients with such
    configurations of products that bear a stack's mark.

    A client that the state alone has is about to be removed.
    """
    declared, configured = _known(drifts, leaving)
    clients: dict[tuple[Platform, str, Owner], UndeclaredClient] = {}
    for platform, authority in real.items():
        for there in authority.clients.values():
            if declared.includes(platform, there):
                continue
            marks = (platform, there.client_id, _connection(there.metadata.owner))
            clients[marks] = _undeclared(platform, there.client_id, there.metadata)
        for product, documents in authority.products.items():
            for client_id, document in documents.items():
                owner = _connection(document.owner)
                marks = (platform, client_id, owner)
                is_configured = (platform, client_id, product) in configured
                if owner.is_nobody or is_configured or owner.software_id in declared.software_ids:
                    continue
                registered = authority.clients.get(client_id)
                metadata = registered.metadata if registered else None
                before = clients.get(marks) or _undeclared(
                    platform, client_id, metadata, owner, is_unread=client_id in authority.unread
                )
                clients[marks] = before.model_copy(update={"products": (*before.products, product)})
    return tuple(clients.values())


def _known(
    drifts: Iterable[ClientDrift], leaving: Iterable[Client]
) -> tuple[Declared, set[tuple[Platform, str | None, str]]]:
    """Return the clients that a form or the state has, and the configurations of products in
    those that the state has."""
    recorded = [(client, {*client.products}) for client in leaving]
    software_ids, client_ids = set[str | None](), set[tuple[Platform, str | None]]()
    for drift in drifts:
        form = drift.declared
        if form:  # people confirm a client before a run records it
            client_ids |= {(form.platform, form.client_id), (form.platform, form.form.adopts)}
        if drift.recorded:
            products = form.products if form else {}
            recorded.append((drift.recorded, {*drift.recorded.products, *products}))
        elif form:
            # The next run takes it over: a run that was cut off made it, or the state was lost.
            software_ids.update(form.natural_keys)
    configured = set[tuple[Platform, str | None, str]]()
    for client, names in recorded:
        client_ids.add((client.platform, client.client_id))
        configured |= {(client.platform, client.client_id, name) for name in names}
    return Declared(frozenset(software_ids), frozenset(client_ids)), configured


def _connection(owner: Owner) -> Owner:
    """Return an owner without its incarnation: the same for all resources of a connection."""
    return replace(owner, incarnation=None)


def _undeclared(
    platform: Platform,
    client_id: str,
    metadata: ClientMetadata | None,
    owner: Owner | None = None,
    *,
    is_unread: bool = False,
) -> UndeclaredClient:
    """Return a client, or one whose products alone bear these marks of an ``owner``.

    Without ``metadata`` the client is gone and its products are left, unless the client could not
    be read.
    """
    if owner is None:
        owner = metadata.owner if metadata else Owner()
    marks = {"software_id": owner.software_id, "made_by": owner.managed_by}
    if metadata is not None:
        return UndeclaredClient(
            platform=platform,
            client_id=client_id,
            client_name=metadata.client_name,
            organisation=metadata.organisation.name,
            application=metadata.application,
            is_of_another=_connection(metadata.owner) != _connection(owner),
            **marks,
        )
    gone = N_("{key}, whose client is gone")
    if is_unread:
        gone = N_("{key}, whose client could not be looked at")
    return UndeclaredClient(
        platform=platform,
        client_id=client_id,
        client_name=translated(gone, key=owner.software_id),
        organisation="",
        application="",
        is_of_another=True,
        **marks,
    )


def apart(clients: Collection[UndeclaredClient], stack: str | None) -> Apart:
    """Sort clients into those that ``stack`` left behind, and the others.

    ``stack`` is as authorities name it; None where no form says which.
    """
    groups = Apart([], [])
    for client in clients:
        if stack is not None and client.made_by == stack:
            groups.left_behind.append(client)
        else:
            groups.others.append(client)
    return groups


def without_reserved(
    clients: Iterable[UndeclaredClient], platforms: Connected
) -> tuple[UndeclaredClient, ...]:
    """Leave out the clients of operators and of the authorities themselves, which nobody will ever
    declare."""
    kept: list[UndeclaredClient] = []
    for client in clients:
        reserved = _reserved(platforms[client.platform], client.client_id, client.made_by)
        if reserved is None or not reserved.is_certain:
            kept.append(client)
    return tuple(kept)


def clients_of(
    platforms: Connected,
) -> Iterator[tuple[Platform, RegisteredClient, Reserved | None]]:
    """Yield every client of every platform but the reserved ones, with the reason why no form may
    have it."""
    for platform, connected in platforms.items():
        for registered in _without_borrowed_keys(connected.authority):
            reserved = _reserved(connected, registered.client_id, registered.metadata.managed_by)
            if reserved is None or not reserved.is_certain:
                yield platform, registered, reserved


def _reserved(platform: ConnectedPlatform, client_id: str, made_by: str | None) -> Reserved | None:
    """Return what its authority says of a client; one that a stack made is no operator's."""
    return platform.reserved.get(client_id) if made_by is None else None


def _without_borrowed_keys(authority: Authority) -> Iterator[RegisteredClient]:
    """Take the natural key from a client that was copied in the authority's console: the key is the
    original's.

    Where no client got its client-ID from the key, nobody knows which one is the copy: then all
    lose the key.
    """
    clients = list(authority.clients())
    times = Counter(client.metadata.software_id for client in clients)
    for client in clients:
        key = client.metadata.software_id
        possible: Iterable[str] = ()
        if key and isinstance(authority, DerivesClientIds):
            possible = authority.client_ids_for(key)
        if (
            key is not None
            and times[key] > 1
            and client.client_id not in islice(possible, _POSSIBLE_IDS)
        ):
            metadata = client.metadata.model_copy(update={"software_id": None})
            yield replace(client, metadata=metadata)
        else:
            yield client
