"""``acmidm status``: the service desk's question: which organisation has which client, with which scopes, keys and products."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from acmidm.terminal import Output, OutputOption, working, write_report
from acmidm.words import counted

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
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORDS]...",
            help="Show only connections with a word that begins with each of these: a name, a code, a contact, a client-ID, a thumbprint.",
            show_default=False,
        ),
    ] = None,
    stack: Annotated[
        list[str] | None, typer.Option(metavar="STACK", help="The stack, as in Pulumi.STACK.yaml; may be repeated.", show_default="tni")
    ] = None,
    scope: Annotated[
        str | None,
        typer.Option(metavar="SCOPE", help="Show only clients with this scope, by its name on any platform.", show_default=False),
    ] = None,
    expiring: Annotated[
        int | None, typer.Option(metavar="DAYS", help="Show only clients with a key that ends within this many days.", show_default=False)
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show the connections of one or more stacks, as the last `pulumi up` left them. Keys that end within 30 days stand out.

    Keys that organisations upload in the portal are read there; "unknown" where it cannot be reached.
    """
    from datetime import UTC, datetime

    from acmidm import engine
    from acmidm.connecting import uploaded_keys
    from acmidm.report.plan import recorded_in
    from acmidm.report.status import Status, listed, matching

    stacks, search, now = stack or ["tni"], " ".join(words or ()), datetime.now(UTC)
    connections = []
    for name in stacks:
        with working(f"reading {name}"):
            states = recorded_in(engine.stack_deployment(name)).states
        uploaded = uploaded_keys(name, (state for state in states.values() if state.keys is None and not state.jwks_uri))
        connections += [listed(name, replace(state, uploaded=uploaded.get(place)), now) for place, state in states.items()]
    kept = matching(connections, search=search, scopes=_names_of(scope, stacks[0]) if scope else (), days=expiring)
    if output is Output.TEXT and not kept:
        typer.echo(_nothing(stacks, bool(connections), search, scope, expiring))
        return
    write_report(Status(checked_at=now, stacks=tuple(stacks), search=search, connections=kept), output)


def _names_of(scope: str, stack: str) -> set[str]:
    """What each platform calls a scope, which may be named as any of them does; its name alone where the catalogue cannot be read."""
    from pathlib import Path

    from acmidm_onboarding.model.loading import load_catalogue
    from acmidm_onboarding.model.problems import InvalidForms
    from acmidm_onboarding.settings import InvalidSettings
    from acmidm_onboarding.stack_files import stack_settings

    try:
        known = load_catalogue(stack_settings(stack, Path()).catalogue_folder).scopes
    except (InvalidForms, InvalidSettings):
        return {scope}
    names = ({name, *found.names_of(name).values()} for name, found in known.items())
    return {scope}.union(*(each for each in names if scope in each))


def _nothing(stacks: list[str], has_connections: bool, search: str, scope: str | None, expiring: int | None) -> str:
    if not has_connections:
        none = f"stack {stacks[0]} has" if len(stacks) == 1 else f"stacks {' and '.join(stacks)} have"
        return f"{none} no connections; acmidm deploy --stack {stacks[0]} brings up what the forms have, and says what is held back"
    wanted = [f'has "{search}"'] if search else []
    wanted += [f'has scope "{scope}"'] if scope else []
    wanted += [f"has a key that ends within {counted(expiring, 'day')}"] if expiring is not None else []
    return f"no connection on {' and '.join(stacks)} {' and '.join(wanted)}"
