"""Write forms that take over the clients of a spreadsheet, as they are: one form for each
organisation and application."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from acmidm import completion
from acmidm.edit.new.rows import CLIENTS_HEADINGS
from acmidm.engine.stacks import settings_of
from acmidm.importing.clients import ClientRows, Supplier
from acmidm.importing.listed import Register, read_register
from acmidm.sheet import Sheets, read_sheets
from acmidm.terminal import Code, day_in, fail, working
from acmidm.words import plain
from acmidm_onboarding.authorities.connected import connected
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.settings import Settings
from acmidm_onboarding.texts import plural
from acmidm_onboarding.values.terms import Environment, is_name

EPILOG = """
**Examples**

- `acmidm import klanten.xlsx --tni tni --prod prod`
- `acmidm import klanten.csv --tni tni --contact api-beheer@leverancier.example`
- `acmidm import klanten.csv --tni tni --supplier leverancier --until 2027-12-31`

**Exit codes**: 0 everything has a form; 1 some rows or clients were not placed; 2 wrong use; 3 an
authority cannot be reached.
"""


def import_(
    sheet: Annotated[
        Path, typer.Argument(help="The spreadsheet, .xlsx or .csv.", show_default=False)
    ],
    tni: Annotated[
        str | None,
        typer.Option(
            metavar="STACK",
            help="The stack that has the clients of the column CliëntID TEST.",
            autocompletion=completion.stacks,
        ),
    ] = None,
    prod: Annotated[
        str | None,
        typer.Option(
            metavar="STACK",
            help="The stack that has the clients of the column CliëntID PRD.",
            autocompletion=completion.stacks,
        ),
    ] = None,
    contact: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="A team's e-mail address, for clients that have no contacts.",
            show_default=False,
        ),
    ] = None,
    supplier: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help=(
                "The supplier's folder, for public keys that organisations share, each by a"
                " mandate."
            ),
            show_default=False,
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="With --supplier: the last day of these mandates, as 2027-12-31.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write forms that take over the clients of a spreadsheet, as they are: one form for each
    organisation and application.

    Nothing is written at an authority, and no file that exists is touched. Every row and client
    without a form afterwards is named.
    """
    if supplier is not None and not is_name(supplier):
        fail(
            f'--supplier "{supplier}" is no name for a folder; use lower case letters, digits and'
            " single hyphens, 64 at most"
        )
    if (supplier is None) != (until is None):
        fail(
            "give --supplier FOLDER and --until DATE together: a supplier acts by mandates,"
            " which end"
        )
    supplier_until = Supplier(supplier, day_in("--until", until)) if supplier and until else None
    sheets = read_sheets(sheet, CLIENTS_HEADINGS)
    stacks = _stacks_by_environment(tni, prod)
    # Where two are named, the forms and the catalogue are those of the first.
    _, first = next(iter(stacks.values()))
    read = partial(
        read_onboardings,
        paths=[first.forms_folder],
        catalogue_folder=first.catalogue_folder,
        profiles={environment: of_stack.profile for environment, (_, of_stack) in stacks.items()},
    )
    onboardings = read().valid()  # before any authority is asked
    registers = _read_registers(stacks)
    clients = ClientRows(
        read, onboardings, first.forms_folder, sheet.name, registers, contact, supplier_until
    )
    clients.take(sheets.rows)
    clients.changes.write()
    # Rows that cannot be read, rows that come to no form, and clients that no row names.
    unplaced = [*sheets.unplaced, *clients.wrong(), *clients.unnamed()]
    _print_report(sheets, clients, unplaced)
    if unplaced:
        raise typer.Exit(Code.FOUND)


def _stacks_by_environment(
    tni: str | None, prod: str | None
) -> dict[Environment, tuple[str, Settings]]:
    """Return the name and the settings of the stack that each option names, by its environment. End
    the command where none is named, or one is of another environment."""
    stacks: dict[Environment, tuple[str, Settings]] = {}
    for environment, stack in ((Environment.TNI, tni), (Environment.PROD, prod)):
        if stack is None:
            continue
        settings = settings_of(stack)
        if settings.environment is not environment:
            fail(
                f"stack {stack} is of {settings.environment}; name one of"
                f" {environment} with --{environment}"
            )
        stacks[environment] = (stack, settings)
    if not stacks:
        fail("name the stacks that have the clients: --tni STACK, --prod STACK, or both")
    return stacks


def _read_registers(
    stacks: dict[Environment, tuple[str, Settings]],
) -> dict[Environment, Register]:
    """Read all clients of each stack from its authorities. Raises Failure."""
    registers = {}
    for environment, (stack, settings) in stacks.items():
        with working(f"listing the clients of {stack}"):
            platforms = connected(settings, load_catalogue(settings.catalogue_folder))
            registers[environment] = read_register(stack, environment, platforms)
    return registers


def _print_report(sheets: Sheets, clients: ClientRows, unplaced: Sequence[str]) -> None:
    """Print the form that each row got, then on stderr what was not placed, and at the end how many
    of each there are."""
    for placed in clients.placed:
        form = list(placed.files)[-1]  # behind its organisation's file, where that is new
        taken_over = [
            f"{client.environment} {client.client_id}" for client in placed.source.clients.values()
        ]
        typer.echo(plain(f"{placed.source}: {form} takes over {', '.join(taken_over)}", 500))
        for note in placed.notes:
            typer.echo(plain(f"  note: {note}", 1000))
    for sentence in (*clients.declared, *sheets.remarks):
        typer.echo(plain(sentence, 1000))
    for sentence in unplaced:
        typer.echo(plain(f"not placed: {sentence}", 1000), err=True)
    rows = plural("{count} row", "{count} rows", len(sheets.rows))
    forms = plural("{count} form written", "{count} forms written", len(clients.placed))
    not_placed = plural("{count} thing not placed", "{count} things not placed", len(unplaced))
    typer.echo(f"{rows}: {forms}, {len(clients.declared):,} declared already, {not_placed}")
    if clients.placed:
        typer.echo(
            "Next: acmidm validate, then acmidm review, which shows what taking over changes."
        )
