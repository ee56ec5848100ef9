"""Show the connections of all stacks, as the last `pulumi up` left them. Keys that end within 30
days stand out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Annotated

import typer

from acmidm.desk.filters import Expiring, Filters, Scope, Words
from acmidm.desk.status import ListedConnection, Status, in_order, listed, without
from acmidm.engine.pulumi import UnknownStack
from acmidm.engine.stacks import stack_of, uploaded_keys
from acmidm.render.output import write_report
from acmidm.terminal import Code, TableOutput, day_in, fail, working
from acmidm_onboarding.stack_files import stack_names
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.problems import Failure, on_one_line
from acmidm_onboarding.values.terms import Environment

EPILOG = """
**Examples**

- `acmidm status gent`
- `acmidm status Stad Gent loket --stack tni`
- `acmidm status --scope dv_dosis_schrijven --ends-before 2027-03-31`
- `acmidm status --stack tni --without prod`
- `acmidm status --output csv > connections.csv`
- `acmidm status --output html > connections.html`

**Exit codes**: 0 shown, or nothing found; 2 wrong use; 3 a stack cannot be read, which is said:
those that can be are shown, except with --without.
"""


def status(
    words: Words = None,
    stack: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STACK",
            help="The stack, as in Pulumi.STACK.yaml; may be repeated.",
            show_default="all that the engine knows",
        ),
    ] = None,
    scope: Scope = None,
    expiring: Expiring = None,
    ends_before: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="Show only clients with a key that ends before this day, in UTC.",
            show_default=False,
        ),
    ] = None,
    without_: Annotated[
        Environment | None,
        typer.Option(
            "--without",
            help="Show only connections that have no client in this environment, on any stack.",
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
    """Show the connections of all stacks, as the last `pulumi up` left them. Keys that end within
    30 days stand out.

    Keys that organisations upload in the portal are read there; "unknown" where it cannot be
    reached. With --expiring or --ends-before, connections of the forms that no run has made yet
    count too.
    """
    now = datetime.now(UTC)
    last = (
        datetime.combine(day_in("--ends-before", ends_before), time(), UTC)
        if ends_before is not None
        else None
    )
    filters = Filters(" ".join(words or ()), scope, expiring, last, without_)
    everywhere = stack_names(Path())
    wanted = stack or everywhere
    read, failures = dict[str, list[ListedConnection]](), list[Failure]()
    for name in dict.fromkeys((*wanted, *(everywhere if without_ else ()))):
        try:
            read[name] = list(
                _connections(name, now, with_unmade=expiring is not None or last is not None)
            )
        except Failure as failure:
            if name in (stack or ()) or not isinstance(failure, UnknownStack):
                failures.append(failure)
    if failures and (
        without_ or not read
    ):  # who lacks an environment is known where all of it is read
        raise failures[0]
    if not read:
        fail(say("status.no_stack"))
    for sentence in map(str, failures):
        typer.echo(on_one_line(f"warning: {sentence}"), err=True)
    stacks = [name for name in wanted if name in read]
    connections = [client for clients in read.values() for client in clients]
    shown = without(without_, connections) if without_ else connections
    matches = filters.matcher(stacks[0])
    kept = in_order(client for client in shown if client.stack in stacks and matches(client))
    if output is TableOutput.TEXT and not kept:
        typer.echo(_nothing(stacks, filters, has_connections=bool(connections)))
    else:
        write_report(
            Status(checked_at=now, stacks=tuple(stacks), search=filters.search, connections=kept),
            output,
        )
    if failures:
        raise typer.Exit(Code.UNREACHABLE)


def _connections(name: str, now: datetime, *, with_unmade: bool) -> Iterator[ListedConnection]:
    """Yield the clients of a stack, and those that it does not have yet where somebody wants them.
    Raises Failure."""
    stack = stack_of(name)
    with working(say("status.reading", stack=name)):
        states = stack.recorded.clients
    uploaded = uploaded_keys(
        stack, (state for state in states.values() if state.keys is None and not state.jwks_uri)
    )
    for client_key, state in states.items():
        yield listed(name, replace(state, uploaded=uploaded.get(client_key)), now)
    yield from (listed(name, form, now) for form in (stack.unmade if with_unmade else ()))


def _nothing(stacks: list[str], filters: Filters, *, has_connections: bool) -> str:
    if not has_connections:
        name = "status.no_connections.one" if len(stacks) == 1 else "status.no_connections.many"
        return say(name, stacks=f" {say('status.and')} ".join(stacks), first=stacks[0])
    return say(
        "status.no_such", stacks=f" {say('status.and')} ".join(stacks), filters=filters.in_words
    )
