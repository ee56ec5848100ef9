"""Reports for a terminal; in a file or a pipe without colour, and without an edge to fold at."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from acmidm.report.changes import Change, ConnectionChanges, Review
from acmidm.report.kinds import Severity
from acmidm.report.words import ENVIRONMENTS, WHOLE, Piece, by_one, fields_below, named, pieces, plain, values, who
from acmidm.terminal import counted
from components.model.form import Environment, Platform

STYLES = {Severity.DANGER: "bold red", Severity.WARNING: "yellow", Severity.NOTICE: "dim"}


def console() -> Console:
    """Standard output as it is now: a test, or a command before, may have put another in its place."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())


def print_review(review: Review) -> None:
    """A review, most dangerous first."""
    out = console()
    out.print(Text(review.headline, style="bold"))
    for problem in review.problems:
        out.print(Text("refused  ", style="bold red") + Text(problem))
    for environment in (Environment.PROD, Environment.TNI):
        if environment not in review.environments:
            continue
        connections = [one for one in review.connections if one.environment is environment]
        stay = review.unchanged.get(environment, 0)
        if not connections and not stay:
            continue
        out.print()
        out.print(
            Text(
                f"{ENVIRONMENTS[environment]}: {counted(len(connections), 'client')} with changes, {counted(stay, 'client')} without",
                style="bold underline",
            )
        )
        print_connections(out, connections)
    for note in review.notes:
        out.print(Text(f"\n{plain(note, WHOLE)}"))


def print_indented(out: Console, label: Text, told: Text) -> None:
    """A line with a label before it: on a terminal what is folded stays behind the label."""
    if not out.is_terminal:
        out.print(label + told)
        return
    grid = Table.grid(padding=0)
    grid.add_column(width=label.cell_len, no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(label, told)
    out.print(grid)


def print_connections(out: Console, connections: Iterable[ConnectionChanges], *, undone: bool = False) -> None:
    """What changes of each client; ``undone`` where that is over, and no danger any more."""
    for connection in connections:
        out.print(_heading(connection))
        for change in connection.changes:
            label = ("undone", "green") if undone else (change.severity, STYLES[change.severity])
            print_indented(out, Text(f"  {label[0]:<9}", style=label[1]), _sentence(change, connection))
            if fields_below(change):
                for field in change.fields:
                    told = " → ".join(value for value in values(field) if value is not None)
                    out.print(Text(f"             {plain(field.field)}: {told}", style="dim"))
        if connection.sole_author:
            out.print(Text("           ") + _in_colour(by_one(connection)))


def _heading(connection: ConnectionChanges) -> Text:
    platform = f" ({connection.platform})" if connection.platform is not Platform.ACMIDM else ""
    heading = Text(f"{plain(connection.organisation)} · {plain(connection.application)}{platform}", style="bold")
    where = f"  {plain(connection.form)}" + (f", client {plain(connection.client_id)}" if connection.client_id else "")
    return heading + Text(where, style="dim")


def _sentence(change: Change, connection: ConnectionChanges) -> Text:
    told = _in_colour(named(change) if fields_below(change) else pieces(change))
    by = "" if connection.sole_author else "".join(piece.text for piece in who(change.changed_by, change.changed_at))
    return told.append(f" ({by})", style="dim") if by else told


def _in_colour(told: Iterable[Piece]) -> Text:
    text = Text()
    for piece in told:
        text.append(piece.text, style="cyan" if piece.value else "")
    return text
