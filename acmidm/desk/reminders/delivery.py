"""Send reminders one by one: what was accepted is recorded before the next one, and one that fails
stops no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from acmidm.desk.reminders.ledger import Ledger
from acmidm.desk.reminders.mails import Reminder, message_of
from acmidm.words import plain
from acmidm_onboarding.mail.sending import NotSent, send
from acmidm_onboarding.settings import Settings
from acmidm_onboarding.texts import Language


class Delivered(NamedTuple):
    """What became of one mail."""

    reminder: Reminder
    problems: tuple[str, ...]
    """Why nobody got it, or which contacts did not."""
    is_sent: bool
    """Whether anybody got it."""


def deliver(
    mails: tuple[Reminder, ...],
    languages: Mapping[str, Language],
    ledger: Ledger,
    settings: Settings,
    now: datetime,
) -> Iterator[Delivered]:
    """Send each mail, and yield what became of it. ``languages`` are by an organisation's code;
    without one it is Dutch. A mail that somebody got is recorded in the ``ledger`` before the next
    is sent; of a mail that nobody got nothing is, so that the next run tries it again."""
    for reminder in mails:
        message = message_of(reminder, languages.get(reminder.code, Language.NL), settings)
        try:
            refused = send(message, settings)
        except NotSent as error:
            yield Delivered(reminder, (str(error),), is_sent=False)
            continue
        is_sent = len(refused) < len(reminder.contacts)
        if is_sent:
            ledger.record((due.id for due in reminder.about), now.astimezone(UTC).date())
        problems = [f"{plain(who)} was refused: {plain(why)}" for who, why in refused.items()]
        if not problems and not is_sent:
            problems.append("its form names no contact")
        yield Delivered(reminder, tuple(problems), is_sent)
