"""Write a report to standard output, in the way that its reader wants."""

from __future__ import annotations

import csv
import io
import re

import typer

from acmidm.render.html import as_html
from acmidm.render.markdown import as_markdown
from acmidm.render.text import print_report
from acmidm.report.document import Table
from acmidm.report.kinds import Report
from acmidm.terminal import ListOutput, Output, TableOutput, TextOutput, as_json
from acmidm.words import plain

_FORMULA = re.compile(r"(^|;)( *[=+@-])")
"""The beginning of a formula. In Dutch a semicolon parts cells, even one in quotes, so that a cell
may begin after it."""
_LONGEST_CELL = 4_000


def write_report(report: Report, output: Output | ListOutput | TableOutput | TextOutput) -> None:
    """Write a report to standard output."""
    match output:
        case "json":
            typer.echo(as_json(report))
        case "markdown":
            typer.echo(as_markdown(report.as_document()), nl=False)
        case "html":
            # In ASCII, so that the page is right in whatever encoding standard output has.
            page = as_html(report.as_document()).encode("ascii", "xmlcharrefreplace")
            typer.echo(page, nl=False)
        case "csv":
            typer.echo(as_csv(report.as_table()), nl=False)
        case _:
            print_report(report.as_document())


def as_csv(table: Table) -> str:
    """Return a table as CSV (RFC 4180), in which a spreadsheet finds no formula: an apostrophe is
    before what looks like one."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, table.columns, restval="", lineterminator="\n")
    writer.writeheader()
    for row in table.rows:
        writer.writerow({name: _without_formula(cell) for name, cell in row.items()})
    return text.getvalue()


def _without_formula(cell: str) -> str:
    return _FORMULA.sub(r"\1'\2", plain(cell, _LONGEST_CELL))
