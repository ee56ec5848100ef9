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
    """One mail. Its addresses are those of forms of one organisation that all name the same ones: nobody learns of
    another's."""

    code: str
    organisation: str
    environment: Environment
    contacts: tuple[str, ...]
    about: tuple[Due, ...]

    @property
    def keys(self) -> list[KeyEnds]:
        return [one for one in self.about if isinstance(one, KeyEnds)]

    @property
    def steps(self) -> list[StepWaits]:
        return [one for one in self.about if isinstance(one, StepWaits)]


def reminders(found: Iterable[Due]) -> tuple[Reminder, ...]:
    """Return the mails, in the order of what is most urgent in each."""
    together: dict[tuple[str, Environment, tuple[str, ...]], list[Due]] = {}
    for one in found:
        connection = one.connection
        place = connection.key.partition("/")[0], connection.environment, tuple(sorted(set(connection.contacts)))
        together.setdefault(place, []).append(one)
    return tuple(
        Reminder(place[0], about[0].connection.organisation, *place[1:], tuple(about))
        for place, about in together.items()
    )


def message_of(reminder: Reminder, language: Language, settings: Settings, now: datetime) -> Mail:
    """Return the mail, with a calendar file where a key ends."""
    room = texts(ROOM, language)
    keys, steps = reminder.keys, reminder.steps
    where = {"organisation": plain(reminder.organisation), "on": room(f"on.{reminder.environment}")}
    parts = [
        ("keys", [_of_key(one, room, settings) for one in keys]),
        ("steps", [_of_step(one, room) for one in steps]),
    ]
    message = compose(
        ROOM,
        {
            "title": room("subject", about=_about(keys, steps, room), **where),
            "intro": room("intro", **where),
            "parts": [{"title": room(name), "items": items} for name, items in parts if items],
            "file": room("attached") if keys else "",
            "application": ", ".join(dict.fromkeys(plain(one.connection.application) for one in reminder.about)),
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
    said = []
    if keys:
        day = room.day(keys[0].expires.astimezone(UTC).date())
        said.append(room(f"key.{'one' if len(keys) == 1 else 'many'}", count=len(keys), day=day))
    if steps:
        said.append(room.counted("step", len(steps)))
    return said[0] if len(said) == 1 else room("and", one=said[0], other=said[1])


def _of_key(one: KeyEnds, room: Texts, settings: Settings) -> dict[str, str]:
    """What ends, and what to do about it: another key that is there already goes before a new one."""
    connection, end = one.connection, one.expires.astimezone(UTC)
    later = next(
        (
            key
            for key in connection.keys or ()
            if key.kid != one.key.kid and (key.expires is None or key.expires > one.expires)
        ),
        None,
    )
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
    said = room(
        "ends",
        application=plain(one.connection.name),
        key=one.key.in_mails,
        day=room.day(end.date()),
        time=f"{end:%H:%M}",
        threshold=one.threshold,  # which tells a mail from the one before, also by its Message-ID
    )
    return {"what": said, "to_do": to_do, "link": link, "waits": ""}


def _of_step(one: StepWaits, room: Texts) -> dict[str, str]:
    """What to do, as ``acmidm steps`` says it to the organisation."""
    progress, guide = one.progress, texts(STEPS, room.language)
    waits = []
    if progress.since:
        waits.append(room("since", day=room.day(progress.since.astimezone(UTC).date())))
    if one.reminded:
        waits.append(room("reminded", day=room.day(one.reminded)))  # the same text a week later is another mail
    step = f"{progress.step:d}"
    return {
        "what": room("waits", application=plain(one.connection.name), step=step, called=guide(f"step.{step}")),
        "to_do": (to_do := progress.told(room.language)),
        "link": portal if (portal := progress.values.get("portal", "")) in to_do else "",
        "waits": " ".join(waits),
    }
