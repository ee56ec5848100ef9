"""Reports for a terminal; in a file or a pipe without colour, and without an edge to fold at."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from acmidm.report.compare import ENVIRONMENTS, ConnectionChanges
from acmidm.report.drift import Drift
from acmidm.report.kinds import Piece, Severity
from acmidm.report.promotion import Promotion, Side
from acmidm.report.review import Review
from acmidm.report.status import ListedConnection, Status
from acmidm.words import WHOLE, counted, plain
from components.model.form import Platform

STYLES = {Severity.DANGER: "bold red", Severity.WARNING: "yellow", Severity.NOTICE: "dim"}
_UNDECLARED_SHOWN = 20


Report = Review | Drift | Status | Promotion


def print_report(report: Report) -> None:
    """Print any report."""
    match report:
        case Review():
            _review(report)
        case Drift():
            _drift(report)
        case Status():
            _status(report)
        case Promotion():
            _promotion(report)


def _review(review: Review) -> None:
    """A review, most dangerous first."""
    out = _console()
    out.print(Text(review.headline, style="bold"))
    for refusal in review.refusals:
        out.print(Text("refused  ", style="bold red") + Text(refusal))
    for environment, connections, stay in review.in_environments():
        said = f"{counted(len(connections), 'client')} with changes, {counted(stay, 'client')} without"
        out.print(Text(f"\n{ENVIRONMENTS[environment]}: {said}", style="bold underline"))
        _print_connections(out, connections)
    for note in review.notes:
        out.print(Text(f"\n{plain(note, WHOLE)}"))


def _drift(report: Drift) -> None:
    """What was changed by hand first, then what waits, then what is only to be known."""
    out = _console()
    out.print(Text(report.headline, style="bold green" if report.in_sync else "bold red"))
    if report.healed is not None:
        said = "repaired" if report.healed else "not all of it could be repaired"
        out.print(Text(f"{said}: {counted(len(report.repaired), 'client')}", style="bold"))
        _print_connections(out, report.repaired, undone=report.healed)
    for problem in report.problems:
        out.print(Text(f"refused  {problem}", style="red"))
    for title, connections in (("changed by hand", report.by_hand), ("declared, not applied yet", report.not_applied)):
        if connections:
            out.print(Text(f"\n{title}: {counted(len(connections), 'client')}", style="bold underline"))
            _print_connections(out, connections)
    _print_keys(out, report)
    _print_undeclared(out, report)
    for note in report.notes:
        out.print(Text(note, style="dim"))


def _status(status: Status) -> None:
    """Three or four short lines per connection, which fit a terminal of 80 columns."""
    out = _console()
    out.print(Text(status.title, style="bold"))
    for one in status.connections:
        where = one.where if len(status.stacks) > 1 else one.platform if one.platform is not Platform.ACMIDM else ""
        heading = Text(f"{plain(one.organisation)} · {plain(one.application)}", style="bold").append(
            f" ({where})" if where else "", style=""
        )
        out.print(heading + Text("  ") + Text(plain(one.client_id or ""), style="cyan"))
        for word, names in (
            ("scopes", Text(", ".join(plain(scope) for scope in one.scopes))),
            ("keys", _keys(one)),
            ("products", Text(", ".join(plain(product) for product in one.products))),
        ):
            if names.plain:
                _print_indented(out, Text(f"  {word:<9}", style="dim"), names)


def _promotion(report: Promotion) -> None:
    """What differs, then what is checked."""
    out = _console()
    out.print(Text(report.title, style="bold"))
    for title, differences in report.grouped:
        out.print(Text(f"\n{title}", style="bold underline"))
        for one in differences:
            both = f": {plain(one.tni or 'nothing')} → {plain(one.prod or 'nothing')}" if one.side is Side.BOTH else ""
            out.print(Text(f"  {one.what:<12}{plain(one.name)}{both}{' (offered there only)' if one.expected else ''}"))
    out.print(Text(f"\nready for production: {'yes' if report.ready else 'not yet'}", style="bold underline"))
    for check in report.checks:
        style = {"ok": "green", "TO DO": "bold red"}.get(check.mark, "yellow")
        _print_indented(out, Text(f"  {check.mark:<6}", style=style), Text(check.text))
    out.print(Text(f"\n{report.same}", style="dim"))


def _console() -> Console:
    """Standard output as it is now: a test, or a command before, may have put another in its place."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())


def _print_indented(out: Console, label: Text, text: Text) -> None:
    """A line with a label before it: on a terminal what is folded stays behind the label."""
    if not out.is_terminal:
        out.print(label + text)
        return
    grid = Table.grid(padding=0)
    grid.add_column(width=label.cell_len, no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(label, text)
    out.print(grid)


def _print_connections(out: Console, connections: Iterable[ConnectionChanges], *, undone: bool = False) -> None:
    """What changes of each client; ``undone`` where that is over, and no danger any more."""
    for connection in connections:
        heading = Text(f"{plain(connection.organisation)} · {plain(connection.name)}", style="bold")
        out.print(heading + Text(f"  {', '.join(plain(name) for name in connection.known_as)}", style="dim"))
        for change in connection.changes:
            label, style = ("undone", "green") if undone else (change.severity, STYLES[change.severity])
            said = _in_colour(change.named if change.has_lines else change.pieces)
            if by := "".join(piece.text for piece in connection.author_of(change)):
                said.append(f" ({by})", style="dim")
            _print_indented(out, Text(f"  {label:<9}", style=style), said)
            for field in change.fields if change.has_lines else ():
                sides = " → ".join(value for value in field.values() if value is not None)
                out.print(Text(f"             {plain(field.field)}: {sides}", style="dim"))
        if connection.by_one:
            out.print(Text("           ") + _in_colour(connection.by_one))


def _in_colour(found: Iterable[Piece]) -> Text:
    text = Text()
    for piece in found:
        text.append(piece.text, style="cyan" if piece.value else "")
    return text


def _print_keys(out: Console, report: Drift) -> None:
    if report.expiring:
        out.print(Text(f"\nkeys that end soon: {len(report.expiring)}", style="bold underline"))
    for key in report.expiring:
        name = f"{plain(key.organisation)} · {plain(key.application)}: key {plain(key.kid)}, thumbprint {key.thumbprint}"
        out.print(Text(f"{key.ends:<32}", style="red" if key.days_left < 0 else "yellow") + Text(name))


def _print_undeclared(out: Console, report: Drift) -> None:
    if report.undeclared:
        out.print(Text(f"\nclients that nobody declares: {len(report.undeclared):,}", style="bold underline"))
    for client in report.undeclared[:_UNDECLARED_SHOWN]:
        manager = f", made by {plain(client.made_by)}" if client.made_by else ""
        out.print(Text(f"{plain(client.client_name)}: {plain(client.client_id)} on {client.platform}{manager}"))
    if len(report.undeclared) > _UNDECLARED_SHOWN:
        out.print(Text(f"and {len(report.undeclared) - _UNDECLARED_SHOWN:,} more; all of them with --output json", style="dim"))


def _keys(connection: ListedConnection) -> Text:
    text = Text()
    for place, key in enumerate(connection.keys or ()):
        style = "" if not key.ends_soon else "bold red" if (key.days_left or 0) < 0 else "bold yellow"
        text.append(", " if place else "").append(key.text, style=style)
    if not connection.keys:
        return Text(connection.without_keys)
    return text.append(" (in the portal)", style="dim") if connection.keys_in_portal else text
