"""Start and stop the authorities of a stack that this machine plays."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

from acmidm import completion
from acmidm.project import require_project
from acmidm.terminal import StackOption, TextOutput, TextOutputOption, as_json, fail
from acmidm.words import plain
from acmidm_onboarding.texts import say
from acmidm_sandbox import keycloaks, portals
from acmidm_sandbox.beheerportaal.mail.received import received_mails
from acmidm_sandbox.mails import Mails, lines, listed
from acmidm_sandbox.people import read_people
from acmidm_sandbox.servers import DATA, on_each
from acmidm_sandbox.supervisor import Daemon

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

_AnyStackOption = Annotated[
    str | None,
    typer.Option(
        metavar="STACK",
        help="Only this stack's; all where left out.",
        autocompletion=completion.stacks,
    ),
]


@app.command()
def start(
    stack: StackOption = "tni",
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
    starts: list[Callable[[], str]] = [server.start for server in keycloaks.keycloaks(stack)]
    embedded = portals.portals(stack, strict)
    starts += [partial(portal.start, people) for portal in embedded]
    if not starts:
        typer.echo(say("sandbox.nothing_here", stack=stack))
    on_each(starts, lambda start_one: start_one())


@app.command()
def stop(stack: _AnyStackOption = None) -> None:
    """Stop the servers and keep their data."""
    on_each(_started(stack), lambda daemon: f"{daemon.title}: stopped" if daemon.stop() else None)


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
    stack: StackOption = "tni",
    output: TextOutputOption = TextOutput.TEXT,
) -> None:
    """Show the mails that a stack's sandbox received, newest first. The page Postvak has those of
    one organisation."""
    database = next(
        (
            portal.settings.database
            for portal in portals.portals(stack)
            if portal.settings.smtp_port is not None
        ),
        None,
    )
    if database is None:
        fail(say("sandbox.receives_no_mail", stack=stack))
    search = " ".join(words or ())
    with portals.usable_database():
        mails = listed(received_mails(database), search)
    if output is TextOutput.JSON:
        typer.echo(as_json(Mails(stack=stack, mails=mails)))
    elif not mails:
        sentence = "sandbox.no_such_mail" if search else "sandbox.no_mail"
        typer.echo(say(sentence, stack=stack, search=plain(search)))
    else:
        typer.echo("\n\n".join("\n".join(lines(received)) for received in mails))


def _started(stack: str | None) -> list[Daemon]:
    """Return all servers that were ever started here, or those of a stack. Say so where there is
    none. Raises Failure where there is no project."""
    require_project()
    started = [
        Daemon(file.parent, file.stem)
        for file in sorted(DATA.glob(f"{stack or '*'}/*/*.pid"))
        if file.stem in (keycloaks.NAME, portals.NAME)
    ]
    if not started:
        sentence = "sandbox.never_started_for" if stack else "sandbox.never_started"
        typer.echo(say(sentence, stack=stack))
    return started
