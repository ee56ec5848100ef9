"""``acmidm unmanaged``: the clients of an environment that no form declares."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from acmidm.terminal import Code, as_json, counted, fail, working

if TYPE_CHECKING:
    from acmidm.undeclared import UndeclaredClients

EPILOG = """
**Examples**

- `acmidm unmanaged --stack prod`
- `acmidm unmanaged --stack tni --output json`

**Exit codes**: 0 every client is declared; 1 some are not; 2 wrong use; 3 an authority cannot be reached.
"""


class Listing(StrEnum):
    """How the list is written."""

    TEXT = "text"
    JSON = "json"


def unmanaged(
    stack: Annotated[str, typer.Option(metavar="STACK", help="The stack, as in Pulumi.STACK.yaml.")] = "tni",
    output: Annotated[Listing, typer.Option("--output", "-o", help="text for people, json for programs (see schema/).")] = Listing.TEXT,
) -> None:
    """List the clients of a stack's authorities that no form declares: made by hand, by another stack, or left behind."""
    from acmidm.connecting import authorities_of, settings_of
    from acmidm.engine import EngineError
    from acmidm.undeclared import Declared, UndeclaredClients, clients_of, undeclared
    from components.authorities.errors import AuthorityError
    from components.model.loading import load_onboardings
    from components.model.problems import InvalidForms
    from components.settings import InvalidSettings

    try:
        settings = settings_of(stack)
        declared = Declared.by(load_onboardings([settings.forms_folder], settings.catalogue_folder).connections(settings.environment))
        platforms = authorities_of(stack)
    except (InvalidSettings, InvalidForms) as error:
        fail(str(error))
    except EngineError as error:
        fail(str(error), Code.UNREACHABLE)
    try:
        with working(f"listing the clients of {stack}"):
            clients = [(platform, snapshot.client) for platform, snapshot in clients_of(platforms)]
    except AuthorityError as error:
        fail(str(error), Code.UNREACHABLE)
    others = tuple(undeclared(platform, client) for platform, client in clients if not declared.has(platform, client))
    found = UndeclaredClients(stack=stack, environment=settings.environment, clients=len(clients), undeclared=others)
    if output is Listing.JSON:
        typer.echo(as_json(found))
    else:
        _print(found)
    raise typer.Exit(Code.FOUND if others else Code.WELL)


def _print(found: UndeclaredClients) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from acmidm.report.words import plain

    if not found.undeclared:
        typer.echo(f"every client on {found.stack} is declared by a form ({found.clients:,} in all)")
        return
    console = Console()
    if not console.is_terminal:
        console.width = 240  # a file or a pipe has no edge: nothing need be folded there
    are = "is" if len(found.undeclared) == 1 else "are"
    title = f"{len(found.undeclared):,} of {counted(found.clients, 'client')} on {found.stack} {are} declared by no form"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_lines=False, pad_edge=False)
    for heading in ("platform", "client-ID", "name", "organisation", "code", "application", "made by"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "client-ID")
    for client in found.undeclared:
        cells = (
            client.platform.value,
            client.client_id,
            client.client_name,
            client.organisation,
            client.organisation_code or "",
            client.application,
            client.made_by or "hand",
        )
        # Whatever somebody typed at the authority, it is text here: no markup, and nothing that moves the cursor.
        table.add_row(*(Text(plain(cell)) for cell in cells))
    console.print(table)
    typer.echo("To take one over, name its client-ID in a form, or import a spreadsheet of them: docs/adoption.md.")
