"""Say why a connection does not work: one answer for the service desk, the likely cause first, and
what to tell the caller."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from acmidm.commands.drift import look
from acmidm.desk.facts import read_progress
from acmidm.desk.filters import Filters, PortalStacks, Since, clients_meant, moment_since
from acmidm.desk.refusals import read_refusals
from acmidm.desk.why import Answer, Why, answer, granted_scopes
from acmidm.engine.stacks import stack_of, with_a_portal
from acmidm.render.output import write_report
from acmidm.terminal import TextOutput, TextOutputOption, fail, working
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.client import ClientKey
from acmidm_onboarding.values.problems import Failure

EPILOG = """
**Examples**

- `acmidm why gent mijn-gent --language nl`
- `acmidm why 8abae908-3b66-41e8-bf7d-262d136515b4 --stack prod`

**Exit codes**: 0 shown, or nothing found; 2 wrong use. What cannot be reached is shown as unknown.
"""
_MOST = 10


def why(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="WORDS...",
            help=(
                "A word that begins with each of these: a name, a code, a contact, a client-ID, a"
                " thumbprint."
            ),
        ),
    ],
    stack: PortalStacks = None,
    since: Since = "1w",
    output: TextOutputOption = TextOutput.TEXT,
) -> None:
    """Say why a connection does not work: one answer for the service desk, the likely cause first,
    and what to tell the caller.

    It has the last token, the refused requests, the keys and their ends, the step of the guide,
    what was changed by hand, and why the client has each scope.
    """
    stacks, search, now = stack or with_a_portal(Path()), " ".join(words), datetime.now(UTC)
    if not stacks:
        fail(say("why.no_stack"))
    start, is_meant = moment_since(since, now), Filters(search).matcher(stacks)
    rows = [row for row in read_progress(stacks, now) if is_meant(row.connection)]
    if len(rows) > _MOST:
        fail(say("why.too_many", count=len(rows), most=_MOST))
    answers: list[Answer] = []
    notes: list[str] = []
    for name in dict.fromkeys(row.connection.stack for row in rows):
        opened = stack_of(name)
        with working(say("refusals.reading", stack=name)):
            refused, more = read_refusals(opened, clients_meant(opened, search), search, start)
        changed, unknown = _changed_by_hand(name)
        notes += [*more, *unknown]
        for row in (row for row in rows if row.connection.stack == name):
            client = row.connection
            own = [
                entry
                for entry in refused
                if entry.client_id and entry.client_id == client.client_id
            ]
            by_hand = changed.get((client.key, client.platform, client.environment), [])
            answers.append(answer(row, own, by_hand, granted_scopes(row, opened)))
    write_report(
        Why(
            checked_at=now,
            stacks=tuple(stacks),
            search=search,
            answers=tuple(answers),
            notes=tuple(notes),
        ),
        output,
    )


def _changed_by_hand(stack: str) -> tuple[Mapping[ClientKey, list[str]], list[str]]:
    """Return what was changed by hand, per client; and why nobody can tell."""
    try:
        changes = [client.by_hand for client in look(stack).clients if client.by_hand]
    except Failure as failure:
        return {}, [say("why.no_drift", stack=stack, reason=failure)]
    return {
        (one.key, one.platform, one.environment): [change.text for change in one.changes]
        for one in changes
    }, []
