"""A report for a spreadsheet: a row each, as CSV (RFC 4180)."""

from __future__ import annotations

import csv
import io
import re

from acmidm.report.document import Table
from acmidm.words import plain

_FORMULA = re.compile(r"(^|;)( *[=+@-])")
"""A cell begins after a semicolon too where that parts cells, as in Dutch, whatever is in
quotes."""
_LONGEST = 4_000


def as_csv(table: Table) -> str:
    """Return a table of which nothing that a form's author wrote is a formula."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, table.columns, restval="", lineterminator="\n")
    writer.writeheader()
    for row in table.rows:
        cells = ((name, plain(cell, _LONGEST)) for name, cell in row.items())
        writer.writerow({name: _FORMULA.sub(r"\1'\2", cell) for name, cell in cells})
    return text.getvalue()
