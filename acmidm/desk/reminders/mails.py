"""Who gets which mail: one per organisation, environment and set of contacts, with all that is due
for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from functools import reduce
from typing import TypeVar

from acmidm.desk.progress import instruction
from acmidm.desk.reminders.due import Due, Ends, StepWaits, natural_key
from acmidm.desk.status import STEPS, Ending, ListedKey, ListedMandate, ListedScope
from acmidm.words import plain
from acmidm_onboarding.mail.message import Mail, compose
from acmidm_onboarding.settings import Settings
from acmidm_onboarding.texts import N_, NN_, Language
from acmidm_onboarding.values.terms import Environment

STEP = "remind"
"""Its template, and what its Message-ID is made of."""
E = TypeVar("E", bound=Ending)


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
    mails: list[Reminder] = []
    for (code, environment, contacts), about in together.items():
        organisation = about[0].connection.organisation
        mails.append(Reminder(code, organisation, environment, contacts, tuple(about)))
    return tuple(mails)


_ON = {"tni": N_("on the test environment (TNI)"), "prod": N_("in production")}


def message_of(reminder: Reminder, language: Language, settings: Settings) -> Mail:
    """Return the mail."""
    organisation = plain(reminder.organisation)
    on = language.translated(_ON[reminder.environment])
    parts = defaultdict[str, list[dict[str, str]]](list)
    for ends, key in reminder.ends(ListedKey):
        parts[N_("Keys that end")].append(_of_key(ends, key, language, settings))
    for ends, scope in reminder.ends(ListedScope):
        parts[N_("Scopes that end")].append(_of_scope(ends, scope, language))
    for ends, mandate in reminder.ends(ListedMandate):
        parts[N_("Mandates that end")].append(_of_mandate(ends, mandate, language))
    for waiting in reminder.steps:
        parts[N_("Steps that wait for you")].append(_of_step(waiting, language))
    shown = [{"title": language.translated(name), "items": parts[name]} for name in parts]
    applications = dict.fromkeys(plain(due.connection.application) for due in reminder.about)
    return compose(
        STEP,
        {
            "title": language.tr(
                "{organisation} {on}: {about}",
                organisation=organisation,
                on=on,
                about=_about(reminder, language),
            ),
            "intro": language.tr(
                "This is a reminder about the connections of {organisation} {on}.",
                organisation=organisation,
                on=on,
            ),
            "parts": shown,
            "application": ", ".join(applications),
        },
        language=language,
        to=reminder.contacts,
        key=natural_key(reminder.about[0].connection),
        step=STEP,
        settings=settings,
    )


def _about(reminder: Reminder, language: Language) -> str:
    phrases = []
    for kind, sentences in (
        (
            ListedKey,
            NN_("a public key ends on {day}", "{count} public keys end, the first on {day}"),
        ),
        (ListedScope, NN_("a scope ends on {day}", "{count} scopes end, the first on {day}")),
        (ListedMandate, NN_("a mandate ends on {day}", "{count} mandates end, the first on {day}")),
    ):
        if ends := reminder.ends(kind):
            first = language.day(ends[0][0].last_day)
            phrases.append(language.ntranslated(sentences, len(ends), day=first))
    if reminder.steps:
        phrases.append(
            language.ntr(
                "one step waits for you", "{count} steps wait for you", len(reminder.steps)
            )
        )
    return reduce(
        lambda one, other: language.tr("{one}, and {other}", one=one, other=other), phrases
    )


def _of_key(ending: Ends, key: ListedKey, language: Language, settings: Settings) -> dict[str, str]:
    """Return what ends, and what to do about it: to use a later key that is there already, else to
    make one."""
    connection, end = ending.connection, ending.expires.astimezone(UTC)
    others = (other for other in connection.keys or () if other.kid != key.kid)
    later = next(
        (other for other in others if other.expires is None or other.expires > ending.expires), None
    )
    portal = None
    if connection.keys_in_portal:
        portal = settings.platforms[connection.platform].portal(connection.environment)
    link = ""
    if later is not None:
        to_do = language.tr(
            "The key {other} stays valid. Have your application sign with it before that day, or"
            " it gets no token any more.",
            other=later.in_mails,
        )
    elif portal is not None:
        to_do, link = (
            language.tr(
                "Make a new key pair before that day, and upload the new public key as a JSON Web"
                " Key in the Beheerportaal ({portal}). Then have your application sign with the new"
                " key, and remove the old one only after that.",
                portal=portal,
            ),
            portal,
        )
    else:
        to_do = language.tr(
            "Make a new key pair before that day, and put the new public key into your form"
            " ({form}), beside the old one. Have your application sign with the new key as soon as"
            " it is carried out.",
            form=plain(connection.form or connection.application),
        )
    what = language.tr(
        "The public key {key} of {application} ends on {day} at {time} (UTC), within {threshold}"
        " days.",
        application=plain(ending.connection.name),
        key=key.in_mails,
        day=language.day(end.date()),
        time=f"{end:%H:%M}",
        # so that this mail and the one before differ, also by their Message-ID
        threshold=ending.threshold,
    )
    return _item(what, to_do, link=link)


def _of_scope(ending: Ends, scope: ListedScope, language: Language) -> dict[str, str]:
    """Return which scope ends, and that a later day goes into the form."""
    application = plain(ending.connection.name)
    to_do = language.tr(
        "If {application} still needs it, put a later day under until into your form ({form}), and"
        " have that approved. Else the scope is withdrawn after that day, and the application gets"
        " no token with it.",
        application=application,
        form=plain(ending.connection.form or ending.connection.application),
    )
    return _item(
        language.tr(
            "The scope {scope} of {application} ends on {day}, within {threshold} days.",
            scope=plain(scope.scope),
            application=application,
            day=language.day(ending.last_day),
            threshold=ending.threshold,
        ),
        to_do,
    )


def _of_mandate(ending: Ends, mandate: ListedMandate, language: Language) -> dict[str, str]:
    """Return what ends, and that a later day goes into the file of the organisation that gave
    it."""
    application, day = plain(ending.connection.name), language.day(ending.last_day)
    if mandate.organisation:
        organisation = plain(mandate.organisation)
        what = language.tr(
            "The mandate by which {application} sends for {organisation} ends on {day}, within"
            " {threshold} days.",
            application=application,
            organisation=organisation,
            day=day,
            threshold=ending.threshold,
        )
        to_do = language.tr(
            "Where that is to go on, have the owners of {organisation} put a later day into its"
            " mandates.yaml. Else {application} sends for it no more after that day.",
            organisation=organisation,
            application=application,
        )
    else:
        what = language.tr(
            "The mandate of {supplier} for {application} ends on {day}, within {threshold} days.",
            supplier=plain(mandate.supplier),
            application=application,
            day=day,
            threshold=ending.threshold,
        )
        to_do = language.tr(
            "Where the supplier is to go on, put a later day into mandates.yaml in the folder of"
            " your organisation, and have its owners approve that. Else the scopes and then the"
            " keys of the connection are withdrawn after that day."
        )
    return _item(what, to_do)


def _of_step(waiting: StepWaits, language: Language) -> dict[str, str]:
    """Return what to do, in the words of ``acmidm status --board`` for the organisation."""
    connection, waits = waiting.connection, []
    if connection.since:
        waits.append(
            language.tr(
                "This step has waited for you since {day}.",
                day=language.day(connection.since.astimezone(UTC).date()),
            )
        )
    if waiting.reminded:
        # The same text a week later is another mail.
        waits.append(
            language.tr("The last reminder was of {day}.", day=language.day(waiting.reminded))
        )
    to_do, portal = instruction(connection, language), connection.values.get("portal", "")
    link = portal if portal in to_do else ""
    return _item(
        language.tr(
            "{application}, step {step}: {called}",
            application=plain(connection.name),
            step=f"{connection.step:d}",
            called=language.translated(STEPS[connection.step]),
        ),
        to_do,
        link=link,
        waits=" ".join(waits),
    )


def _item(what: str, to_do: str, *, link: str = "", waits: str = "") -> dict[str, str]:
    """Return an item of the mail, as its template shows it; ``link`` is an address that ``to_do``
    names."""
    return {"what": what, "to_do": to_do, "link": link, "waits": waits}
