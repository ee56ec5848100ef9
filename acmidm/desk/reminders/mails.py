"""Who gets which mail: one per organisation, environment and set of contacts, with all that is due
for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC
from functools import reduce
from typing import NamedTuple

from acmidm.desk.progress import instruction
from acmidm.desk.reminders.due import Due, Ends, StepWaits
from acmidm.desk.status import STEPS, ListedKey, ListedMandate, ListedScope
from acmidm.words import plain
from acmidm_onboarding.mail.message import Mail, compose
from acmidm_onboarding.settings import Settings
from acmidm_onboarding.texts import N_, NN_, Counted, Language
from acmidm_onboarding.values.terms import Environment

STEP = "remind"
"""Its template, and what its Message-ID is made of."""


@dataclass(frozen=True)
class Reminder:
    """One mail, about forms of one organisation that name the same contacts: nobody learns another
    form's contacts."""

    code: str
    organisation: str
    environment: Environment
    contacts: tuple[str, ...]
    about: tuple[Due, ...]

    @property
    def parts(self) -> Iterator[tuple[MailPart, list[Due]]]:
        """Each part of the mail with the reminders that are in it; a part with none is left out."""
        for part in _PARTS:
            if of_part := [due for due in self.about if due.kind is part.kind]:
                yield part, of_part


def reminders(due: Iterable[Due]) -> tuple[Reminder, ...]:
    """Return the mails that have these reminders, in the order of what is most urgent in each: that
    of ``due``."""
    by_recipients: dict[tuple[str, Environment, tuple[str, ...]], list[Due]] = {}
    for item in due:
        connection = item.connection
        recipients = (
            connection.key.partition("/")[0],
            connection.environment,
            tuple(sorted(set(connection.contacts))),
        )
        by_recipients.setdefault(recipients, []).append(item)
    mails: list[Reminder] = []
    for (code, environment, contacts), about in by_recipients.items():
        organisation = about[0].connection.organisation
        mails.append(Reminder(code, organisation, environment, contacts, tuple(about)))
    return tuple(mails)


_ON = {"tni": N_("on the test environment (TNI)"), "prod": N_("in production")}


def message_of(reminder: Reminder, language: Language, settings: Settings) -> Mail:
    """Return the mail of a reminder, ready to send, in a language. ``settings`` have the sender and
    the addresses of portals."""
    organisation = plain(reminder.organisation)
    on = language.translated(_ON[reminder.environment])
    parts: list[dict[str, object]] = []
    for part, due in reminder.parts:
        items = [part.item(each, language, settings) for each in due]
        parts.append({"title": language.translated(part.title), "items": items})
    applications = dict.fromkeys(plain(due.connection.application) for due in reminder.about)
    return compose(
        STEP,
        {
            "title": language.tr(
                "{organisation} {on}: {about}",
                organisation=organisation,
                on=on,
                about=_title_about(reminder, language),
            ),
            "intro": language.tr(
                "This is a reminder about the connections of {organisation} {on}.",
                organisation=organisation,
                on=on,
            ),
            "parts": parts,
            "application": ", ".join(applications),
        },
        language=language,
        to=reminder.contacts,
        key=reminder.about[0].connection.software_id,
        step=STEP,
        settings=settings,
    )


def _title_about(reminder: Reminder, language: Language) -> str:
    """Return what the title of a mail is about, such as "2 public keys end, the first on 12 March,
    and one step waits for you"."""
    phrases = []
    for part, due in reminder.parts:
        first = language.day(due[0].last_day) if isinstance(due[0], Ends) else ""
        phrases.append(language.ntranslated(part.about, len(due), day=first))
    return reduce(
        lambda so_far, phrase: language.tr("{one}, and {other}", one=so_far, other=phrase), phrases
    )


def _item_of_key(ending: Ends[ListedKey], language: Language, settings: Settings) -> dict[str, str]:
    """Return the item of a key that ends, with what to do: to sign with a later key of the client,
    else to make one, and to upload it or put it into the form."""
    connection, key, end = ending.connection, ending.what, ending.expires.astimezone(UTC)
    later = _later_key(ending)
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
    sentence = language.tr(
        "The public key {key} of {application} ends on {day} at {time} (UTC), within {threshold}"
        " days.",
        application=plain(ending.connection.name),
        key=key.in_mails,
        day=language.day(end.date()),
        time=f"{end:%H:%M}",
        # so that this mail and the one before differ, also by their Message-ID
        threshold=ending.threshold,
    )
    return _mail_item(sentence, to_do, link=link)


def _later_key(ending: Ends[ListedKey]) -> ListedKey | None:
    """Return a key of the same client that ends later, or never; None where it has none."""
    for key in ending.connection.keys or ():
        is_later = key.expires is None or key.expires > ending.expires
        if is_later and key.kid != ending.what.kid:
            return key
    return None


def _item_of_scope(ending: Ends[ListedScope], language: Language, _: Settings) -> dict[str, str]:
    """Return the item of a scope that ends: a later day goes into the form."""
    application = plain(ending.connection.name)
    to_do = language.tr(
        "If {application} still needs it, put a later day under until into your form ({form}), and"
        " have that approved. Else the scope is withdrawn after that day, and the application gets"
        " no token with it.",
        application=application,
        form=plain(ending.connection.form or ending.connection.application),
    )
    return _mail_item(
        language.tr(
            "The scope {scope} of {application} ends on {day}, within {threshold} days.",
            scope=plain(ending.what.scope),
            application=application,
            day=language.day(ending.last_day),
            threshold=ending.threshold,
        ),
        to_do,
    )


def _item_of_mandate(
    ending: Ends[ListedMandate], language: Language, _: Settings
) -> dict[str, str]:
    """Return the item of a mandate that ends: a later day goes into the ``mandates.yaml`` of the
    organisation that gave it."""
    application, day = plain(ending.connection.name), language.day(ending.last_day)
    mandate = ending.what
    # By a mandate of another organisation the application sends for that.
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
    return _mail_item(what, to_do)


def _item_of_step(waiting: StepWaits, language: Language, _: Settings) -> dict[str, str]:
    """Return the item of a step that waits, with what to do, in the words of ``acmidm status
    --board``."""
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
    return _mail_item(
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


def _mail_item(what: str, to_do: str, *, link: str = "", waits: str = "") -> dict[str, str]:
    """Return an item of the mail, as its template takes it. Of the text ``to_do`` the template
    makes the address ``link`` a link, where there is one; ``waits`` says since when a step
    waits."""
    return {"what": what, "to_do": to_do, "link": link, "waits": waits}


class MailPart(NamedTuple):
    """A part of the mail: a heading, and below it the reminders of one kind."""

    kind: type
    title: str
    about: Counted
    """What the title of the mail says of this part."""
    item: Callable[..., dict[str, str]]
    """What the mail has of one of these reminders, as ``_mail_item`` returns it."""


_PARTS = (
    MailPart(
        ListedKey,
        N_("Keys that end"),
        NN_("a public key ends on {day}", "{count} public keys end, the first on {day}"),
        _item_of_key,
    ),
    MailPart(
        ListedScope,
        N_("Scopes that end"),
        NN_("a scope ends on {day}", "{count} scopes end, the first on {day}"),
        _item_of_scope,
    ),
    MailPart(
        ListedMandate,
        N_("Mandates that end"),
        NN_("a mandate ends on {day}", "{count} mandates end, the first on {day}"),
        _item_of_mandate,
    ),
    MailPart(
        StepWaits,
        N_("Steps that wait for you"),
        NN_("one step waits for you", "{count} steps wait for you"),
        _item_of_step,
    ),
)
