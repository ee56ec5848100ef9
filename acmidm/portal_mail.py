"""``acmidm portal mail``: what the sandbox of a stack received by mail, whoever it is for."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from acmidm.portal import portals, usable_database
from acmidm.sandbox import StackOption
from acmidm.terminal import as_json, fail
from acmidm.words import plain


class MailOutput(StrEnum):
    """How mails are written."""

    TEXT = "text"
    JSON = "json"


def mail(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORDS]...",
            help="Show only mails with a word that begins with each of these, in their text too.",
            show_default=False,
        ),
    ] = None,
    stack: StackOption = "tni",
    output: Annotated[MailOutput, typer.Option("--output", "-o", help="text for people, json for programs.")] = MailOutput.TEXT,
) -> None:
    """Show the mails that a stack's sandbox received, newest first. The page Postvak has those of one organisation."""
    from acmidm.report.mails import Mails, lines, listed
    from beheerportaal.mail.received import received_mails

    database = next((portal.settings.database for portal in portals(stack) if portal.settings.smtp_port is not None), None)
    if database is None:
        fail(f"stack {stack} has no sandbox that receives mail; that needs acmidm:smtpUrl in Pulumi.{stack}.yaml to be smtp on loopback")
    search = " ".join(words or ())
    with usable_database():
        found = listed(received_mails(database), search)
    if output is MailOutput.JSON:
        typer.echo(as_json(Mails(stack=stack, mails=found)))
    elif not found:
        typer.echo(f"the sandbox of {stack} received no mail" + (f' that has "{plain(search)}"' if search else ""))
    else:
        typer.echo("\n\n".join("\n".join(lines(one)) for one in found))
