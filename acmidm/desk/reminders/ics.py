"""The end of keys and mandates as a calendar file (RFC 5545)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from icalendar import Calendar, Event

from acmidm.desk.reminders.due import Ends
from acmidm.words import plain
from acmidm_onboarding.texts import Texts

_PRODUCT = "-//acmidm-onboarding//remind//"


def calendar(ends: Iterable[Ends], room: Texts, now: datetime) -> bytes:
    """Return an event for the day, in UTC, on which each key ends, or on which a mandate counts no
    more.

    Each has one UID whatever the threshold: an agenda that imports each reminder's file has one
    event, not three. The day is marked as free.
    """
    ics = Calendar()
    ics.add("prodid", f"{_PRODUCT}{room.language.upper()}")
    ics.add("version", "2.0")
    ics.add("method", "PUBLISH")
    for ending in ends:
        event = Event()
        values = {
            "named": ending.named,
            "application": plain(ending.connection.name),
            "organisation": plain(ending.connection.organisation),
            "on": room(f"on.{ending.connection.environment}"),
            "time": f"{ending.expires.astimezone(UTC):%H:%M}",
        }
        event.add(
            "uid", f"{hashlib.sha256(ending.same.encode()).hexdigest()[:32]}@acmidm-onboarding"
        )
        event.add("dtstamp", now.astimezone(UTC))
        event.add("dtstart", ending.expires.astimezone(UTC).date())
        event.add("summary", room(f"event.{ending.kind}.summary", **values))
        event.add("description", room(f"event.{ending.kind}.description", **values))
        event.add("transp", "TRANSPARENT")
        ics.add_component(event)
    written: bytes = ics.to_ical()
    return written
