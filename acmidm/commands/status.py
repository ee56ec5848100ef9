"""Show the connections of all stacks, as a list of what each has, or as a board of where each
stands. Keys, scopes and mandates that end within 30 days stand out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from acmidm import completion
from acmidm.desk.access import api_named, with_last_token
from acmidm.desk.facts import read_progress
from acmidm.desk.filters import (
    ApiName,
    Expiring,
    Filters,
    WaitingFor,
    Without,
    Words,
)
from acmidm.desk.progress import to_do
from acmidm.desk.status import (
    ListedConnection,
    UnusedMandate,
    row_of,
    rows_in_order,
    unused_mandates,
)
from acmidm.desk.views import Status, View
from acmidm.engine.pulumi import UnknownStack
from acmidm.engine.stacks import stack_of, uploaded_keys, with_a_portal
from acmidm.render.output import write_report
from acmidm.terminal import Code, TableOutput, each_once, fail, speaking, warn, working
from acmidm.words import plain
from acmidm_onboarding.forms.files import MANDATES_FILE
from acmidm_onboarding.project import require_project
from acmidm_onboarding.settings import InvalidSettings
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.stack.forms import StackForms
from acmidm_onboarding.stack_files import stack_names
from acmidm_onboarding.texts import Language, spoken, tr
from acmidm_onboarding.values.problems import Failure

EPILOG = """
**Examples**

- `acmidm status gent`
- `acmidm status Stad Gent loket --stack tni`
- `acmidm status --api dosis --output csv > access.csv`
- `acmidm status --api dv_dosis_schrijven --expiring 90`
- `acmidm status --stack tni --without prod`
- `acmidm status --output csv > connections.csv`
- `acmidm status --board gent --waiting-for organisation`
- `acmidm status --board --output html > board.html`

**Exit codes**: 0 shown, or nothing found; 2 wrong use, or no such API; 3 a stack cannot be read,
which is said: those that can be are shown, except with --without. What the board cannot reach is
shown as unknown.
"""


def status(
    words: Words = None,
    stack: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STACK",
            help="The stack, as in Pulumi.STACK.yaml; may be repeated.",
            show_default=(
                "all that the engine knows; with --board or --waiting-for, all whose clients are"
                " at a Beheerportaal"
            ),
            callback=each_once,
            autocompletion=completion.stacks,
        ),
    ] = None,
    board: Annotated[
        bool,
        typer.Option(
            "--board", help="Show at which step of the guide each is, and what must be done."
        ),
    ] = False,
    api: ApiName = None,
    expiring: Expiring = None,
    without: Without = None,
    waiting_for: WaitingFor = None,
    language: Annotated[
        Language | None,
        typer.Option(
            envvar="ACMIDM_LANGUAGE",
            help="In which language.",
            show_default="en; of the board, nl",
        ),
    ] = None,
    output: Annotated[
        TableOutput,
        typer.Option(
            "--output",
            "-o",
            help="text for people, json for programs, html for a page, csv for a spreadsheet.",
        ),
    ] = TableOutput.TEXT,
) -> None:
    """Show the connections of all stacks, as a list of what each has, or as a board of where each
    stands. Keys, scopes and mandates that end within 30 days stand out.

    The list is what the last `pulumi up` left, and mandates that no form uses. Keys that
    organisations upload in the portal are read there; "unknown" where it cannot be reached. With
    --expiring, connections of the forms that no run has made yet count too. With --api it is the
    list of that API's owner.

    The board has the step of the guide, since when, whom it waits for and what they must do. It is
    derived from forms, state, authorities and evidence. A fact that none of them gives is shown as
    unknown, never as done.
    """
    now = datetime.now(UTC)
    failures: list[Failure] = []
    if board or waiting_for:
        stacks = stack or _stacks_of_board()
        opened = [stack_of(name, now=now, by_policies=True) for name in stacks]
        connections = list(read_progress(opened))
    else:
        # What ends of a connection that no run has made yet ends too.
        with_unmade = expiring is not None
        opened, connections, failures = _read_list(stack, with_unmade=with_unmade, now=now)
        stacks = [readable.name for readable in opened]
    for failure in failures:
        warn(failure)
    wanted_api = api_named(api, stacks[0]) if api else None
    # A scope that the catalogue has no more, and some client still has, is no mistake.
    if wanted_api and wanted_api.remedy and not any(map(wanted_api.is_accessible_to, connections)):
        fail(
            tr(
                "--api {name} is neither a product nor a scope of the catalogue; {remedy}",
                name=plain(wanted_api.name),
                remedy=wanted_api.remedy,
            )
        )
    filters = Filters(" ".join(words or ()), wanted_api, expiring, without, waiting_for)
    shown = list(filter(filters.matcher(stacks), connections))
    mandates: tuple[UnusedMandate, ...] = ()
    if not board:
        mandates = tuple(filter(filters.shows_mandate, _unused_mandates(opened, now)))
    if output is TableOutput.TEXT and not board and not shown and not mandates:
        typer.echo(_why_empty(stacks, filters, has_connections=bool(connections)))
    else:
        view = View.API if api else View.LIST
        report_language = language or spoken()
        if board:
            view, report_language = View.BOARD, language or Language.NL
        with speaking(report_language):
            report = _report(view, stacks, opened, shown, mandates, filters, now)
            write_report(report, output)
    if failures:
        raise typer.Exit(Code.UNREACHABLE)


def _report(
    view: View,
    stacks: Sequence[str],
    opened: Iterable[Stack],
    connections: Sequence[ListedConnection],
    mandates: tuple[UnusedMandate, ...],
    filters: Filters,
    now: datetime,
) -> Status:
    """Return the connections in a view: on the board each with what must be done, in the list of an
    API's owner each with when it got its last token."""
    rows = list(rows_in_order(connections))
    api = filters.api.name if filters.api else ""
    if view is View.BOARD:
        rows = [row.model_copy(update={"to_do": to_do(row, spoken())}) for row in rows]
    elif filters.api:
        of_api = map(filters.api.row_per_scope, with_last_token(rows, opened))
        rows = list(chain.from_iterable(of_api))
    return Status(
        view=view,
        checked_at=now,
        stacks=tuple(stacks),
        search=filters.search,
        api=api,
        connections=tuple(rows),
        unused_mandates=mandates,
    )


