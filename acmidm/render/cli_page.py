"""The page of the command line: what ``--help`` of each command says, behind what people write
about all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from acmidm.report.kinds import Kind, Severity

CLI = Path("docs/cli.md")
_MARK = (
    "<!-- Written by acmidm schema, from the commands' help and the kinds of change: change those."
    " -->\n"
)
_EVERYWHERE = ("--help", "--language")
"""Options that each command has; the top of the page explains them."""


def cli_page(text: str, root: Any) -> str:
    """Return the page with its generated part as ``root``, the group of all commands, is now."""
    return text.partition(_MARK)[0] + _MARK + "\n".join(["", *_kinds(), *_commands(root, None)])


def _kinds() -> Iterator[str]:
    yield "## Kinds of change\n\n| severity | kinds |\n|---|---|"
    for severity in Severity:
        yield (
            f"| {severity} |"
            f" {' '.join(f'`{kind}`' for kind in Kind if kind.severity is severity)} |"
        )
    yield ""


def _commands(group: Any, parent: Any) -> Iterator[str]:
    """Return the section of each command of a group, and of those below it."""
    context = group.make_context(
        group.name if parent else "acmidm", [], parent, resilient_parsing=True
    )
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if hasattr(command, "list_commands"):
            yield from _commands(command, context)
        elif not command.hidden:
            yield from _section(
                command, command.context_class(command, parent=context, info_name=name)
            )


def _section(command: Any, context: Any) -> Iterator[str]:
    yield f"## {context.command_path.removeprefix('acmidm ')}\n"
    yield f"`{context.command_path} {' '.join(command.collect_usage_pieces(context))}`\n"
    yield f"{(command.help or '').strip()}\n"
    records = (
        param.get_help_record(context)
        for param in command.params
        if param.opts[-1] not in _EVERYWHERE
    )
    if rows := [f"| `{_cell(record[0])}` | {_cell(record[1])} |" for record in records if record]:
        yield "| option | |\n|---|---|"
        yield from (*rows, "")
    if command.epilog:
        yield f"{command.epilog.strip()}\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
