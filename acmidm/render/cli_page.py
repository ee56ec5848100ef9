"""The kinds of change on the page of the command line, behind what people write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from acmidm.report.kinds import Kind, Severity

CLI = Path("docs/cli.md")
_MARK = "<!-- Written by acmidm schema, from report/kinds.py: change that. -->\n"


def cli_page(text: str) -> str:
    """Return the page with the kinds of change as they are now."""
    return text.partition(_MARK)[0] + _MARK + "\n".join(["", *_kinds(), ""])


def _kinds() -> Iterator[str]:
    yield "| severity | kinds |\n|---|---|"
    for severity in Severity:
        kinds = " ".join(f"`{kind}`" for kind in Kind if kind.severity is severity)
        yield f"| {severity} | {kinds} |"
