"""Puts the commands together: one file each. What a command needs is imported when it runs, so that the start is quick."""

from __future__ import annotations

import typer

from acmidm import portal, schema, status, validate

app = typer.Typer(
    help="Connect organisations to government APIs through ACM/IDM.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("validate")(validate.validate)
app.command("schema")(schema.schema)
app.command("status")(status.status)
app.add_typer(portal.app, name="portal")
