"""The list of connections for a spreadsheet: a row each, as CSV (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping

from acmidm.desk.status import ListedConnection, Status
from acmidm.words import day, plain

_FORMULA = ("=", "+", "-", "@")
_LONGEST = 4_000
_COLUMNS: Mapping[str, Callable[[ListedConnection], str]] = {
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


def as_csv(status: Status) -> str:
    """Return the list. What a form's author wrote is text in a spreadsheet, and no formula."""
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows([_text(cell(client)) for cell in _COLUMNS.values()] for client in status.connections)
    return table.getvalue()


def _text(cell: str) -> str:
    text = plain(cell, _LONGEST)
    return f"'{text}" if text.startswith(_FORMULA) else text