def _stacks_of_board() -> list[str]:
    """Return the stacks whose clients are at a Beheerportaal. Ends the command where there is
    none."""
    return with_a_portal(Path()) or fail(
        tr(
            "there is no stack here whose clients are at a Beheerportaal; run this in the"
            " project's folder, or name one with --stack"
        )
    )


def _read_list(
    named: Sequence[str] | None, *, with_unmade: bool, now: datetime
) -> tuple[list[Stack], list[ListedConnection], list[Failure]]:
    """Return the stacks that can be read, of those that are ``named`` or else of all, their rows,
    and why the rest cannot be read. Raises Failure where none can be.

    A stack that has a file and was never made is left out, unless it is named.
    """
    opened: list[Stack] = []
    connections: list[ListedConnection] = []
    failures: list[Failure] = []
    for name in named or stack_names(Path()):
        try:
            stack = stack_of(name)
            rows = list(_rows(stack, now, with_unmade=with_unmade))
        except Failure as failure:
            if named or not isinstance(failure, UnknownStack):
                failures.append(failure)
            continue
        opened.append(stack)
        connections += rows
    if failures and not opened:
        raise failures[0]
    if not opened:
        require_project()
        fail(
            tr(
                "no run has made a stack of this project yet; run pulumi stack select --create"
                " STACK, then acmidm deploy --stack STACK, or pulumi login ADDRESS where their"
                " state is elsewhere"
            )
        )
    return opened, connections, failures


def _rows(stack: Stack, now: datetime, *, with_unmade: bool) -> Iterator[ListedConnection]:
    """Yield a row for each client in the state of a stack, with the keys in the portal; then, with
    ``with_unmade``, one for each connection of the forms that no run has made yet. Raises
    Failure."""
    with working(tr("reading {stack}", stack=stack.name)):
        clients = stack.state.recorded.clients
    with_keys_in_portal = (
        client
        for client in clients.values()
        if client.keys.declared is None and not client.jwks_uri
    )
    uploaded = uploaded_keys(stack.authorities, with_keys_in_portal)
    for client_key, client in clients.items():
        yield row_of(stack.name, client.with_uploaded(uploaded.get(client_key)), now)
    if with_unmade:
        for form in stack.unmade:
            yield row_of(stack.name, form, now)


def _unused_mandates(stacks: Iterable[Stack], now: datetime) -> Iterator[UnusedMandate]:
    """Yield the mandates that no form uses, of each folder of forms that the stacks name. The forms
    of a folder without any ``mandates.yaml`` are not read."""
    folders = dict[Path, StackForms]()
    for stack in stacks:
        with suppress(InvalidSettings):
            folders[stack.forms.settings.forms_folder] = stack.forms
    for folder, forms in folders.items():
        if any(folder.glob(f"*/{MANDATES_FILE}")):
            yield from unused_mandates(forms.onboardings, now)


def _why_empty(stacks: list[str], filters: Filters, *, has_connections: bool) -> str:
    """Return why a list has no row: no connection of the stacks passes the filters, or there is
    none at all."""
    names = f" {tr('and')} ".join(stacks)
    if has_connections:
        return tr("no connection on {stacks} {filters}", stacks=names, filters=filters.in_words)
    if len(stacks) == 1:
        return tr(
            "stack {stacks} has no connections; acmidm deploy --stack {first} brings up what the"
            " forms have, and says what is held back",
            stacks=names,
            first=stacks[0],
        )
    return tr(
        "stacks {stacks} have no connections; acmidm deploy --stack {first} brings up what the"
        " forms have, and says what is held back",
        stacks=names,
        first=stacks[0],
    )
