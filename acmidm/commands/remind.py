"""Mail organisations what ends and what waits: 60, 30 and 7 days before a key or a mandate ends,
and once a week for a step that waits for them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from acmidm.desk.facts import read_progress
from acmidm.desk.reminders.delivery import deliver
from acmidm.desk.reminders.due import Due, KeyEnds, MandateEnds, due
from acmidm.desk.reminders.ledger import Ledger, ledger_file, opened
from acmidm.desk.reminders.mails import Reminder, reminders
from acmidm.desk.status import ListedConnection
from acmidm.engine.stacks import settings_of, with_a_portal
from acmidm.terminal import Code, StackOption, fail
from acmidm.words import day, first_of, plain
from acmidm_onboarding.forms.loading import load_organisations
from acmidm_onboarding.settings import require_trusted_hosts
from acmidm_onboarding.stack_files import require_own_name
from acmidm_onboarding.texts import say, say_counted

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
    """Mail organisations what ends and what waits: 60, 30 and 7 days before a key or a mandate
    ends, and once a week for a step that waits for them.

    The contacts of a form get one mail per environment, in their organisation's language. Client
    secrets and keys at an address are left out.

    A ledger has what was sent: reminded/STACK.json in the folder of the state, else
    .local/STACK/reminded.json. Where it is lost, each reminder is repeated once at most; where it
    is damaged, restore a copy, or delete it.
    """
    require_own_name(stack)
    now = datetime.now(UTC)
    settings = settings_of(stack)
    languages = {
        organisation.code: organisation.language
        for organisation in load_organisations(settings.forms_folder).values()
    }
    # No mail asks a connection to go to production that is there already.
    every = with_a_portal(Path())
    rows = read_progress(
        [stack], now, others=[name for name in every if name != stack] if stack in every else []
    )
    if any("state" in row.unknown for row in rows):  # and a warning said why
        fail(say("reminders.no_state", stack=stack), Code.UNREACHABLE)
    code = Code.WELL
    if unseen := [row.connection.title for row in rows if _is_unseen(row.connection)]:
        typer.echo(say("reminders.unseen", clients=first_of(unseen)), err=True)
        code = Code.UNREACHABLE
    if dry_run:
        mails = reminders(due(rows, Ledger(ledger_file(stack)).sent, now))
        typer.echo(_headline(stack, len(mails)))
        for mail in mails:
            typer.echo(_shown(mail))
        raise typer.Exit(code)
    if settings.smtp_url is None:
        fail(say("reminders.no_server", stack=stack))
    require_trusted_hosts(settings)
    with opened(ledger_file(stack)) as ledger:
        mails = reminders(due(rows, ledger.sent, now))
        typer.echo(_headline(stack, len(mails)))
        for done in deliver(mails, languages, ledger, settings, now):
            typer.echo(_shown(done.reminder))
            for problem in done.problems:
                sentence = "reminders.problem" if done.is_sent else "reminders.not_sent"
                typer.echo(say(sentence, name=_name(done.reminder), problem=problem), err=True)
                code = Code.FOUND
    raise typer.Exit(code)


def _is_unseen(connection: ListedConnection) -> bool:
    return (
        connection.keys is None and connection.keys_in_portal and connection.client_id is not None
    )


def _headline(stack: str, count: int) -> str:
    return (
        say_counted("reminders.mails", count, stack=stack)
        if count
        else say("reminders.nothing", stack=stack)
    )


def _name(mail: Reminder) -> str:
    return (
        f"{plain(mail.organisation)}"
        f" ({', '.join(map(plain, mail.contacts)) or say('reminders.no_contacts')})"
    )


def _shown(mail: Reminder) -> str:
    return "\n".join((_name(mail), *(f"  {_what(item)}" for item in mail.about)))


def _what(item: Due) -> str:
    name = plain(item.connection.name)
    if isinstance(item, KeyEnds):
        facts = {"name": name, "kid": plain(item.key.kid), "day": day(item.expires)}
        return say_counted("reminders.key", item.threshold, **facts)
    if isinstance(item, MandateEnds):
        facts = {
            "name": name,
            "supplier": plain(item.mandate.supplier),
            "organisation": plain(item.mandate.organisation),
            "day": f"{item.last_day}",
        }
        sentence = "reminders.mandate_to_send" if item.mandate.organisation else "reminders.mandate"
        return say_counted(sentence, item.threshold, **facts)
    since, step = item.progress.since, f"{item.progress.step:d}"
    if since:
        return say("reminders.step_since", name=name, step=step, day=day(since))
    return say("reminders.step", name=name, step=step)
