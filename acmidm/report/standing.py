"""Where a connection stands: its step of the guide, whom it waits for, and what they must do. Derived from facts, never ticked by hand.

A fact that is not known is None, and holds a row back: no row is further than its facts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum, StrEnum
from typing import NamedTuple

from pydantic import Field

from acmidm.report.kinds import Part
from acmidm.report.status import ListedConnection
from acmidm_onboarding.model.evidence import Evidence, is_fresh
from acmidm_onboarding.model.form import AuthMethod, Environment, ExemptiblePolicy, Language
from acmidm_onboarding.texts import texts

ROOM = "steps"
EXISTED = "existed"
"""Why a client-ID was not mailed where that is no omission: the client was there before."""
NO_SMTP = "no-smtp"


class Step(IntEnum):
    """The steps of the guide, by its numbers: it has no step 6."""

    FORM = 1
    CLIENT = 2
    HAND_OVER = 3
    RIGHT = 4
    KEY = 5
    PROMOTION = 7
    RIGHT_ON_PRODUCTION = 8
    KEY_ON_PRODUCTION = 9
    DONE = 10


class WaitsFor(StrEnum):
    """Whose turn it is."""

    ORGANISATION = "organisation"
    US = "us"
    AUTHORITY = "authority"
    API_OWNER = "api-owner"


class Standing(Part):
    """Where one connection stands in one environment."""

    connection: ListedConnection
    step: Step
    waits_for: WaitsFor | None = None
    """None where nobody has to do anything."""
    order: str
    """What must be done: the name of a text in the room ``steps``."""
    values: dict[str, str] = Field(default_factory=dict)
    """The blanks of that text."""
    since: datetime | None = None
    """From when on it waits, or is done; None where that is not known."""
    unknown: tuple[str, ...] = ()
    """The facts that nobody could give: names of texts ``unknown.<name>``."""
    last_token_at: datetime | None = None
    """When its client last got a token, where its authority tells."""

    def to_do(self, language: Language) -> str:
        """Return what must be done, by whom, and what is not known, in full sentences."""
        said = texts(ROOM, language)
        sentences = [said(f"order.{self.order}", **self.values)]
        if day := self.values.get("leaves"):
            sentences.append(said("leaves", day=said.day(date.fromisoformat(day))))
        if self.last_token_at is not None:
            sentences.append(said("last_token", day=said.day(self.last_token_at)))
        return " ".join((*sentences, *(said(f"unknown.{name}") for name in self.unknown)))


@dataclass(frozen=True)
class HandedOver:
    """What became of the mail with the client-ID."""

    sent_at: datetime | None = None
    not_sent: str | None = None


@dataclass(frozen=True)
class Facts:
    """What is known of a connection in one environment, from its form, the state, its authority and its evidence."""

    connection: ListedConnection
    now: datetime
    portal: str = ""
    """The address where its organisation manages its clients."""
    form: str = ""
    """The path of its form."""
    is_declared: bool | None = True
    """Whether a form has it; None where forms have mistakes."""
    is_recorded: bool | None = True
    """Whether the state has its client; None where the state cannot be read."""
    is_held_back: bool = False
    """Whether the gate holds back what the state lacks."""
    lacking: tuple[str, ...] = ()
    """The scopes and products that its form has and the state lacks."""
    made_at: datetime | None = None
    keys_since: datetime | None = None
    """From when on it has the keys that its form declares."""
    handed_over: HandedOver | None = None
    """None where nobody knows: it is held for done."""
    usable_keys: frozenset[str] | None = None
    """The thumbprints of its keys that have not ended; None where they are not known."""
    had_keys: bool = False
    """Whether it has keys that have ended."""
    awaits_key: bool = False
    """Whether its secret is in force until its authority has a key."""
    administrators: int | None = None
    """How many people may upload its keys; None where that is not known."""
    withdrawn: tuple[tuple[str, str], ...] = ()
    """The scopes that its authority has no more, each with the owner of the API."""
    evidence: Evidence | None = None
    evidence_refused: bool = False
    evidence_days: int = 90
    is_exempt: bool = False
    """Whether it may go to production without evidence."""
    has_production: bool = False
    is_on_production: bool = False
    leaves: date | None = None
    last_token_at: datetime | None = None
    knows_use: bool = False

    @property
    def uses_secret(self) -> bool:
        return self.connection.token_endpoint_auth_method != AuthMethod.PRIVATE_KEY_JWT and not self.awaits_key

    @property
    def is_proven(self) -> bool:
        """Whether evidence that counts is of this client and of a key that it has."""
        found = self.evidence
        return (
            found is not None
            and is_fresh(found, self.now, self.evidence_days)
            and found.client_id == self.connection.client_id
            and found.thumbprint in (self.usable_keys or ())
        )

    @property
    def told_at(self) -> datetime | None:
        """When its organisation got the client-ID, as far as is known."""
        return (self.handed_over and self.handed_over.sent_at) or self.made_at


class Row(NamedTuple):
    """One line of the derivation. The first that holds says where a connection stands."""

    order: str
    tni: Step
    prod: Step
    waits_for: WaitsFor | None
    holds: Callable[[Facts], bool]
    since: Callable[[Facts], datetime | None] = lambda facts: None
    unknown: tuple[str, ...] = ()
