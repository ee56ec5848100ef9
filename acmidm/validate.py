"""``acmidm validate``: the check that every change of a form gets, without an engine and without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

FORMS = Path("onboardings")
CATALOGUE = Path("catalogue")


def validate(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH]...", help="Forms, or folders of them.", show_default=str(FORMS)),
    ] = None,
    catalogue: Annotated[Path, typer.Option(help="The folder of the catalogue.")] = CATALOGUE,
) -> None:
    """Check forms, their public keys and the catalogue.

    Every mistake is told at once, as file:line:column: what; what to do. The exit code is 0 where there is none, 1 where there
    is one, and 2 for wrong use.
    """
    from components.model.form import Environment
    from components.model.loading import load_onboardings
    from components.model.problems import InvalidForms

    try:
        onboardings = load_onboardings([file for path in paths or [FORMS] for file in _forms_at(path)], catalogue)
    except InvalidForms as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    if not onboardings.forms:
        typer.echo("there is no form (*.yaml) here; name a form, or the folder of forms", err=True)
        raise typer.Exit(2)
    connections = sum(len(onboardings.connections(environment)) for environment in Environment)
    typer.echo(f"{_counted(len(onboardings.forms), 'form')}, {_counted(connections, 'connection')}: all valid")


def _forms_at(path: Path) -> Iterator[Path]:
    """The path; or, for the folder of one organisation, the forms in it, so that keys beside it are within reach."""
    try:
        forms = sorted(path.glob("*.yaml")) if path.is_dir() else []
    except OSError:  # the loader says what is wrong with it
        forms = []
    yield from forms or [path]


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
