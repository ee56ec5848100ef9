"""Show the connections of one or more stacks, as the last `pulumi up` left them. Keys that end within 30 days stand
out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import typer

from acmidm.desk.filters import Expiring, Scope, Words, filter_of, in_words
from acmidm.desk.status import Status, in_order, listed
from acmidm.engine.stacks import stack_of, uploaded_keys
from acmidm.render.output import write_report
from acmidm.terminal import ListOutput, ListOutputOption, StacksOption, working
from acmidm_onboarding.texts import say

EPILOG = """
**Examples**

- `acmidm status gent --stack tni --stack prod`
- `acmidm status Stad Gent loket`
- `acmidm status --stack prod --scope dv_dosis_schrijven`
- `acmidm status --stack prod --expiring 60`
- `acmidm status --stack tni --stack prod --output html > connections.html`

**Exit codes**: 0 shown, or nothing found; 2 wrong use; 3 the engine cannot be reached.
"""


def status(
    words: Words = None,
    stack: StacksOption = None,
    scope: Scope = None,
    expiring: Expiring = None,
    output: ListOutputOption = ListOutput.TEXT,
) -> None:
    """Show the connections of one or more stacks, as the last `pulumi up` left them. Keys that end within 30 days stand
    out.

    Keys that organisations upload in the portal are read there; "unknown" where it cannot be reached. With --expiring,
    connections of the forms that no run has made yet count too.
    """
    stacks, search, now = stack or ["tni"], " ".join(words or ()), datetime.now(UTC)
    connections = []
    for name in stacks:
        opened = stack_of(name)
        with working(say("status.reading", stack=name)):
            states = opened.recorded.clients
        uploaded = uploaded_keys(
            opened, (state for state in states.values() if state.keys is None and not state.jwks_uri)
        )
        connections += [
            listed(name, replace(state, uploaded=uploaded.get(client_key)), now) for client_key, state in states.items()
        ]
        connections += [listed(name, form, now) for form in opened.unmade] if expiring is not None else []
    kept = in_order(filter(filter_of(search, scope, expiring, stacks[0]), connections))
    if output is ListOutput.TEXT and not kept:
        typer.echo(_nothing(stacks, bool(connections), search, scope, expiring))
        return
    write_report(Status(checked_at=now, stacks=tuple(stacks), search=search, connections=kept), output)


def _nothing(stacks: list[str], has_connections: bool, search: str, scope: str | None, expiring: int | None) -> str:
    if not has_connections:
        name = "status.no_connections.one" if len(stacks) == 1 else "status.no_connections.many"
        return say(name, stacks=f" {say('status.and')} ".join(stacks), first=stacks[0])
    return say(
        "status.no_such", stacks=f" {say('status.and')} ".join(stacks), filters=in_words(search, scope, expiring)
    )
