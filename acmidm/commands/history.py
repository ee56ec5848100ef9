"""Show who changed which client, newest first: by hand, by a pipeline, by a repair, by its
organisation in the portal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Annotated

import typer

from acmidm import completion
from acmidm.desk.filters import Filters
from acmidm.desk.history import History, HistoryEntry, entry_of, newest_first
from acmidm.desk.status import row_of
from acmidm.engine.stacks import stack_of
from acmidm.render.output import write_report
from acmidm.terminal import Code, StacksOption, TextOutput, TextOutputOption, fail, working
from acmidm.words import plain
from acmidm_onboarding.authorities.port import Audited
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.problems import both

EPILOG = """
**Examples**

- `acmidm history gent mijn-gent --stack prod`
- `acmidm history --stack tni --since 2026-11-17`

**Exit codes**: 0 shown, or nothing was changed since; 2 wrong use, or words that nobody knows; 3 an
authority or the engine cannot be reached.
"""
_DAYS = 30


def history(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORDS]...",
            help=(
                "Show only connections with a word that begins with each of these, as in acmidm"
                " status."
            ),
            show_default=False,
            autocompletion=completion.client_keys,
        ),
    ] = None,
    stack: StacksOption = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="DATE",
            help="From this day on, in UTC.",
            show_default=f"{_DAYS} days ago",
        ),
    ] = None,
    output: TextOutputOption = TextOutput.TEXT,
) -> None:
    """Show who changed which client, newest first: by hand, by a pipeline, by a repair, by its
    organisation in the portal.

    It is the authority's own audit trail. An authority that has none, or does not show it to this
    operator, is named. Of a client that is in no state any more, give the client-ID.
    """
    stacks, search = stack or ["tni"], " ".join(words or ())
    start = since.replace(tzinfo=UTC) if since else datetime.now(UTC) - timedelta(days=_DAYS)
    if start > datetime.now(UTC):
        fail(tr("--since {day} has not come yet; give a day that has", day=f"{start:%Y-%m-%d}"))
    entries: list[HistoryEntry] = []
    notes: list[str] = []
    count = 0
    opened = list(map(stack_of, stacks))
    for found in opened:
        clients = _recorded(found, search) or _removed(found, search)
        count += len(clients)
        with working(tr("reading the audit trail of {stack}", stack=found.name)):
            more_entries, more_notes = _of_stack(found, clients, start)
        entries += more_entries
        notes += more_notes
    if search and not count and not any(_is_in_forms(found, search) for found in opened):
        fail(
            tr(
                'nobody knows "{search}": it is in no form and no state of {stacks}, and in no'
                " audit trail that this operator is shown (on Keycloak: view-events); give words of"
                " a connection, such as its key or application, or a client-ID",
                search=plain(search),
                stacks=both(stacks),
            )
        )
    report = History(
        stacks=tuple(stacks),
        since=start,
        search=search,
        clients=count,
        entries=newest_first(entries),
        notes=tuple(notes),
    )
    write_report(report, output)
    raise typer.Exit(Code.WELL)


def _recorded(stack: Stack, search: str) -> list[Client]:
    """Return the clients of a state that match."""
    with working(tr("reading {stack}", stack=stack.name)):
        states = stack.state.recorded.clients.values()
    return _matching(stack, states, search)


def _is_in_forms(stack: Stack, search: str) -> bool:
    """Return whether a form matches, whatever the state has of it."""
    return bool(_matching(stack, stack.forms.connections, search))


def _matching(stack: Stack, clients: Iterable[Client], search: str) -> list[Client]:
    is_meant = Filters(search).matcher(())
    return [client for client in clients if is_meant(row_of(stack.name, client, stack.now))]


def _removed(stack: Stack, client_id: str) -> list[Client]:
    """Return a client that is in no state any more, on each platform whose trail knows it."""
    if not client_id or " " in client_id or not client_id.isprintable():
        return []
    removed = []
    for platform, connected in stack.authorities.platforms_briefly.items():
        authority = connected.authority
        if isinstance(authority, Audited) and any(authority.recorded_changes(client_id)):
            environment = stack.forms.settings.environment
            client = Client(f"client {client_id}", platform, environment, client_id=client_id)
            removed.append(client)
    return removed


def _of_stack(
    stack: Stack, clients: list[Client], since: datetime
) -> tuple[list[HistoryEntry], list[str]]:
    """Return the entries since a moment, and a note for each authority that gives none."""
    entries: list[HistoryEntry] = []
    platforms = stack.authorities.platforms_briefly
    silent = set(platforms)
    for client in clients:
        authority = platforms[client.platform].authority if client.platform in platforms else None
        if not isinstance(authority, Audited) or not client.client_id:
            continue
        for recorded in takewhile(
            lambda change: change.at >= since, authority.recorded_changes(client.client_id)
        ):
            silent.discard(client.platform)
            if entry := entry_of(stack.name, client, recorded):
                entries.append(entry)
    notes = []
    for platform in sorted(silent & {client.platform for client in clients}):
        note = tr(
            "{platform} on {stack} recorded nothing since then, or shows this operator no audit"
            " trail (on Keycloak: view-events)",
            platform=platform,
            stack=stack.name,
        )
        notes.append(note)
    return entries, notes
