"""When something of a client ends: a scope, a mandate, or the client itself.

An organisation writes a last day (UTC). Whoever counts or reminds takes the moment after it, so
that a key, which ends within a day, is no other case.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum


class EndOf(StrEnum):
    """What ends."""

    SCOPE = "scope"
    MANDATE = "mandate"
    CLIENT = "client"
    PRODUCT = "product"


@dataclass(frozen=True)
class End:
    """The end of something: ``name`` is the scope, whose mandate it is, the platform or the
    product."""

    of: EndOf
    name: str
    at: datetime
    """The first moment at which it does not count."""

    @property
    def last_day(self) -> date:
        """The last day (UTC) on which it counts at all."""
        return (self.at - timedelta(microseconds=1)).astimezone(UTC).date()


def midnight(day: date) -> datetime:
    """Return the first moment of a day (UTC)."""
    return datetime.combine(day, time(), UTC)


def after(last_day: date) -> datetime:
    """Return the first moment after a day (UTC); the last moment there is for the last day of the
    calendar."""
    if last_day == date.max:
        return datetime.max.replace(tzinfo=UTC)
    return midnight(last_day + timedelta(days=1))


def is_over(last_day: str, day: date) -> bool:
    """Return whether a last day, as 2027-12-31, has passed on ``day``; an empty one, which stands
    for no permission at all, has always passed."""
    return last_day < day.isoformat()
