"""Write a report to standard output, in the way that its reader wants."""

from __future__ import annotations

import typer

from acmidm.render.html import as_html
from acmidm.render.markdown import as_markdown
from acmidm.render.table import as_csv
from acmidm.render.text import print_report
from acmidm.report.kinds import Report
from acmidm.terminal import ListOutput, Output, TableOutput, TextOutput, as_json


def write_report(report: Report, output: Output | ListOutput | TableOutput | TextOutput) -> None:
    """Write a report to standard output."""
    match output:
        case "json":
            typer.echo(as_json(report))
        case "markdown":
            typer.echo(as_markdown(report.as_document()), nl=False)
        case "html":
            # In ASCII, so that the page is right in whatever encoding standard output has.
            typer.echo(as_html(report).encode("ascii", "xmlcharrefreplace").decode(), nl=False)
        case "csv":
            typer.echo(as_csv(report.as_table()), nl=False)
        case _:
            print_report(report.as_document())
