"""Who gets which mail: one per organisation, environment and set of contacts, with all that is due for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from acmidm.desk.progress import ROOM as STEPS
from acmidm.desk.reminders.due import Due, KeyEnds, StepWaits, natural_key
from acmidm.desk.reminders.ics import calendar
from acmidm.words import plain
from acmidm_onboarding.mail.message import Mail, compose
from acmidm_onboarding.settings import Settings
from acmidm_onboarding.texts import Language, Texts, texts
from acmidm_onboarding.values.terms import Environment

ROOM = "remind"


@dataclass(frozen=True)
class Reminder:
    """One mail, about forms of one organisation that name the same contacts: nobody learns another form's contacts."""

    code: str
    organisation: str
    environment: Environment
    contacts: tuple[str, ...]
    about: tuple[Due, ...]

    @property
    def keys(self) -> list[KeyEnds]:
        return [due for due in self.about if isinstance(due, KeyEnds)]

    @property
    def steps(self) -> list[StepWaits]:
        return [due for due in self.about if isinstance(due, StepWaits)]


def reminders(due: Iterable[Due]) -> tuple[Reminder, ...]:
    """Return the mails, in the order of what is most urgent in each."""
    together: dict[tuple[str, Environment, tuple[str, ...]], list[Due]] = {}
    for item in due:
        connection = item.connection
        recipients = connection.key.partition("/")[0], connection.environment, tuple(sorted(set(connection.contacts)))
        together.setdefault(recipients, []).append(item)
    return tuple(
        Reminder(recipients[0], about[0].connection.organisation, *recipients[1:], tuple(about))
        for recipients, about in together.items()
    )


def message_of(reminder: Reminder, language: Language, settings: Settings, now: datetime) -> Mail:
    """Return the mail, with a calendar file where a key ends."""
    room = texts(ROOM, language)
    keys, steps = reminder.keys, reminder.steps
    where = {"organisation": plain(reminder.organisation), "on": room(f"on.{reminder.environment}")}
    parts = [
        ("keys", [_of_key(ending, room, settings) for ending in keys]),
        ("steps", [_of_step(waiting, room) for waiting in steps]),
    ]
    message = compose(
        ROOM,
        {
            "title": room("subject", about=_about(keys, steps, room), **where),
            "intro": room("intro", **where),
            "parts": [{"title": room(name), "items": items} for name, items in parts if items],
            "file": room("attached") if keys else "",
            "application": ", ".join(dict.fromkeys(plain(due.connection.application) for due in reminder.about)),
        },
        language=language,
        to=reminder.contacts,
        key=natural_key(reminder.about[0].connection),
        step=ROOM,
        settings=settings,
    )
    if keys:
        written = calendar(keys, room, now)
        params = {"method": "PUBLISH", "charset": "utf-8"}  # RFC 6047 §2.4
        message.add_attachment(written, maintype="text", subtype="calendar", filename=room("file"), params=params)
    return message


def _about(keys: Sequence[KeyEnds], steps: Sequence[StepWaits], room: Texts) -> str:
    phrases = []
    if keys:
        day = room.day(keys[0].expires.astimezone(UTC).date())
        phrases.append(room(f"key.{'one' if len(keys) == 1 else 'many'}", count=len(keys), day=day))
    if steps:
        phrases.append(room.counted("step", len(steps)))
    return phrases[0] if len(phrases) == 1 else room("and", one=phrases[0], other=phrases[1])


def _of_key(ending: KeyEnds, room: Texts, settings: Settings) -> dict[str, str]:
    """Return what ends, and what to do about it: to use a later key that is there already, else to make one."""
    connection, end = ending.connection, ending.expires.astimezone(UTC)
    others = (key for key in connection.keys or () if key.kid != ending.key.kid)
    later = next((key for key in others if key.expires is None or key.expires > ending.expires), None)
    portal = (
        settings.platforms[connection.platform].portal(connection.environment) if connection.keys_in_portal else None
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
        key=ending.key.in_mails,
        day=room.day(end.date()),
        time=f"{end:%H:%M}",
        threshold=ending.threshold,  # so that this mail and the one before differ, also by their Message-ID
    )
    return {"what": what, "to_do": to_do, "link": link, "waits": ""}


def _of_step(waiting: StepWaits, room: Texts) -> dict[str, str]:
    """Return what to do, in the words of ``acmidm steps`` for the organisation."""
    progress, guide = waiting.progress, texts(STEPS, room.language)
    waits = []
    if progress.since:
        waits.append(room("since", day=room.day(progress.since.astimezone(UTC).date())))
    if waiting.reminded:
        waits.append(room("reminded", day=room.day(waiting.reminded)))  # the same text a week later is another mail
    step = f"{progress.step:d}"
    return {
        "what": room("waits", application=plain(waiting.connection.name), step=step, called=guide(f"step.{step}")),
        "to_do": (to_do := progress.instruction(room.language)),
        "link": portal if (portal := progress.values.get("portal", "")) in to_do else "",
        "waits": " ".join(waits),
    }
