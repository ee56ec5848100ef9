"""The record of a hand-over: what an organisation was mailed, what it was not yet, and which of its contacts could not
be reached.

``unsent`` names what was not mailed: the client-ID, or scopes. Until a mail server takes it for somebody, every contact
is to get it but those who were refused for good. From then on only those get it who may be accepted later, ``retry``:
nobody gets it twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

CLIENT_ID = "client_id"
"""No scope has this name; a scope that had would be mailed with the client-ID, whose mail names all scopes."""


class Outcome(NamedTuple):
    """What became of a mail to one contact."""

    message_id: str | None = None
    """None where no server said whether it takes it."""
    why: str | None = None
    """Why it did not; None where it did."""
    is_temporary: bool = True
    """Whether it may take the same later."""


@dataclass(frozen=True)
class Delivery:
    """What the state has of one hand-over."""

    message_id: str | None = None
    """Of the last mail that was accepted."""
    sent_at: str | None = None
    """When that was (RFC 3339, UTC)."""
    not_sent: str | None = None
    """Why what is unsent was not sent; or that nothing had to be."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """The contacts that the last mail was refused for, with what the server said."""
    unsent: tuple[str, ...] = ()
    retry: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    """Those that it was mailed, or is to be."""

    @classmethod
    def of(cls, outputs: Mapping[str, Any]) -> Delivery:
        """Read the record in a resource's outputs."""
        known = {name: value for name, value in outputs.items() if value is not None}
        found: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in known.items()
        }
        return cls(**found)

    @property
    def outputs(self) -> dict[str, Any]:
        """The same as outputs of a resource; what is none is left out, as the engine does."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if value is not None
        }

    def left(self, contacts: Iterable[str]) -> list[str]:
        """Return the contacts that have not got what is unsent, and may get it."""
        if not self.unsent:
            return []
        return [one for one in contacts if (one in self.retry if self.retry else one not in self.refused)]

    def with_scopes(self, after: Collection[str]) -> Delivery:
        """Return the record once a client has other scopes: those that came are unsent, those that went no longer
        are."""
        added, record = set(after) - set(self.scopes), replace(self, scopes=tuple(sorted(after)))
        # Who missed a mail that others have gets what comes now, which has the client-ID too.
        kept = {one for one in (() if added and self.retry else self.unsent) if one == CLIENT_ID or one in after}
        unsent = (CLIENT_ID,) if CLIENT_ID in kept else tuple(sorted(kept | added))
        if added:
            return replace(record, unsent=unsent, refused={}, retry=())
        return (
            replace(record, unsent=unsent)
            if unsent
            else replace(record, unsent=(), retry=(), not_sent=None if self.unsent else self.not_sent)
        )

    def tried(self, outcomes: Mapping[str, Outcome], at: str) -> Delivery:
        """Return the record once what is unsent was tried, at a moment (RFC 3339): per contact what became of it."""
        refused = {contact: one.why for contact, one in outcomes.items() if one.why is not None}
        temporary = tuple(contact for contact in refused if outcomes[contact].is_temporary)
        known = {**self.refused, **refused}
        if len(refused) == len(outcomes) and not self.retry:
            answered = [f"{contact}: {one.why}" for contact, one in outcomes.items() if one.message_id]
            why = (
                f"the mail server refused every recipient: {'; '.join(answered)}" if answered else min(refused.values())
            )
            return replace(
                self, refused={one: said for one, said in known.items() if one not in temporary}, not_sent=why
            )
        # Where somebody has the mail, a server that is down says nothing new of the others.
        known = {one: said for one, said in known.items() if one in refused or one not in outcomes}
        made = replace(self, refused=known, retry=temporary, unsent=self.unsent if temporary else (), not_sent=None)
        accepted = [one.message_id for one in outcomes.values() if one.why is None]
        return replace(made, message_id=accepted[0], sent_at=at) if accepted else made
