"""What an organisation is reminded of: a key, a scope or a mandate that ends, a step that waits for
it. Pure: nothing is read, nothing is sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Generic, TypeVar

from acmidm.desk.status import Ending, LastDay, ListedConnection, WaitsFor

THRESHOLDS = (7, 30, 60)
"""Days before an end."""
WEEK_DAYS = 7

_UNKNOWN_FORM = "form"
"""The unknown fact of a connection whose form has mistakes: it is then a guess whether it waits."""

E = TypeVar("E", bound=Ending)
Sent = Mapping[str, date]
"""Per reminder the day, in UTC, on which a mail with it was last accepted."""


@dataclass(frozen=True)
class Ends(Generic[E]):
    """A key, a scope or a mandate that ends within a threshold of days."""

    connection: ListedConnection
    what: E
    expires: datetime
    threshold: int
    """The one of ``THRESHOLDS`` that it is within."""

    @property
    def kind(self) -> type:
        """By which a mail finds the heading that this is below."""
        return type(self.what)

    @property
    def last_day(self) -> date:
        """The last day of a scope or a mandate; of a key the day (UTC) within which it ends."""
        if isinstance(self.what, LastDay) and self.what.until:
            return self.what.until
        return self.expires.astimezone(UTC).date()

    @property
    def id(self) -> str:
        """The reminder's name in the ledger. It has the end and the threshold: a key with another
        end, or one whose end is nearer, is another reminder."""
        about = f"{self.connection.software_id} {self.what.reminded_as}"
        return f"{about} ends {self.expires:%Y-%m-%d} within {self.threshold}"


@dataclass(frozen=True)
class StepWaits:
    """A step that waits for the organisation: one reminder a week and client, whichever step it
    is."""

    connection: ListedConnection
    reminded: date | None = None
    """When the last mail about it was accepted."""

    @property
    def kind(self) -> type:
        return StepWaits

    @property
    def id(self) -> str:
        return f"{self.connection.software_id} waits"


Due = Ends[Ending] | StepWaits


def due(rows: Iterable[ListedConnection], sent: Sent, now: datetime) -> tuple[Due, ...]:
    """Return the reminders to send now: first those of what ends, the nearest end first, then those
    of steps.

    Of what ends, only the present threshold counts: one with 5 days left gives one
    reminder, not three, also after the ledger was lost. A step gets its first reminder after a week
    of waiting, or at once where nobody knows since when it waits.
    """
    ends: list[Ends[Ending]] = []
    steps: list[StepWaits] = []
    for row in rows:
        ends += [ending for ending in _ends_within_threshold(row, now) if ending.id not in sent]
        waiting = _waiting_step(row, sent, now)
        if waiting is not None:
            steps.append(waiting)
    ends.sort(key=lambda ending: (ending.expires, ending.id))
    steps.sort(key=lambda waiting: waiting.id)
    return (*ends, *steps)


def _ends_within_threshold(connection: ListedConnection, now: datetime) -> Iterator[Ends[Ending]]:
    """Yield what of a connection ends within 60 days, reminded of or not, but for what ends once
    the connection has left."""
    for what in [*connection.endings, *connection.sends_by]:
        if what.expires is None or _leaves_before(connection, what.expires):
            continue
        if threshold := _threshold_of(what.expires - now):
            yield Ends(connection, what, what.expires, threshold)


def _threshold_of(remaining: timedelta) -> int | None:
    """Return the smallest threshold that ``remaining`` is within, such as 30 for 12 days; None
    where it is more than 60 days, or over."""
    if remaining <= timedelta(0):
        return None
    return next((days for days in THRESHOLDS if remaining.days <= days), None)


def _leaves_before(connection: ListedConnection, end: datetime) -> bool:
    """Return whether the connection leaves before this ``end``, so that nobody has to renew what
    ends."""
    leaves = connection.leaves.get(connection.platform)
    return leaves is not None and leaves <= f"{end.astimezone(UTC):%Y-%m-%d}"


def _waiting_step(connection: ListedConnection, sent: Sent, now: datetime) -> StepWaits | None:
    """Return the reminder of a step that waits for the organisation; None where it waits for
    somebody else, or for less than a week since it began or was last reminded of."""
    if connection.waits_for is not WaitsFor.ORGANISATION or _UNKNOWN_FORM in connection.unknown:
        return None
    reminded = sent.get(StepWaits(connection).id)
    week_began = reminded
    if week_began is None and connection.since:
        week_began = connection.since.astimezone(UTC).date()
    # A day in the future was written by a wrong clock, and holds back no mail.
    if week_began is not None and 0 <= (now.astimezone(UTC).date() - week_began).days < WEEK_DAYS:
        return None
    return StepWaits(connection, reminded)
