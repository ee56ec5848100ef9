"""The end of keys as a calendar file (RFC 5545)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from icalendar import Calendar, Event

from acmidm.desk.reminders.due import KeyEnds
from acmidm.words import plain
from acmidm_onboarding.texts import Texts

_PRODUCT = "-//acmidm-onboarding//remind//"


def calendar(keys: Iterable[KeyEnds], room: Texts, now: datetime) -> bytes:
    """Return an event for the day, in UTC, on which each key ends.

    A key has one UID whatever the threshold: who takes the file in at each reminder has one event, not three. The day
    is marked as free.
    """
    found = Calendar()
    found.add("prodid", f"{_PRODUCT}{room.language.upper()}")
    found.add("version", "2.0")
    found.add("method", "PUBLISH")
    for one in keys:
        event = Event()
        values = {
            "key": one.key.in_mails,
            "application": plain(one.connection.name),
            "organisation": plain(one.connection.organisation),
            "on": room(f"on.{one.connection.environment}"),
            "time": f"{one.expires.astimezone(UTC):%H:%M}",
        }
        event.add("uid", f"{hashlib.sha256(one.key_id.encode()).hexdigest()[:32]}@acmidm-onboarding")
        event.add("dtstamp", now.astimezone(UTC))
        event.add("dtstart", one.expires.astimezone(UTC).date())
        event.add("summary", room("event.summary", **values))
        event.add("description", room("event.description", **values))
        event.add("transp", "TRANSPARENT")
        found.add_component(event)
    written: bytes = found.to_ical()
    return written
