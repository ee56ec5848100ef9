"""``acmidm status``: the service desk's question: which organisation has which client, with which scopes, keys and products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from acmidm.terminal import Code, Output, OutputOption, as_json, counted, fail, working

if TYPE_CHECKING:
    from acmidm.report.listing import Status

EPILOG = """
**Examples**

- `acmidm status gent --stack tni --stack prod`
- `acmidm status --stack prod --scope dv_dosis_schrijven`
- `acmidm status --stack prod --expiring 60`
- `acmidm status --stack tni --stack prod --output html > connections.html`

**Exit codes**: 0 shown, or nothing found; 2 wrong use; 3 the engine cannot be reached.
"""


def status(
    search: Annotated[
        str,
        typer.Argument(
            metavar="[WORDS]",
            help="Show only connections that hold these words: a name, a code, a client-ID, a thumbprint.",
            show_default=False,
        ),
    ] = "",
    stack: Annotated[
        list[str] | None, typer.Option(metavar="STACK", help="The stack, as in Pulumi.STACK.yaml; may be repeated.", show_default="tni")
    ] = None,
    scope: Annotated[str | None, typer.Option(metavar="SCOPE", help="Show only clients with this scope.", show_default=False)] = None,
    expiring: Annotated[
        int | None, typer.Option(metavar="DAYS", help="Show only clients with a key that ends within this many days.", show_default=False)
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show the connections of one or more stacks, as the last `pulumi up` left them. Keys that end within 30 days stand out."""
    from datetime import UTC, datetime

    from acmidm import engine
    from acmidm.report.listing import Status, found, listed

    stacks, now = stack or ["tni"], datetime.now(UTC)
    connections = []
    try:
        for name in stacks:
            with working(f"reading {name}"):
                outputs = engine.stack_outputs(name)
            connections += listed(name, outputs, now) if outputs else []
    except engine.UnknownStack as error:
        fail(str(error))
    except engine.EngineError as error:
        fail(str(error), Code.UNREACHABLE)
    kept = found(connections, search=search, scope=scope, days=expiring)
    if output is Output.TEXT and not kept:
        typer.echo(_nothing(stacks, bool(connections), search, scope, expiring))
        return
    _write(Status(checked_at=now, stacks=tuple(stacks), search=search, connections=kept), output)


def _nothing(stacks: list[str], has_connections: bool, search: str, scope: str | None, expiring: int | None) -> str:
    if not has_connections:
        none = f"stack {stacks[0]} has" if len(stacks) == 1 else f"stacks {' and '.join(stacks)} have"
        return f"{none} no connections yet; bring it up first: pulumi up --stack {stacks[0]}"
    wanted = [f'holds "{search}"'] if search else []
    wanted += [f'has scope "{scope}"'] if scope else []
    wanted += [f"has a key that ends within {counted(expiring, 'day')}"] if expiring is not None else []
    return f"no connection on {' and '.join(stacks)} {' and '.join(wanted)}"


def _write(report: Status, output: Output) -> None:
    match output:
        case Output.JSON:
            typer.echo(as_json(report))
        case Output.MARKDOWN:
            from acmidm.report.status_text import status_as_markdown

            typer.echo(status_as_markdown(report), nl=False)
        case Output.HTML:
            from acmidm.report.html import status_as_html

            typer.echo(status_as_html(report), nl=False)
        case Output.TEXT:
            from acmidm.report.status_text import print_status

            print_status(report)
