"""Who gets which mail: one per organisation, environment and set of contacts, with all that is due
for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from functools import reduce
from typing import TypeVar

from acmidm.desk.progress import ROOM as STEPS
from acmidm.desk.reminders.due import Due, Ends, StepWaits, natural_key
from acmidm.desk.status import ListedKey, ListedMandate, ListedScope
from acmidm.words import plain
from acmidm_onboarding.mail.message import Mail, compose
from acmidm_onboarding.settings import Settings
from acmidm_onboarding.texts import Language, Texts, texts
from acmidm_onboarding.values.terms import Environment

ROOM = "remind"
E = TypeVar("E", ListedKey, ListedScope, ListedMandate)


@dataclass(frozen=True)
class Reminder:
    """One mail, about forms of one organisation that name the same contacts: nobody learns another
    form's contacts."""

    code: str
    organisation: str
    environment: Environment
    contacts: tuple[str, ...]
    about: tuple[Due, ...]

    def ends(self, kind: type[E]) -> list[tuple[Ends, E]]:
        """Return what of one kind ends, each with its reminder."""
        ends = (due for due in self.about if isinstance(due, Ends))
        return [(due, due.what) for due in ends if isinstance(due.what, kind)]

    @property
    def steps(self) -> list[StepWaits]:
        return [due for due in self.about if isinstance(due, StepWaits)]


def reminders(due: Iterable[Due]) -> tuple[Reminder, ...]:
    """Return the mails, in the order of what is most urgent in each."""
    together: dict[tuple[str, Environment, tuple[str, ...]], list[Due]] = {}
    for item in due:
        connection = item.connection
        recipients = (
            connection.key.partition("/")[0],
            connection.environment,
            tuple(sorted(set(connection.contacts))),
        )
        together.setdefault(recipients, []).append(item)
    return tuple(
        Reminder(recipients[0], about[0].connection.organisation, *recipients[1:], tuple(about))
        for recipients, about in together.items()
    )


def message_of(reminder: Reminder, language: Language, settings: Settings) -> Mail:
    """Return the mail."""
    room = texts(ROOM, language)
    where = {"organisation": plain(reminder.organisation), "on": room(f"on.{reminder.environment}")}
    parts = [
        ("keys", [_of_key(*ending, room, settings) for ending in reminder.ends(ListedKey)]),
        ("scopes", [_of_scope(*ending, room) for ending in reminder.ends(ListedScope)]),
        ("mandates", [_of_mandate(*ending, room) for ending in reminder.ends(ListedMandate)]),
        ("steps", [_of_step(waiting, room) for waiting in reminder.steps]),
    ]
    return compose(
        ROOM,
        {
            "title": room("subject", about=_about(reminder, room), **where),
            "intro": room("intro", **where),
            "parts": [{"title": room(name), "items": items} for name, items in parts if items],
            "application": ", ".join(
                dict.fromkeys(plain(due.connection.application) for due in reminder.about)
            ),
        },
        language=language,
        to=reminder.contacts,
        key=natural_key(reminder.about[0].connection),
        step=ROOM,
        settings=settings,
    )


def _about(reminder: Reminder, room: Texts) -> str:
    phrases = []
    if keys := reminder.ends(ListedKey):
        phrases.append(
            room.counted("key", len(keys), day=room.day(keys[0][0].expires.astimezone(UTC).date()))
        )
    if scopes := reminder.ends(ListedScope):
        phrases.append(room.counted("scope", len(scopes), day=room.day(scopes[0][0].last_day)))
    if mandates := reminder.ends(ListedMandate):
        first = room.day(mandates[0][0].last_day)
        phrases.append(room.counted("mandate", len(mandates), day=first))
    if reminder.steps:
        phrases.append(room.counted("step", len(reminder.steps)))
    return reduce(lambda one, other: room("and", one=one, other=other), phrases)


def _of_key(ending: Ends, key: ListedKey, room: Texts, settings: Settings) -> dict[str, str]:
    """Return what ends, and what to do about it: to use a later key that is there already, else to
    make one."""
    connection, end = ending.connection, ending.expires.astimezone(UTC)
    others = (other for other in connection.keys or () if other.kid != key.kid)
    later = next(
        (other for other in others if other.expires is None or other.expires > ending.expires), None
    )
    portal = (
        settings.platforms[connection.platform].portal(connection.environment)
        if connection.keys_in_portal
        else None
    )
    link = ""
    if later is not None:
        to_do = room("successor", other=later.in_mails)
    elif portal is not None:
        to_do, link = room("renew.portal", portal=portal), portal
    else:
        to_do = room("renew.form", form=plain(connection.form or connection.application))
    what = room(
        "ends",
        application=plain(ending.connection.name),
        key=key.in_mails,
        day=room.day(end.date()),
        time=f"{end:%H:%M}",
        # so that this mail and the one before differ, also by their Message-ID
        threshold=ending.threshold,
    )
    return {"what": what, "to_do": to_do, "link": link, "waits": ""}


def _of_scope(ending: Ends, scope: ListedScope, room: Texts) -> dict[str, str]:
    """Return which scope ends, and that a later day goes into the form."""
    connection = ending.connection
    facts = {
        "application": plain(connection.name),
        "scope": plain(scope.scope),
        "day": room.day(ending.last_day),
        "threshold": ending.threshold,
    }
    to_do = room("renew.scope", form=plain(connection.form or connection.application), **facts)
    return {"what": room("scope_ends", **facts), "to_do": to_do, "link": "", "waits": ""}


def _of_mandate(ending: Ends, mandate: ListedMandate, room: Texts) -> dict[str, str]:
    """Return what ends, and that a later day goes into the file of the organisation that gave
    it."""
    facts = {
        "application": plain(ending.connection.name),
        "supplier": plain(mandate.supplier),
        "organisation": plain(mandate.organisation),
        "day": room.day(ending.last_day),
        "threshold": ending.threshold,
    }
    form = ".afzender" if mandate.organisation else ""
    what, to_do = room(f"mandate_ends{form}", **facts), room(f"renew.mandate{form}", **facts)
    return {"what": what, "to_do": to_do, "link": "", "waits": ""}


def _of_step(waiting: StepWaits, room: Texts) -> dict[str, str]:
    """Return what to do, in the words of ``acmidm status --board`` for the organisation."""
    progress, guide = waiting.progress, texts(STEPS, room.language)
    waits = []
    if progress.since:
        waits.append(room("since", day=room.day(progress.since.astimezone(UTC).date())))
    if waiting.reminded:
        # The same text a week later is another mail.
        waits.append(room("reminded", day=room.day(waiting.reminded)))
    step = f"{progress.step:d}"
    return {
        "what": room(
            "waits",
            application=plain(waiting.connection.name),
            step=step,
            called=guide(f"step.{step}"),
        ),
        "to_do": (to_do := progress.instruction(room.language)),
        "link": portal if (portal := progress.values.get("portal", "")) in to_do else "",
        "waits": " ".join(waits),
    }
