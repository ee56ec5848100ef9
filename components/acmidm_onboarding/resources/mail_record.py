"""The record of a hand-over: what an organisation was mailed, what is unsent, and which contacts
were refused.

``unsent`` names what was not mailed: the client-ID, or scopes. Until a mail server takes the mail
for a contact, every contact gets it but those who were refused for good. From then on only the
contacts in ``retry`` get it, whom the server may accept later: nobody gets it twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

from acmidm_onboarding.values.hand_over_outcome import NO_SMTP
from acmidm_onboarding.values.plain import without

CLIENT_ID = "client_id"
"""What ``unsent`` has for the client-ID. No scope has this name, and the mail with the client-ID
names all scopes."""


class Outcome(NamedTuple):
    """What became of a mail to one contact."""

    message_id: str | None = None
    """None where no server answered."""
    why: str | None = None
    """Why the server did not take the mail; None where it did."""
    is_temporary: bool = True
    """Whether the server may take the same mail later."""

    @property
    def is_for_nobody(self) -> bool:
        """Whether a mail server was tried, and took the mail for no contact at all."""
        return self.message_id is None and self.why != NO_SMTP


@dataclass(frozen=True)
class Delivery:
    """What the state has of the mails about one client."""

    message_id: str | None = None
    """Of the last mail that was accepted."""
    sent_at: str | None = None
    """When that was (RFC 3339, UTC)."""
    not_sent: str | None = None
    """Why what is unsent was not sent; or ``existed``."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """The contacts that the last mail was refused for, with the server's answer."""
    unsent: tuple[str, ...] = ()
    retry: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    """The scopes that were mailed, or are unsent."""

    @classmethod
    def of(cls, outputs: Mapping[str, Any]) -> Delivery:
        """Return the record in a resource's outputs, of which lists become tuples."""
        fields: dict[str, Any] = {}
        for name, value in outputs.items():
            if value is not None:
                fields[name] = tuple(value) if isinstance(value, list) else value
        return cls(**fields)

    @property
    def outputs(self) -> dict[str, Any]:
        """The record as outputs of a resource, without what is None, which the engine leaves out
        too."""
        outputs: dict[str, Any] = {}
        for name, value in asdict(self).items():
            if value is not None:
                outputs[name] = list(value) if isinstance(value, tuple) else value
        return outputs

    def unreached(self, contacts: Iterable[str]) -> list[str]:
        """Return those of a client's ``contacts`` to whom what is unsent should be mailed now: all
        that were not refused for good, or those alone in ``retry``."""
        if not self.unsent:
            return []
        if self.retry:
            return [contact for contact in contacts if contact in self.retry]
        return [contact for contact in contacts if contact not in self.refused]

    def with_scopes(self, after: Collection[str]) -> Delivery:
        """Return the record of a client that has the scopes ``after`` now: added ones become
        unsent, withdrawn ones are unsent no longer."""
        added, record = set(after) - set(self.scopes), replace(self, scopes=tuple(sorted(after)))
        still_unsent = {CLIENT_ID, *after}.intersection(self.unsent)
        if added and self.retry:
            # The mail about the added scopes goes to all, and has the client-ID too.
            still_unsent = set()
        unsent = tuple(sorted(still_unsent | added))
        if CLIENT_ID in still_unsent:
            unsent = (CLIENT_ID,)
        if added:  # a new mail, for all contacts
            return replace(record, unsent=unsent, refused={}, retry=())
        if unsent:
            return replace(record, unsent=unsent)
        not_sent = None if self.unsent else self.not_sent  # why that was unsent matters no more
        return replace(record, unsent=(), retry=(), not_sent=not_sent)

    def tried(self, outcomes: Mapping[str, Outcome], at: str) -> Delivery:
        """Return the record after a try to send what is unsent: its outcome per contact, and its
        time (RFC 3339).

        Where no contact ever got it, all of it stays unsent, with the reason in ``not_sent``. Else
        contacts that were refused for a while are noted in ``retry``.
        """
        refused = {to: outcome.why for to, outcome in outcomes.items() if outcome.why is not None}
        temporary = tuple(contact for contact in refused if outcomes[contact].is_temporary)
        reasons = {**self.refused, **refused}
        if len(refused) == len(outcomes) and not self.retry:
            not_sent = min(refused.values())
            answered = [f"{to}: {why}" for to, why in refused.items() if outcomes[to].message_id]
            if answered:
                not_sent = f"the mail server refused every recipient: {'; '.join(answered)}"
            for_good = without(reasons, temporary)
            return replace(self, refused=for_good, not_sent=not_sent)
        # Contacts for whom the server took the mail this time are refused no more.
        reached = outcomes.keys() - refused.keys()
        still_refused = without(reasons, reached)
        unsent = self.unsent if temporary else ()
        record = replace(self, refused=still_refused, retry=temporary, unsent=unsent, not_sent=None)
        if not reached:
            return record
        message_ids = [outcome.message_id for outcome in outcomes.values() if outcome.why is None]
        return replace(record, message_id=message_ids[0], sent_at=at)
