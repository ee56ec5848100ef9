"""Show who changed which client, newest first: by hand, by a pipeline, by a repair, by its
organisation in the portal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import chain, takewhile
from typing import Annotated

import typer

from acmidm import completion
from acmidm.desk.history import History, HistoryEntry, entry_of, newest_first
from acmidm.desk.status import row_of
from acmidm.engine.stacks import stack_of
from acmidm.render.output import write_report
from acmidm.terminal import Code, StacksOption, TextOutput, TextOutputOption, fail, working
from acmidm.words import plain
from acmidm_onboarding.authorities.port import Audited
from acmidm_onboarding.forms.documents import Unreadable, read_text
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.problems import both
from acmidm_onboarding.values.searching import word_matcher
from acmidm_onboarding.values.terms import Environment, Platform

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
    opened_stacks = list(map(stack_of, stacks))
    for opened in opened_stacks:
        clients = _recorded(opened, search) or _removed(opened, search)
        count += len(clients)
        with working(tr("reading the audit trail of {stack}", stack=opened.name)):
            entries_of_stack, silent = _entries_since(start, opened, clients)
        entries += entries_of_stack
        notes += [_note_of_silence(platform, opened.name) for platform in sorted(silent)]
    if search and not count and not any(_is_in_forms(opened, search) for opened in opened_stacks):
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
    """Return the clients in the stack's state that have the words of ``search``; all without
    words."""
    with working(tr("reading {stack}", stack=stack.name)):
        clients = stack.state.recorded.clients.values()
    return _with_words(search, stack, clients)


def _is_in_forms(stack: Stack, search: str) -> bool:
    """Return whether a form has the words of ``search``, for whatever environment: its connection
    may have left, and the form may have mistakes."""
    forms = stack.forms.onboardings
    connections = chain.from_iterable(map(forms.connections, Environment))
    if _with_words(search, stack, connections):
        return True
    return any(map(word_matcher(search), _texts_of_mistaken(forms)))


def _texts_of_mistaken(forms: Onboardings) -> Iterator[str]:
    """Yield a text of each form with mistakes, in lower case: its path, its organisation and key
    where ``organisation.yaml`` has no mistake, and all that is written in it."""
    for file in forms.left_out:
        texts = [file.as_posix()]
        if organisation := forms.organisations.get(file.parent.name):
            texts += [organisation.name, f"{organisation.code}/{file.stem}"]
        with suppress(Unreadable):
            texts.append(read_text(file))
        yield " ".join(texts).casefold()


def _with_words(search: str, stack: Stack, clients: Iterable[Client]) -> list[Client]:
    """Return the clients that ``acmidm status`` would list for the words of ``search``."""
    has_words = word_matcher(search)
    return [client for client in clients if has_words(row_of(stack.name, client, stack.now).words)]


def _removed(stack: Stack, client_id: str) -> list[Client]:
    """Return the client of this ID, which is in no state any more, on each platform whose audit
    trail knows it; nothing where the words of a search cannot be a client-ID."""
    if not client_id or " " in client_id or not client_id.isprintable():
        return []
    removed = []
    environment = stack.forms.settings.environment
    for platform, connected in stack.authorities.platforms_briefly.items():
        authority = connected.authority
        if isinstance(authority, Audited) and any(authority.recorded_changes(client_id)):
            # Its connection is not known any more: the client-ID stands for the key.
            client = Client(f"client {client_id}", platform, environment, client_id=client_id)
            removed.append(client)
    return removed


def _entries_since(
    since: datetime, stack: Stack, clients: list[Client]
) -> tuple[list[HistoryEntry], set[Platform]]:
    """Return the changes of some clients of a stack since a moment, and the platforms of these
    clients whose authority recorded nothing, or shows no audit trail."""
    entries: list[HistoryEntry] = []
    platforms = stack.authorities.platforms_briefly
    clients = [client for client in clients if client.platform in platforms]
    silent = {client.platform for client in clients}
    for client in clients:
        authority = platforms[client.platform].authority
        if not isinstance(authority, Audited) or not client.client_id:
            continue
        for recorded in takewhile(
            lambda change: change.at >= since, authority.recorded_changes(client.client_id)
        ):
            silent.discard(client.platform)
            if entry := entry_of(stack.name, client, recorded):
                entries.append(entry)
    return entries, silent


def _note_of_silence(platform: Platform, stack: str) -> str:
    return tr(
        "{platform} on {stack} recorded nothing since then, or shows this operator no audit"
        " trail (on Keycloak: view-events)",
        platform=platform,
        stack=stack,
    )
