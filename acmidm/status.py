"""``acmidm status``: which organisation has which client, with which scopes, keys and products."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table


def status(
    stack: Annotated[str, typer.Option(help="The stack, as in Pulumi.<stack>.yaml.")] = "tni",
    search: Annotated[str, typer.Argument(help="Show only connections that hold this text.", show_default=False)] = "",
) -> None:
    """Show the connections of a stack, as the last `pulumi up` left them."""
    from rich.console import Console

    from acmidm.engine import EngineError, stack_outputs

    try:
        outputs = stack_outputs(stack)
    except EngineError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(3) from None
    rows = [
        (name, platform, connection)
        for name, platforms in sorted(outputs.get("connections", {}).items())
        for platform, connection in sorted(platforms.items())
    ]
    found = [row for row in rows if search.lower() in str(row).lower()]
    if not found:
        typer.echo(
            f'no connection on {stack} holds "{search}"' if search else f"stack {stack} has no connections yet; run make up STACK={stack}"
        )
        return
    console = Console()
    if not console.is_terminal:
        console.width = 240  # a file or a pipe has no edge: nothing need be folded there
    console.print(_table(stack, found))


def _table(stack: str, rows: list[tuple[str, str, dict[str, Any]]]) -> Table:
    from rich import box
    from rich.table import Table

    several = len({platform for _, platform, _ in rows}) > 1
    table = Table(title=f"{len(rows)} connections on {stack}", title_justify="left", box=box.SIMPLE_HEAD, show_lines=False, pad_edge=False)
    for heading in ("organisation", "application", *(["platform"] if several else []), "client-ID", "scopes", "keys", "products"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "client-ID")
    for _, platform, connection in rows:
        table.add_row(
            connection["organisation"],
            connection["application"],
            *([platform] if several else []),
            connection["client_id"],
            "\n".join(connection["scopes"]),
            "\n".join(_key(kid, key) for kid, key in sorted(connection["keys"].items())) or _without_keys(connection),
            "\n".join(connection["products"]),
        )
    return table


def _key(kid: str, key: dict[str, Any]) -> str:
    return f"{kid} until {datetime.fromisoformat(key['expires']):%Y-%m-%d}" if key["expires"] else kid


def _without_keys(connection: dict[str, Any]) -> str:
    return "none yet" if connection["token_endpoint_auth_method"] == "private_key_jwt" else "client secret"
