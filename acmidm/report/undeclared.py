"""Which clients of an environment forms declare, and which they do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

from acmidm.report.drift import UndeclaredClient
from acmidm.report.three_views import ActualPlatform, ClientDrift
from acmidm_onboarding.authorities.connected import Connected, ConnectedPlatform
from acmidm_onboarding.authorities.port import (
    Authority,
    DerivesClientIds,
    RegisteredClient,
    Reserved,
)
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.metadata import Owner
from acmidm_onboarding.values.terms import Platform

_POSSIBLE_IDS = 10
"""How many connections may have had the same key, one after another, and kept their clients."""


class UndeclaredGroups(NamedTuple):
    """The clients that no form declares, by who made them."""

    left_behind: list[UndeclaredClient]
    """This stack made them, or configurations of products for them, and manages them no more."""
    others: list[UndeclaredClient]
    """Other stacks made them, or people by hand."""


@dataclass(frozen=True)
class Declared:
    """The clients of one environment that are declared: by natural key, such as
    ``acmidm/tni/OVO002067/loket``, or by a client-ID, such as one that is taken over."""

    software_ids: AbstractSet[str | None]
    client_ids: AbstractSet[tuple[Platform, str | None]]

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
        return cls(software_ids, client_ids)

    def includes(self, platform: Platform, client: RegisteredClient) -> bool:
        return (
            client.metadata.software_id in self.software_ids
            or (platform, client.client_id) in self.client_ids
        )


def undeclared(
    drifts: Collection[ClientDrift],
    leaving: Iterable[Client],
    actual: Mapping[Platform, ActualPlatform],
) -> tuple[UndeclaredClient, ...]:
    """Return the clients at authorities that no form declares and no state has; and the
    configurations of products, with a stack's mark, that no form or state has.

    A client has one entry with its products where all of them bear the same marks, else one for
    each mark. A client that the state alone has is none of them: a run is about to remove it.
    """
    declared, configured = _declared_or_recorded(drifts, leaving)
    clients: dict[tuple[Platform, str, Owner], UndeclaredClient] = {}
    for platform, authority in actual.items():
        for registered in authority.clients.values():
            if declared.includes(platform, registered):
                continue
            owner = registered.metadata.owner
            place = (platform, registered.client_id, _without_incarnation(owner))
            clients[place] = _undeclared_client(platform, registered, owner)
        for product, documents in authority.products.items():
            for client_id, document in documents.items():
                owner = _without_incarnation(document.owner)
                is_configured = (platform, client_id, product) in configured
                if owner.is_nobody or is_configured or owner.software_id in declared.software_ids:
                    continue
                place = (platform, client_id, owner)
                if place not in clients:
                    clients[place] = _configured_client(platform, client_id, owner, authority)
                products = (*clients[place].products, product)
                clients[place] = clients[place].model_copy(update={"products": products})
    return tuple(clients.values())


def _declared_or_recorded(
    drifts: Iterable[ClientDrift], leaving: Iterable[Client]
) -> tuple[Declared, set[tuple[Platform, str | None, str]]]:
    """Return the clients that a form or the state has; and the configurations that each recorded
    client has, or gets, as (platform, client-ID, product)."""
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
    return Declared(software_ids, client_ids), configured


def _without_incarnation(owner: Owner) -> Owner:
    """Return an owner that is equal for all resources of a connection."""
    return replace(owner, incarnation=None)


def _undeclared_client(
    platform: Platform, registered: RegisteredClient, owner: Owner
) -> UndeclaredClient:
    """Return the entry of a client that is at its authority. ``owner`` is the client's, or that of
    configurations for it."""
    metadata = registered.metadata
    return UndeclaredClient(
        platform=platform,
        client_id=registered.client_id,
        client_name=metadata.client_name,
        organisation=metadata.organisation.name,
        application=metadata.application,
        is_of_another=_without_incarnation(metadata.owner) != _without_incarnation(owner),
        software_id=owner.software_id,
        made_by=owner.managed_by,
    )


def _configured_client(
    platform: Platform, client_id: str, owner: Owner, authority: ActualPlatform
) -> UndeclaredClient:
    """Return the entry, without products, of a client that configurations of this ``owner`` are
    for: the client itself, or the words that it is gone or could not be read."""
    registered = authority.clients.get(client_id)
    if registered is not None:
        return _undeclared_client(platform, registered, owner)
    name = tr("{key}, whose client is gone", key=owner.software_id)
    if client_id in authority.unread:
        name = tr("{key}, whose client could not be looked at", key=owner.software_id)
    return UndeclaredClient(
        platform=platform,
        client_id=client_id,
        client_name=name,
        organisation="",
        application="",
        is_of_another=True,
        software_id=owner.software_id,
        made_by=owner.managed_by,
    )


def by_maker(clients: Collection[UndeclaredClient], stack: str | None) -> UndeclaredGroups:
    """Sort clients into those that ``stack`` left behind, and the others.

    ``stack`` is as authorities name it, ``managed_by``; None where no form says which.
    """
    groups = UndeclaredGroups([], [])
    for client in clients:
        if stack is not None and client.made_by == stack:
            groups.left_behind.append(client)
        else:
            groups.others.append(client)
    return groups


def without_reserved(
    clients: Iterable[UndeclaredClient], platforms: Connected
) -> tuple[UndeclaredClient, ...]:
    """Return the clients but for those of operators and of the authorities themselves, which nobody
    will ever declare."""
    kept: list[UndeclaredClient] = []
    for client in clients:
        reserved = _reserved(platforms[client.platform], client.client_id, client.made_by)
        if reserved is None or not reserved.is_certain:
            kept.append(client)
    return tuple(kept)


def clients_of(
    platforms: Connected,
) -> Iterator[tuple[Platform, RegisteredClient, Reserved | None]]:
    """Yield every client of every platform, with the reason why perhaps no form may have it, or
    None. One of which that is certain, such as an operator's, is left out."""
    for platform, connected in platforms.items():
        for registered in _without_borrowed_keys(connected.authority):
            reserved = _reserved(connected, registered.client_id, registered.metadata.managed_by)
            if reserved is None or not reserved.is_certain:
                yield platform, registered, reserved


def _reserved(platform: ConnectedPlatform, client_id: str, made_by: str | None) -> Reserved | None:
    """Return why no form may have a client, by its authority; None where a form may. A client that
    a stack made (``made_by``) is no operator's."""
    return platform.reserved.get(client_id) if made_by is None else None


def _without_borrowed_keys(authority: Authority) -> Iterator[RegisteredClient]:
    """Yield the clients of an authority. One that was copied in its console loses the natural key,
    which is the original's.

    The original has a client-ID that is made from the key. Where none has, nobody knows which one
    is the copy: then all lose the key.
    """
    clients = list(authority.clients())
    times = Counter(client.metadata.software_id for client in clients)
    for client in clients:
        key = client.metadata.software_id
        if key is not None and times[key] > 1:
            original_ids: Iterable[str] = ()
            if key and isinstance(authority, DerivesClientIds):
                original_ids = islice(authority.client_ids_for(key), _POSSIBLE_IDS)
            if client.client_id not in original_ids:
                metadata = client.metadata.model_copy(update={"software_id": None})
                client = replace(client, metadata=metadata)
        yield client
