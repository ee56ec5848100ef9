"""Reports as people read them."""

from __future__ import annotations

from acmidm.render import html, markdown, output, text
from acmidm.report.kinds import Report


def as_markdown(report: Report) -> str:
    return markdown.as_markdown(report.as_document())


def as_html(report: Report) -> str:
    return html.as_html(report.as_document())


def as_csv(report: Report) -> str:
    return output.as_csv(report.as_table())


def print_report(report: Report) -> None:
    text.print_report(report.as_document())
