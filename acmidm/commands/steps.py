"""Show where each connection stands: its step of the guide, since when, whom it waits for and what
they must do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from acmidm.desk.facts import read_progress
from acmidm.desk.filters import Expiring, Filters, PortalStacks, Scope, Words
from acmidm.desk.progress import WaitsFor
from acmidm.desk.steps import steps_of
from acmidm.engine.stacks import with_a_portal
from acmidm.render.output import write_report
from acmidm.terminal import ListOutput, ListOutputOption, fail
from acmidm_onboarding.texts import Language, say
from acmidm_onboarding.values.problems import did_you_mean, listed, quoted

EPILOG = """
**Examples**

- `acmidm steps`
- `acmidm steps gent --waiting-for organisation`
- `acmidm steps --stack tni --stack prod --language en`
- `acmidm steps --output html > board.html`

**Exit codes**: 0 shown, or nothing found; 2 wrong use. What cannot be reached is shown as unknown.
"""


def steps(
    words: Words = None,
    stack: PortalStacks = None,
    waiting_for: Annotated[
        str | None,
        typer.Option(
            metavar="WHOM",
            help="Show only what waits for organisation, us, authority or api-owner.",
            show_default=False,
        ),
    ] = None,
    scope: Scope = None,
    expiring: Expiring = None,
    language: Annotated[
        Language, typer.Option(envvar="ACMIDM_LANGUAGE", help="In which language.")
    ] = Language.NL,
    output: ListOutputOption = ListOutput.TEXT,
) -> None:
    """Show where each connection stands: its step of the guide, since when, whom it waits for and
    what they must do.

    Derived from forms, state, authorities and evidence. A fact that none of them gives is shown as
    unknown, never as done.
    """
    if waiting_for is not None and waiting_for not in list(WaitsFor):
        fail(
            f"--waiting-for: {quoted(waiting_for)} is not known;"
            f" {did_you_mean(waiting_for, WaitsFor, f'use {listed(WaitsFor)}')}"
        )
    stacks, search, now = stack or with_a_portal(Path()), " ".join(words or ()), datetime.now(UTC)
    if not stacks:
        fail(say("status.no_stack"))
    is_shown = Filters(search, scope, expiring).matcher(stacks[0])
    rows = [
        row
        for row in read_progress(stacks, now)
        if is_shown(row.connection) and (waiting_for is None or row.waits_for == waiting_for)
    ]
    write_report(steps_of(rows, language, checked_at=now, stacks=stacks, search=search), output)
