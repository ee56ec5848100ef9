"""Mail organisations what ends and what waits: 60, 30 and 7 days before a key, a scope or a mandate
ends, and once a week for a step that waits for them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from acmidm.desk.facts import read_progress
from acmidm.desk.reminders.delivery import Delivered, deliver
from acmidm.desk.reminders.due import Due, Ends, due
from acmidm.desk.reminders.ledger import Ledger, ledger_file, locked_ledger
from acmidm.desk.reminders.mails import Reminder, reminders
from acmidm.desk.status import Ending, ListedConnection, ListedKey, ListedScope
from acmidm.engine.stacks import settings_of, stack_of, with_a_portal
from acmidm.terminal import Code, StackOption, fail
from acmidm.words import day, first_of, plain
from acmidm_onboarding.forms.loading import load_organisations
from acmidm_onboarding.settings import require_trusted_hosts
from acmidm_onboarding.stack_files import require_own_name
from acmidm_onboarding.texts import ntr, tr

EPILOG = """
**Examples**

- `acmidm remind --stack prod --dry-run`
- `acmidm remind --stack prod --language nl`

**Exit codes**: 0 all that is due was sent, or nothing is; 1 a mail was refused, another run sends,
or the ledger is damaged; 2 wrong use, or no mail server is set; 3 keys in the portal, or a state,
cannot be read.
"""


def remind(
    stack: StackOption,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show who would get what; send and record nothing.")
    ] = False,
) -> None:
    """Mail organisations what ends and what waits: 60, 30 and 7 days before a key, a scope or a
    mandate ends, and once a week for a step that waits for them.

    The contacts of a form get one mail per environment, in their organisation's language. Client
    secrets and keys at an address are left out.

    A ledger has what was sent: reminded/STACK.json in the folder of the state, else
    .local/STACK/reminded.json. Where it is lost, each reminder is repeated once at most; where it
    is damaged, restore a copy, or delete it.
    """
    require_own_name(stack)
    now = datetime.now(UTC)
    settings = settings_of(stack)
    organisations = load_organisations(settings.forms_folder).values()
    languages = {organisation.code: organisation.language for organisation in organisations}
    # Read, so that no mail asks a connection to go to production that is there already.
    with_portal = with_a_portal(Path())
    unlisted = []
    if stack in with_portal:
        unlisted = [stack_of(name, may_be_new=True) for name in with_portal if name != stack]
    rows = read_progress([stack_of(stack, now=now, by_policies=True)], unlisted)
    if any("state" in row.unknown for row in rows):  # and a warning said why
        fail(
            tr(
                "nobody is reminded, for the state of stack {stack} is not known; see that it can"
                " be read",
                stack=stack,
            ),
            Code.UNREACHABLE,
        )
    code = Code.WELL
    if with_unread_keys := [row.title for row in rows if _has_unread_keys(row)]:
        typer.echo(
            tr(
                "the keys of {clients} are in the portal, which cannot be read: nobody is reminded"
                " of them",
                clients=first_of(with_unread_keys),
            ),
            err=True,
        )
        code = Code.UNREACHABLE
    if dry_run:
        mails = reminders(due(rows, Ledger(ledger_file(stack)).sent, now))
        typer.echo(_headline(stack, len(mails)))
        for mail in mails:
            typer.echo(_summary(mail))
        raise typer.Exit(code)
    if settings.smtp_url is None:
        fail(
            tr(
                "stack {stack} has no mail server; set acmidm:smtpUrl, or add --dry-run to see who"
                " would get what",
                stack=stack,
            )
        )
    require_trusted_hosts(settings)
    with locked_ledger(ledger_file(stack)) as ledger:
        mails = reminders(due(rows, ledger.sent, now))
        typer.echo(_headline(stack, len(mails)))
        for delivered in deliver(mails, languages, ledger, settings, now):
            typer.echo(_summary(delivered.reminder))
            for problem in delivered.problems:
                typer.echo(_undelivered(delivered, problem), err=True)
                code = Code.FOUND
    raise typer.Exit(code)


def _has_unread_keys(connection: ListedConnection) -> bool:
    return (
        connection.keys is None and connection.keys_in_portal and connection.client_id is not None
    )


def _headline(stack: str, count: int) -> str:
    if not count:
        return tr("nothing ends or waits on {stack} that nobody was reminded of", stack=stack)
    return ntr("{count} mail for {stack}", "{count} mails for {stack}", count, stack=stack)


def _recipients(mail: Reminder) -> str:
    """Return who gets a mail, such as "Stad Gent (api-beheer@stad-gent.example)"."""
    contacts = ", ".join(map(plain, mail.contacts))
    return f"{plain(mail.organisation)} ({contacts or tr('no contacts')})"


def _undelivered(delivered: Delivered, problem: str) -> str:
    """Return why some contacts, or all, did not get a mail. One that nobody got is tried again."""
    name = _recipients(delivered.reminder)
    if delivered.is_sent:
        return tr("{name}: {problem}", name=name, problem=problem)
    return tr("{name}: {problem}; the next run tries it again", name=name, problem=problem)


def _summary(mail: Reminder) -> str:
    """Return who gets a mail, and beneath that a line for each thing that it reminds of."""
    return "\n".join((_recipients(mail), *(f"  {_sentence_about(item)}" for item in mail.about)))


def _sentence_about(item: Due) -> str:
    """Return what a mail reminds of, as a sentence for the onboarding team."""
    name = plain(item.connection.name)
    if isinstance(item, Ends):
        return _sentence_about_end(item, item.what, name)
    since, step = item.connection.since, f"{item.connection.step:d}"
    if since:
        return tr(
            "{name}: step {step} waits for the organisation since {day}",
            name=name,
            step=step,
            day=day(since),
        )
    return tr("{name}: step {step} waits for the organisation", name=name, step=step)


def _sentence_about_end(item: Ends[Ending], what: Ending, name: str) -> str:
    """Return which key, scope or mandate of a connection ends, when, and within how many days."""
    within, last_day = item.threshold, f"{item.last_day}"
    if isinstance(what, ListedKey):
        return ntr(
            "{name}: key {kid} ends {day}, within {count} day",
            "{name}: key {kid} ends {day}, within {count} days",
            within,
            name=name,
            kid=plain(what.kid),
            day=day(item.expires),
        )
    if isinstance(what, ListedScope):
        return ntr(
            "{name}: scope {scope} ends {day}, within {count} day",
            "{name}: scope {scope} ends {day}, within {count} days",
            within,
            name=name,
            scope=plain(what.scope),
            day=last_day,
        )
    if what.organisation:
        return ntr(
            "{name}: the mandate of {organisation}, for which it sends, ends {day}, within {count}"
            " day",
            "{name}: the mandate of {organisation}, for which it sends, ends {day}, within {count}"
            " days",
            within,
            name=name,
            organisation=plain(what.organisation),
            day=last_day,
        )
    return ntr(
        "{name}: the mandate of {supplier} ends {day}, within {count} day",
        "{name}: the mandate of {supplier} ends {day}, within {count} days",
        within,
        name=name,
        supplier=plain(what.supplier),
        day=last_day,
    )
