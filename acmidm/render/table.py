"""The list and the board of connections for a spreadsheet: a row each, as CSV (RFC 4180)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from acmidm.desk.status import ListedConnection, Status, UnusedMandate
from acmidm.desk.steps import Place, Steps
from acmidm.words import day, plain

T = TypeVar("T")

_FORMULA = re.compile(r"(^|;)( *[=+@-])")
"""A cell begins after a semicolon too where that parts cells, as in Dutch, whatever is in
quotes."""
_LONGEST = 4_000
_CONNECTIONS: Mapping[str, Callable[[ListedConnection], str]] = {
    "organisation": lambda client: client.organisation,
    "codes": lambda client: ", ".join(client.codes),
    "application": lambda client: client.application,
    "environment": lambda client: client.environment,
    "platform": lambda client: client.platform,
    "stack": lambda client: client.stack,
    "client_id": lambda client: client.client_id or "",
    "contacts": lambda client: ", ".join(client.contacts),
    "scopes": lambda client: ", ".join(client.scopes),
    "products": lambda client: ", ".join(client.products),
    "keys": lambda client: ", ".join(key.kid for key in client.keys or ()),
    "mandate": lambda client: client.mandate.text if client.mandate else "",
    "first_end": lambda client: day(client.ends) if client.ends else "",
    "leaves": lambda client: ", ".join(client.leaving),
}
_UNUSED_MANDATES: Mapping[str, Callable[[UnusedMandate], str]] = {
    "organisation": lambda mandate: mandate.organisation,
    "application": lambda mandate: ", ".join(mandate.applications),
    "mandate": lambda mandate: mandate.text,
    "first_end": lambda mandate: day(mandate.expires) if mandate.expires else "",
}
"""Which cells they have of the columns of connections."""
_PLACES: Mapping[str, Callable[[Place], str]] = {
    "step": lambda place: f"{place.step:d}. {place.title}",
    "waits_for": lambda place: place.whom if place.waits_for else "",
    "since": lambda place: day(place.since) if place.since else "",
    "to_do": lambda place: place.text,
}


def as_csv(report: Status | Steps) -> str:
    """Return the list, and behind it the mandates that no form uses; or the board, with where each
    connection stands behind what it is. What a form's author wrote is text in a spreadsheet, and no
    formula."""
    if isinstance(report, Steps):
        rows = [
            _cells(_CONNECTIONS, place.connection) | _cells(_PLACES, place)
            for place in report.connections
        ]
        return _table((*_CONNECTIONS, *_PLACES), rows)
    rows = [_cells(_CONNECTIONS, connection) for connection in report.connections]
    rows += [_cells(_UNUSED_MANDATES, mandate) for mandate in report.unused_mandates]
    return _table(_CONNECTIONS, rows)


def _cells(columns: Mapping[str, Callable[[T], str]], row: T) -> dict[str, str]:
    return {name: _text(cell(row)) for name, cell in columns.items()}


def _table(columns: Iterable[str], rows: Iterable[Mapping[str, str]]) -> str:
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, list(columns), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return table.getvalue()


def _text(cell: str) -> str:
    return _FORMULA.sub(r"\1'\2", plain(cell, _LONGEST))
