"""Reports for a terminal; in a file or a pipe without colour, and without an edge to fold at."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from acmidm.desk.history import History
from acmidm.desk.status import ListedConnection, Status
from acmidm.desk.steps import Steps
from acmidm.orders.checking import Checked
from acmidm.orders.listed import ListedOrder, Orders
from acmidm.report.alike import Together, Unlike, together, together_beside
from acmidm.report.connection import ConnectionChanges, environment_heading
from acmidm.report.drift import Drift, UndeclaredClient
from acmidm.report.kinds import Change, Piece, Severity, severity_name
from acmidm.report.review import Review
from acmidm.words import WHOLE, plain
from acmidm_onboarding.texts import say, say_counted
from acmidm_onboarding.values.problems import on_one_line
from acmidm_onboarding.values.terms import Platform

_STYLES = {Severity.DANGER: "bold red", Severity.WARNING: "yellow", Severity.NOTICE: "dim"}
_UNDECLARED_SHOWN = 20

Report = Review | Drift | Status | Steps | History | Orders | Checked
Line = Text | tuple[Text, Text]
"""A line; or its label and the rest, which on a terminal stays behind the label where it is
folded."""


def print_report(report: Report) -> None:
    """Print any report."""
    # Standard output as it is now: a test, or a command before, may have put another in its place.
    out = Console(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())
    for line in _LINES[type(report)](report):
        if isinstance(line, Text):
            out.print(_inert(line))
        elif not out.is_terminal:
            out.print(_inert(line[0] + line[1]))
        else:
            grid = Table.grid(padding=0)
            grid.add_column(width=line[0].cell_len, no_wrap=True)
            grid.add_column(overflow="fold")
            grid.add_row(*map(_inert, line))
            out.print(grid)


def _inert(text: Text) -> Text:
    """Without what moves a cursor, or is a command to a pipeline; whoever wrote such a thing loses
    the colours of the line."""
    inert = "\n".join(map(on_one_line, text.plain.split("\n")))
    return text if inert == text.plain else Text(inert)


def _review(review: Review) -> Iterator[Line]:
    """Most dangerous first."""
    yield Text(review.headline, style="bold")
    for refusal in review.refusals:
        yield Text.assemble((f"{say('report.refused')}  ", "bold red"), refusal)
    if review.other_changes:
        yield _heading(say("report.beside"))
    for group in together_beside(review.other_changes):
        if group.members:
            yield _labelled(group.changes[0].severity, Text(group.text))
            yield from _members(group.members)
        else:
            yield from _change(group.changes[0])
    for environment, connections, stay in review.in_environments():
        yield _heading(environment_heading(environment, len(connections), stay))
        yield from _connections(together(connections))
    for note in review.notes:
        yield Text(f"\n{plain(note, WHOLE)}")


def _drift(report: Drift) -> Iterator[Line]:
    """Yield what was changed by hand first, then what waits, then what is only to be known."""
    yield Text(report.headline, style="bold green" if report.in_sync else "bold red")
    if report.healed is not None:
        yield Text(_counting(report.repair, report.repaired), style="bold")
        yield from _connections(report.repaired, undone=report.healed)
    for problem in report.problems:
        yield Text(f"{say('report.refused')}  {problem}", style="red")
    for title, connections in report.differing:
        yield _heading(_counting(title, connections))
        yield from _connections(connections)
    if report.expiring:
        yield _heading(f"{say('report.drift.expiring')}: {len(report.expiring)}")
    for key in report.expiring:
        ends = (f"{key.ends:<32}", "red" if key.days_left < 0 else "yellow")
        yield Text.assemble(
            ends,
            f"{key.title}:"
            f" {say('report.drift.key', kid=plain(key.kid), thumbprint=key.thumbprint)}",
        )
    for _, title, clients in report.not_declared:
        yield from _not_declared(title, clients)
    yield from (Text(note, style="dim") for note in report.notes)


def _not_declared(title: str, clients: Sequence[UndeclaredClient]) -> Iterator[Line]:
    yield _heading(f"{title}: {len(clients):,}")
    for client in clients[:_UNDECLARED_SHOWN]:
        maker = say("report.drift.made_by", name=plain(client.made_by)) if client.made_by else ""
        where = say(
            "report.drift.client_on", client_id=plain(client.client_id), platform=client.platform
        )
        yield Text(f"{plain(client.title)}: {where}{maker}")
    if (more := len(clients) - _UNDECLARED_SHOWN) > 0:
        yield Text(say("report.drift.more", count=f"{more:,}"), style="dim")


def _status(status: Status) -> Iterator[Line]:
    """Four or five short lines per client, which fit a terminal of 80 columns."""
    yield Text(status.title, style="bold")
    words = [
        say(f"status.{name}")
        for name in ("whose", "scopes", "keys", "mandate", "acts_for", "products", "leaves")
    ]
    width = max(map(len, words)) + 1
    for client in status.connections:
        platform = "" if client.platform is Platform.ACMIDM else client.platform
        where = client.where if len(status.stacks) > 1 else platform
        name = f"{plain(client.organisation)} · {plain(client.application)}"
        yield Text.assemble(
            (name, "bold"),
            f" ({where})" if where else "",
            "  ",
            (plain(client.client_id or say("status.no_client")), "cyan"),
        )
        people, scopes, acts_for, products = (
            Text(", ".join(names))
            for names in (
                client.people,
                client.granted,
                map(plain, client.acts_for),
                map(plain, client.products),
            )
        )
        leaves = Text(", ".join(client.leaving), style="bold yellow")
        ending = "bold yellow" if client.mandate and client.mandate.ends_soon else ""
        mandate = Text(client.mandate.text if client.mandate else "", style=ending)
        for word, names in zip(
            words, (people, scopes, _keys(client), mandate, acts_for, products, leaves), strict=True
        ):
            if names.plain:
                yield Text(f"  {word:<{width}}", style="dim"), names
    if status.unused_mandates:
        yield _heading(say_counted("status.unused_mandates", len(status.unused_mandates)))
    for unused in status.unused_mandates:
        style = "" if not unused.ends_soon else "bold red" if unused.days_left < 0 else "yellow"
        yield Text.assemble(
            (plain(unused.supplier_name), "bold"),
            f"  {say('status.acts_for')} {plain(unused.organisation)}:"
            f" {', '.join(unused.applications)}, ",
            (unused.ending, style),
            f" ({plain(unused.reference)})" if unused.reference else "",
        )


def _steps(report: Steps) -> Iterator[Line]:
    """By connection: its step, whom it waits for, and what they must do."""
    room = report.room
    yield Text(report.title, style="bold")
    if not report.connections:
        yield Text(room("nothing"))
    words = {name: room(name) for name in ("step", "to_do", "contacts", "keys")}
    width = max(map(len, words.values())) + 2
    for card in report.connections:
        connection = card.connection
        name = f"{plain(connection.organisation)} · {plain(connection.application)}"
        codes = f" ({', '.join(connection.codes)})" if connection.codes else ""
        client = ("  ", (plain(connection.client_id), "cyan")) if connection.client_id else ()
        yield Text.assemble("\n", (name, "bold"), codes, f"  {card.where}", *client)
        whom = (
            Text.assemble(f" · {room('waits').lower()} ", (card.whom, "bold"))
            if card.waits_for
            else Text()
        )
        step = Text.assemble(
            f"{card.step.value}. {card.title}",
            whom,
            f" · {card.from_when}" if card.from_when else "",
        )
        shown = {"step": step, "to_do": Text(plain(card.text, WHOLE))}
        shown |= {
            "contacts": Text(", ".join(map(plain, connection.contacts))),
            "keys": Text("; ".join(card.keys)),
        }
        for word, text in shown.items():
            yield Text(f"  {words[word]:<{width}}", style="dim"), text


def _history(report: History) -> Iterator[Line]:
    """Newest first."""
    yield Text(report.title, style="bold")
    for entry in report.entries:
        where = f" {say('history.on_stack', stack=entry.stack)}" if len(report.stacks) > 1 else ""
        yield Text.assemble(
            "\n",
            (f"{entry.when}  ", "bold"),
            (plain(entry.actor), "cyan"),
            f"  {entry.title}{where}",
        )
        for change in entry.changes:
            yield from _change(change)
    yield from (Text(f"\n{note}", style="dim") for note in report.notes)


def _counting(title: str, connections: Sequence[ConnectionChanges]) -> str:
    return f"{title}: {say_counted('report.clients', len(connections))}"


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold underline")


def _connections(
    connections: Iterable[ConnectionChanges], *, undone: bool = False
) -> Iterator[Line]:
    """Yield what changes of each client; ``undone`` where that is over, and no danger any more."""
    for connection in connections:
        known_as = ", ".join(map(plain, connection.known_as))
        yield Text.assemble(
            (connection.title, "bold"), (f"  {known_as}" if known_as else "", "dim")
        )
        for change in connection.changes:
            yield from _change(change, connection.author_of(change), undone=undone)
        if connection.by_one:
            yield Text("           ") + _in_colour(connection.by_one)
        if isinstance(connection, Unlike):
            yield Text(f"           {connection.else_as}", style="dim")
        if isinstance(connection, Together):
            yield from _members(connection.members)


def _members(members: Iterable[str]) -> Iterator[Line]:
    """Yield what each of several has of its own, all of it."""
    of_each = "; ".join(plain(member, WHOLE) for member in members)
    yield Text(f"  {say('report.each'):<9}", style="dim"), Text(of_each)


def _change(
    change: Change, author: Iterable[Piece] = (), *, undone: bool = False
) -> Iterator[Line]:
    sentence = _in_colour(change.named if change.has_lines else change.pieces)
    if by := "".join(piece.text for piece in author):
        sentence.append(f" ({by})", style="dim")
    yield _labelled(change.severity, sentence, undone=undone)
    for field in change.fields if change.has_lines else ():
        sides = " → ".join(value for value in field.values() if value is not None)
        yield Text(f"             {plain(field.field)}: {sides}", style="dim")


def _labelled(severity: Severity, sentence: Text, *, undone: bool = False) -> Line:
    label = severity_name(None if undone else severity)
    return Text(f"  {label:<9}", style="green" if undone else _STYLES[severity]), sentence


def _in_colour(pieces: Iterable[Piece]) -> Text:
    return Text.assemble(*((piece.text, "cyan" if piece.value else "") for piece in pieces))


def _keys(connection: ListedConnection) -> Text:
    if not connection.keys:
        return Text(connection.without_keys)
    styles = (
        "" if not key.ends_soon else "bold red" if (key.days_left or 0) < 0 else "bold yellow"
        for key in connection.keys
    )
    text = Text(", ").join(
        Text(key.text, style=style) for key, style in zip(connection.keys, styles, strict=True)
    )
    return (
        text.append(f" ({say('status.in_portal')})", style="dim")
        if connection.keys_in_portal
        else text
    )


def _orders(report: Orders) -> Iterator[Line]:
    """Yield the open orders by who carries them out, a line each or in full; then the refused
    ones."""
    room = report.room
    yield Text(report.title, style="bold")
    yield from (Text(sentence, style="bold red") for sentence in report.unknown)
    for doer, orders in report.by_doer.items():
        yield _heading(f"{room(f'doer.{doer}')}: {len(orders)}")
        for order in orders:
            yield Text.assemble(
                (order.order, "cyan"),
                f"  {order.title}: {order.act_title}, {report.waiting(order)}",
            )
            if report.is_whole:
                yield from _instructions(report, order)
    if report.refused:
        yield _heading(room("refused"))
    for order in report.refused:
        yield Text.assemble((order.order, "cyan"), f"  {report.refusal(order)}")


def _checked(report: Checked) -> Iterator[Line]:
    """Yield what differs, then what somebody should look at again."""
    yield Text(report.title, style="bold red" if report.differences else "bold green")
    yield from (Text(difference.sentence) for difference in report.differences)
    yield _heading(say("orders.check.look"))
    yield from (Text(f"[ ] {item.sentence}") for item in report.attested)
    yield Text(say("orders.check.unknown"), style="dim")


def _instructions(report: Orders, order: ListedOrder) -> Iterator[Line]:
    for number, instruction in enumerate(order.instructions, start=1):
        yield Text(f"  {number}. {plain(instruction.text, WHOLE)}")
        for value in instruction.values:
            yield (
                Text(f"     {plain(value.label)}: "),
                Text(plain(value.value, 4_000), style="bold"),
            )
    yield Text(f"  {report.room('done')} {order.done}")


_LINES: dict[type, Callable[[Any], Iterator[Line]]] = {
    Review: _review,
    Drift: _drift,
    Status: _status,
    Steps: _steps,
    History: _history,
    Orders: _orders,
    Checked: _checked,
}
