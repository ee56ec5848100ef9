"""What a stack's state has of one connection: what is there, and stays whatever happens to evidence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Held:
    """A connection as a state has it: its client, and what is inside and beside that. Scopes have the platform's names."""

    client_id: str
    scopes: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()
    keys: frozenset[str] | None = None
    """Thumbprints (RFC 7638); None where its organisation uploads its keys in the portal."""
    listed: frozenset[str] = frozenset()
    """Of its evidence, where the keys are in the portal: the thumbprints that the authority listed when it was last looked at."""
    protected: bool = False
    retained: bool = False
    """Whether the engine leaves the client at its authority when it forgets it."""
    unprotected_products: frozenset[str] = frozenset()
