"""The record of a hand-over: what an organisation was told, what it is owed still, and by whom of its contacts it was not got.

``owed`` names what is not told: the client-ID, or scopes. Until a mail server took it for somebody, it is owed to every contact but those
who were refused for good. From then on it is owed to those alone who may be accepted later, ``retry``: nobody gets it twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

CLIENT_ID = "client_id"
"""No scope has this name; a scope that had would be told with the client-ID, which tells all scopes."""


@dataclass(frozen=True)
class Delivery:
    """What the state has of one hand-over."""

    message_id: str | None = None
    """Of the last mail that was accepted."""
    sent_at: str | None = None
    """When that was (RFC 3339, UTC)."""
    not_sent: str | None = None
    """Why what is owed was not sent; or that nothing had to be."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """The contacts that the last mail was refused for, with what the server said."""
    owed: tuple[str, ...] = ()
    retry: tuple[str, ...] = ()

    @classmethod
    def of(cls, outputs: Mapping[str, Any]) -> Delivery:
        """Read the record in a resource's outputs."""
        return cls(
            outputs.get("message_id"),
            outputs.get("sent_at"),
            outputs.get("not_sent"),
            dict(outputs.get("refused") or {}),
            tuple(outputs.get("owed") or ()),
            tuple(outputs.get("retry") or ()),
        )

    @property
    def outputs(self) -> dict[str, Any]:
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    def left(self, contacts: Iterable[str]) -> list[str]:
        """Return the contacts that have not got what is owed, and may get it."""
        if not self.owed:
            return []
        return [one for one in contacts if (one in self.retry if self.retry else one not in self.refused)]

    def with_scopes(self, before: Collection[str], after: Collection[str]) -> Delivery:
        """Return the record once a client has other scopes: those that came are owed, those that went no longer are."""
        added = set(after) - set(before)
        # Who missed a mail that others have gets what comes now, which has the client-ID too.
        kept = {one for one in (() if added and self.retry else self.owed) if one == CLIENT_ID or one in after}
        owed = (CLIENT_ID,) if CLIENT_ID in kept else tuple(sorted(kept | added))
        if added:
            return replace(self, owed=owed, refused={}, retry=())
        return replace(self, owed=owed) if owed else replace(self, owed=(), retry=(), not_sent=None if self.owed else self.not_sent)

    def unsent(self, why: str) -> Delivery:
        """Return the record once a try has failed. Where somebody has the mail, it says nothing new."""
        return self if self.retry else replace(self, not_sent=why)

    def sent(self, to: Collection[str], refused: Mapping[str, str], temporary: Collection[str], message_id: str, at: str) -> Delivery:
        """Return the record once a server took the mail for all of ``to`` but those that it ``refused``, some of them for now."""
        is_accepted, known = len(refused) < len(to), {**self.refused, **refused}
        if not is_accepted and not self.retry:
            why = "; ".join(f"{address}: {said}" for address, said in refused.items())
            for_good = {address: said for address, said in known.items() if address not in temporary}
            return replace(self, refused=for_good, not_sent=f"the mail server refused every recipient: {why}")
        known = {address: said for address, said in known.items() if address in refused or address not in to}
        made = replace(self, refused=known, retry=tuple(temporary), owed=self.owed if temporary else (), not_sent=None)
        return replace(made, message_id=message_id, sent_at=at) if is_accepted else made
