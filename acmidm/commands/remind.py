"""Mail organisations what ends and what waits: 60, 30 and 7 days before a key ends, and once a week for a step that
waits for them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from acmidm.desk.facts import standings
from acmidm.desk.reminders.delivery import deliver
from acmidm.desk.reminders.due import Due, KeyEnds, due
from acmidm.desk.reminders.ledger import Ledger, ledger_file, opened
from acmidm.desk.reminders.mails import Reminder, reminders
from acmidm.desk.reminders.metrics import write_metrics
from acmidm.desk.status import ListedConnection
from acmidm.engine.stacks import settings_of, with_a_portal
from acmidm.project import require_own_name
from acmidm.terminal import Code, fail
from acmidm.words import counted, day, first_of, plain
from acmidm_onboarding.forms.loading import load_organisations
from acmidm_onboarding.settings import require_trusted_hosts

EPILOG = """
**Examples**

- `acmidm remind --stack prod --dry-run`
- `acmidm remind --stack prod --metrics /var/lib/node_exporter/acmidm_prod.prom`

**Exit codes**: 0 all that is due was sent, or nothing is; 1 a mail was refused, another run sends, or the ledger is
damaged; 2 wrong use, or no mail server is set; 3 keys in the portal, or a state, cannot be read.
"""


def remind(
    stack: Annotated[str, typer.Option(metavar="STACK", help="The stack, as in Pulumi.STACK.yaml.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show who would get what; send and record nothing.")
    ] = False,
    metrics: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            dir_okay=False,
            help=(
                "Write acmidm_connections per step, acmidm_next_key_end_days and"
                " acmidm_remind_last_run_timestamp_seconds, for Prometheus' textfile collector; a file per stack."
            ),
            show_default=False,
        ),
    ] = None,
) -> None:
    """Mail organisations what ends and what waits: 60, 30 and 7 days before a key ends, and once a week for a step that
    waits for them.

    The contacts of a form get one mail per environment, in their organisation's language, with a calendar file where a
    key ends. Client secrets and keys at an address are left out.

    A ledger has what was sent: reminded/STACK.json in the folder of the state, else .local/STACK/reminded.json. Where
    it is lost, each reminder is repeated once at most; where it is damaged, restore a copy, or delete it.
    """
    require_own_name(stack)
    now = datetime.now(UTC)
    settings = settings_of(stack)
    languages = {
        organisation.code: organisation.language for organisation in load_organisations(settings.forms_folder).values()
    }
    # Who is on production already is not asked to go there.
    every = with_a_portal(Path())
    rows = standings([stack], now, beside=[name for name in every if name != stack] if stack in every else [])
    if any("state" in row.unknown for row in rows):  # and a warning said why
        fail(
            f"nobody is reminded, for the state of stack {stack} is not known; see that it can be read",
            Code.UNREACHABLE,
        )
    if metrics is not None:
        write_metrics(metrics, stack, settings.environment, rows, now)
    code = Code.WELL
    if unseen := [row.connection.title for row in rows if _is_unseen(row.connection)]:
        typer.echo(
            f"the keys of {first_of(unseen)} are in the portal, which cannot be read: nobody is reminded of them",
            err=True,
        )
        code = Code.UNREACHABLE
    if dry_run:
        found = reminders(due(rows, Ledger(ledger_file(stack)).sent, now))
        typer.echo(_headline(stack, len(found)))
        for one in found:
            typer.echo(_shown(one))
        raise typer.Exit(code)
    if settings.smtp_url is None:
        fail(f"stack {stack} has no mail server; set acmidm:smtpUrl, or add --dry-run to see who would get what")
    require_trusted_hosts(settings)
    with opened(ledger_file(stack)) as ledger:
        found = reminders(due(rows, ledger.sent, now))
        typer.echo(_headline(stack, len(found)))
        for done in deliver(found, languages, ledger, settings, now):
            typer.echo(_shown(done.reminder))
            for problem in done.problems:
                typer.echo(
                    f"{_name(done.reminder)}: {problem}{'' if done.is_sent else '; the next run tries it again'}",
                    err=True,
                )
                code = Code.FOUND
    raise typer.Exit(code)


def _is_unseen(connection: ListedConnection) -> bool:
    return connection.keys is None and connection.keys_in_portal and connection.client_id is not None


def _headline(stack: str, count: int) -> str:
    return (
        f"{counted(count, 'mail')} for {stack}"
        if count
        else f"nothing ends or waits on {stack} that nobody was reminded of"
    )


def _name(one: Reminder) -> str:
    return f"{plain(one.organisation)} ({', '.join(map(plain, one.contacts)) or 'no contacts'})"


def _shown(one: Reminder) -> str:
    return "\n".join((_name(one), *(f"  {_what(each)}" for each in one.about)))


def _what(one: Due) -> str:
    name = plain(one.connection.name)
    if isinstance(one, KeyEnds):
        return f"{name}: key {plain(one.key.kid)} ends {day(one.expires)}, within {counted(one.threshold, 'day')}"
    since = f" since {day(one.standing.since)}" if one.standing.since else ""
    return f"{name}: step {one.standing.step:d} waits for the organisation{since}"
