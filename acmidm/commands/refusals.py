"""Show the token requests that were refused, newest first: why, what was sent, and what to do."""

from __future__ import annotations

from datetime import UTC, datetime

from acmidm.desk.filters import Since, Words, clients_meant, moment_since
from acmidm.desk.refusals import Refusals, RefusedRequest, read_refusals
from acmidm.engine.stacks import stack_of
from acmidm.render.output import write_report
from acmidm.terminal import StacksOption, TextOutput, TextOutputOption, working
from acmidm_onboarding.texts import say

EPILOG = """
**Examples**

- `acmidm refusals gent --stack tni --language nl`
- `acmidm refusals 8abae908-3b66-41e8-bf7d-262d136515b4 --since 2h`
- `acmidm refusals --since 7d --output json`

**Exit codes**: 0 shown, or nothing found; 2 wrong use; 3 the engine cannot be reached.
"""


def refusals(
    words: Words = None,
    stack: StacksOption = None,
    since: Since = "1d",
    output: TextOutputOption = TextOutput.TEXT,
) -> None:
    """Show the token requests that were refused, newest first: why, what was sent, and what to do.

    It is what the authority keeps: the newest of each client, without assertion and secret. An
    authority that keeps none, or does not show them to this operator, is named. A request that
    nothing proves to be its client's is marked. Of a client that is in no state, give the
    client-ID.
    """
    stacks, search, start = (
        stack or ["tni"],
        " ".join(words or ()),
        moment_since(since, datetime.now(UTC)),
    )
    entries: list[RefusedRequest] = []
    notes: list[str] = []
    for name in stacks:
        opened = stack_of(name)
        clients = clients_meant(opened, search)
        with working(say("refusals.reading", stack=name)):
            more_entries, more_notes = read_refusals(opened, clients, search, start)
        entries += more_entries
        notes += more_notes
    entries.sort(key=lambda entry: entry.at, reverse=True)
    write_report(
        Refusals(
            stacks=tuple(stacks),
            since=start,
            search=search,
            entries=tuple(entries),
            notes=tuple(notes),
        ),
        output,
    )
