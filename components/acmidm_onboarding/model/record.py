"""What a stack's state has of one connection: what is there, and stays whatever happens to evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from acmidm_onboarding.model.connection import Connection


@dataclass(frozen=True)
class Record:
    """A connection as a state has it: its client, and what is inside and beside that. Scopes have the platform's names."""

    client_id: str
    """Empty where the client itself is not under this name: a rename that failed in part leaves it, or what is in it, under another."""
    scopes: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()
    keys: frozenset[str] | None = None
    """Thumbprints (RFC 7638); None where its organisation uploads its keys in the portal, or publishes them."""
    listed: frozenset[str] = frozenset()
    """Of its evidence, where the keys are in the portal: the thumbprints that the authority listed when it was last looked at."""
    protected: bool = False
    retained: bool = False
    """Whether the engine leaves the client at its authority when it forgets it."""
    unprotected_products: frozenset[str] = frozenset()


def record_of(connection: Connection, states: Mapping[str, Record]) -> Record | None:
    """Return what a state has of a connection: one client, and with it what a rename that failed in part left under another name."""
    own = connection.resource_name
    names = (own, *(former + own.removeprefix(connection.key) for former in connection.formerly))
    found = [states[name] for name in names if name in states]
    client = next((one for one in found if one.client_id), found[0] if found else None)
    for part in found:
        if client is not None and part is not client and not part.client_id:
            client = _with(client, part)
    return client


def _with(client: Record, part: Record) -> Record:
    products = client.products | part.products
    protected = (client.products - client.unprotected_products) | (part.products - part.unprotected_products)
    return replace(
        client,
        scopes=client.scopes | part.scopes,
        products=products,
        keys=None if client.keys is None or part.keys is None else client.keys | part.keys,
        listed=client.listed | part.listed,
        protected=client.protected or part.protected,
        retained=client.retained and part.retained,
        unprotected_products=products - protected,
    )
