"""Lists of connections and of mandates for a spreadsheet: a row each, as CSV (RFC 4180)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from acmidm.desk.mandates import Acting, MandateList
from acmidm.desk.status import ListedConnection, Status
from acmidm.words import day, plain

T = TypeVar("T")

_FORMULA = re.compile(r"(^|;)( *[=+@-])")
"""A cell begins after a semicolon too where that parts cells, as in Dutch, whatever is in
quotes."""
_LONGEST = 4_000
_MANDATES: Mapping[str, Callable[[Acting], str]] = {
    "supplier": lambda one: one.supplier_name,
    "organisation": lambda one: one.organisation,
    "applications": lambda one: ", ".join(one.applications),
    "until": lambda one: one.until.isoformat(),
    "reference": lambda one: one.reference,
}
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


def as_csv(report: Status | MandateList) -> str:
    """Return the list. What a form's author wrote is text in a spreadsheet, and no formula."""
    if isinstance(report, MandateList):
        return _table(_MANDATES, report.mandates)
    return _table(_CONNECTIONS, report.connections)


def _table(columns: Mapping[str, Callable[[T], str]], rows: Iterable[T]) -> str:
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_text(cell(row)) for cell in columns.values()] for row in rows)
    return table.getvalue()


def _text(cell: str) -> str:
    return _FORMULA.sub(r"\1'\2", plain(cell, _LONGEST))
