"""Start and stop the authorities of a stack that this machine plays."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Annotated, Literal

import typer

from acmidm_onboarding.files import write_private
from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.project import project_folder, require_project
from acmidm_onboarding.stack_files import stack_names
from acmidm_onboarding.values.problems import Failure, on_one_line
from acmidm_onboarding.values.searching import searched
from acmidm_sandbox.beheerportaal.mail import Mail, received_mails
from acmidm_sandbox.people import read_people
from acmidm_sandbox.processes import Daemon
from acmidm_sandbox.servers import (
    DATA,
    KEYCLOAK,
    PORTAL,
    EmbeddedPortal,
    keycloaks,
    portals,
)

_EPILOG = """
**Examples**

- `acmidm sandbox start --stack tni`
- `acmidm sandbox status`
- `acmidm sandbox mail gent --stack tni`
- `acmidm sandbox stop`

**Exit codes**: 0 done; 1 a server does not run or could not be started; 2 wrong use, or a wrong
setting.
"""

app = typer.Typer(help=__doc__, epilog=_EPILOG, no_args_is_help=True)


def _stacks() -> list[str]:
    """Complete the stacks of the project in which somebody is. A shell may run what it is
    offered."""
    project = project_folder()
    names = stack_names(project) if project else []
    return [name for name in names if re.fullmatch(r"[A-Za-z0-9_.-]+", name)]


_StackOption = Annotated[
    str,
    typer.Option(
        metavar="STACK", help="The stack, as in Pulumi.STACK.yaml.", autocompletion=_stacks
    ),
]
_AnyStackOption = Annotated[
    str | None,
    typer.Option(
        metavar="STACK", help="Only this stack's; all where left out.", autocompletion=_stacks
    ),
]
_OutputOption = Annotated[
    Literal["text", "json"],
    typer.Option("--output", "-o", help="text for people, json for programs."),
]


@app.command()
def start(
    context: typer.Context,
    stack: _StackOption = "tni",
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Refuse what is not as documented, though clients that people use do it.",
        ),
    ] = False,
) -> None:
    """Start what a stack's settings place on this machine: embedded portals, and a Keycloak.

    Those that run with the same settings are left alone, others started anew. The people of
    people.yaml, and nobody else, can log on at the portals from then on. The password of each that
    is new is shown this once.
    """
    people = read_people()
    starts: list[Callable[[], str | None]] = [server.start for server in keycloaks(stack)]
    for portal in portals(stack, strict):
        _write_form_page(portal, context.obj)
        starts.append(partial(portal.start, people))
    if not starts:
        typer.echo(f"stack {stack} has no authority on this machine: there is nothing to start")
    _do_each(starts)


@app.command()
def stop(stack: _AnyStackOption = None) -> None:
    """Stop the servers and keep their data."""
    _do_each([partial(_stop, daemon) for daemon in _started(stack)])


@app.command()
def status(stack: _AnyStackOption = None) -> None:
    """Show which servers run; the exit code is 0 when all of them answer, else 1."""
    started = _started(stack)
    for daemon in started:
        typer.echo(f"{daemon.title}: {daemon.condition()}")
    if not all(daemon.origin for daemon in started):
        raise typer.Exit(1)


@app.command()
def mail(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORDS]...",
            help="Show only mails with a word that begins with each of these, in their text too.",
            show_default=False,
        ),
    ] = None,
    stack: _StackOption = "tni",
    output: _OutputOption = "text",
) -> None:
    """Show the mails that a stack's sandbox received, newest first. The page Postvak has those of
    one organisation."""
    folders = [
        portal.settings.mails for portal in portals(stack) if portal.settings.smtp_port is not None
    ]
    if not folders:
        raise Failure(
            f"stack {stack} has no sandbox that receives mail; that needs acmidm:smtpUrl in"
            f" Pulumi.{stack}.yaml to be smtp on loopback"
        )
    search = " ".join(words or ())
    is_found = searched(search)
    mails = [mail for mail in received_mails(folders[0]) if is_found(_words(mail))]
    if output == "json":
        listed = [mail.model_dump(mode="json", exclude_none=True) for mail in mails]
        report = json.dumps({"stack": stack, "mails": listed}, indent=2)
        # In a pipeline's log, two of these at the beginning of a line are a command.
        typer.echo(report.replace("##", "#\\u0023"))
    elif not mails:
        that_has = f' that has "{on_one_line(search)}"' if search else ""
        typer.echo(f"the sandbox of {stack} received no mail{that_has}")
    else:
        typer.echo("\n\n".join("\n".join(_lines(mail)) for mail in mails))


def _words(mail: Mail) -> str:
    """Return all that a search looks in."""
    shown = (
        mail.connection,
        mail.subject,
        mail.sender,
        *mail.recipients,
        mail.message_id,
        mail.text,
    )
    return " ".join(part or "" for part in shown).casefold()


def _lines(mail: Mail) -> Iterator[str]:
    """Yield a mail as text: what it is about, then what it says, indented. Whatever is in it does
    nothing to a terminal or a pipeline."""
    about, subject = mail.connection or "no connection", mail.subject or "no subject"
    yield on_one_line(f"{mail.at:%Y-%m-%d %H:%M} UTC  {about}  {subject}")
    times = f", received {mail.received} times" if mail.received > 1 else ""
    yield on_one_line(f"  to {', '.join(mail.recipients)}{times}")
    yield ""
    for line in (mail.text or "no text").strip("\n").split("\n"):
        yield f"    {on_one_line(line.replace(chr(9), '    '))}".rstrip()


def _started(stack: str | None) -> list[Daemon]:
    """Return all servers that were ever started here, or those of a stack. Say so where there is
    none. Raises Failure where there is no project."""
    require_project()
    started = [
        Daemon(file.parent, file.stem)
        for file in sorted(DATA.glob(f"{stack or '*'}/*/*.pid"))
        if file.stem in (KEYCLOAK, PORTAL)
    ]
    if not started:
        for_stack = f" for stack {stack}" if stack else ""
        typer.echo(f"no sandbox was ever started in this project{for_stack}")
    return started


def _write_form_page(portal: EmbeddedPortal, render: Callable[[Catalogue], str]) -> None:
    """Write the page that the portal shows to who has no account. The command line that this is a
    part of renders it, of today's catalogue."""
    if portal.settings.form_page is not None:
        write_private(portal.settings.form_page, render(portal.served.catalogue))


def _stop(daemon: Daemon) -> str | None:
    return f"{daemon.title}: stopped" if daemon.stop() else None


def _do_each(actions: Iterable[Callable[[], str | None]]) -> None:
    """Do each, whatever becomes of the others, and show the sentence that it gives. The exit code
    is 1 where one failed."""
    failed = False
    for act in actions:
        try:
            sentence = act()
        except Failure as failure:
            typer.echo(str(failure), err=True)
            failed = True
        else:
            if sentence:
                typer.echo(sentence)
    if failed:
        raise typer.Exit(1)
