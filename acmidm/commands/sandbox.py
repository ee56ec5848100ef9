"""Start and stop the authorities of a stack that this machine plays."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from typing import Annotated, Any

import typer

from acmidm import completion
from acmidm.sandbox.daemons import Daemon
from acmidm.sandbox.portals import DATA, portals, read_people
from acmidm.terminal import StackOption, TextOutput, TextOutputOption
from acmidm_onboarding.project import require_project
from acmidm_onboarding.values.problems import Failure, on_one_line
from acmidm_onboarding.values.searching import word_matcher

_EPILOG = """
**Examples**

- `acmidm sandbox start --stack tni`
- `acmidm sandbox status`
- `acmidm sandbox mail gent --stack tni`
- `acmidm sandbox stop`

**Exit codes**: 0 done; 1 a server does not run or could not be started; 2 wrong use, or a wrong
setting.
"""

_PACKAGE_OF_SANDBOX = "uvicorn"
"""A package that only the extra ``sandbox`` installs."""

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
    """Start the portals that a stack's settings place on this machine.

    Those that run with the same settings are left alone, others started anew. The people of
    people.yaml, and nobody else, can log on at the portals from then on. The password of each that
    is new is shown this once.
    """
    if find_spec(_PACKAGE_OF_SANDBOX) is None:
        # The command line reports it as it reports any package that is missing.
        raise ModuleNotFoundError(name=_PACKAGE_OF_SANDBOX)
    # Every portal's file is made before the first portal starts, and all ports are looked at: a
    # mistake starts none, nor does a taken port.
    portals_here = list(portals(stack))
    people = read_people() if any(portal.is_issuer for portal in portals_here) else []
    if not portals_here:
        typer.echo(f"stack {stack} has no authority on this machine: there is nothing to start")
    checks, starts = [], []
    for portal in portals_here:
        file = portal.file(people, strict)
        checks.append(partial(portal.daemon.require_free_ports, portal.program(file)))
        starts.append(partial(portal.start, file))
    _do_each(checks)
    _do_each(starts)


@app.command()
def stop(stack: _AnyStackOption = None) -> None:
    """Stop the servers and keep their data."""
    _do_each([partial(_stop, daemon) for daemon in _started(stack)])


@app.command()
def status(stack: _AnyStackOption = None) -> None:
    """Show which servers run; the exit code is 0 when all of them answer, else 1."""
    all_answer = True
    for daemon in _started(stack):
        answers, condition = daemon.condition()
        typer.echo(f"{daemon.title}: {condition}")
        all_answer = all_answer and answers
    if not all_answer:
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
    # One portal of a stack receives mail at most: that of ACM/IDM.
    folders = [portal.mails for portal in portals(stack) if portal.mails is not None]
    if not folders:
        raise Failure(
            f"stack {stack} has no sandbox that receives mail; that needs acmidm:smtpUrl in"
            f" Pulumi.{stack}.yaml to be smtp on loopback"
        )
    search = " ".join(words or ())
    has_words = word_matcher(search)
    read = subprocess.run(
        [sys.executable, "-P", "-m", "acmidm_sandbox.beheerportaal.mail", folders[0]],
        stdout=subprocess.PIPE,
        check=True,
    )
    mails = [mail for mail in json.loads(read.stdout) if has_words(_searched_text(mail))]
    if output is TextOutput.JSON:
        report = json.dumps({"stack": stack, "mails": mails}, indent=2)
        # In a pipeline's log, two of these at the beginning of a line are a command.
        typer.echo(report.replace("##", "#\\u0023"))
    elif not mails:
        that_has = f' that has "{on_one_line(search)}"' if search else ""
        typer.echo(f"the sandbox of {stack} received no mail{that_has}")
    else:
        typer.echo("\n\n".join("\n".join(_lines(mail)) for mail in mails))


def _searched_text(mail: Mapping[str, Any]) -> str:
    """Return all that a search looks in, in lower case."""
    parts = (
        mail["connection"],
        mail["subject"],
        mail["sender"],
        *mail["recipients"],
        mail.get("message_id"),
        mail.get("text"),
    )
    return " ".join(part or "" for part in parts).casefold()


def _lines(mail: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a mail: when it came and of which connection, who got it, and its text,
    indented. Whatever is in it does nothing to a terminal or a pipeline."""
    about, subject = mail["connection"] or "no connection", mail["subject"] or "no subject"
    yield on_one_line(f"{mail['at'][:16].replace('T', ' ')} UTC  {about}  {subject}")
    times = f", received {mail['received']} times" if mail["received"] > 1 else ""
    yield on_one_line(f"  to {', '.join(mail['recipients'])}{times}")
    yield ""
    for line in (mail.get("text") or "no text").strip("\n").split("\n"):
        yield f"    {on_one_line(line.replace(chr(9), '    '))}".rstrip()


def _started(stack: str | None) -> list[Daemon]:
    """Return the servers that were ever started in this project, whether they run or not: those of
    a stack, or all. Print that there is none where that is so. Raises Failure without a project."""
    require_project()
    files = sorted(DATA.glob(f"{stack or '*'}/*/*.pid"))
    started = [Daemon(file.parent, file.stem) for file in files]
    if not started:
        for_stack = f" for stack {stack}" if stack else ""
        typer.echo(f"no sandbox was ever started in this project{for_stack}")
    return started


def _stop(daemon: Daemon) -> str | None:
    return f"{daemon.title}: stopped" if daemon.stop() else None


def _do_each(actions: Iterable[Callable[[], str | None]]) -> None:
    """Do every action, though one fails, and print the sentence that it returns, or the reason why
    it failed. End the command with 1 where one failed."""
    failed = False
    for action in actions:
        try:
            sentence = action()
        except Failure as failure:
            typer.echo(str(failure), err=True)
            failed = True
        else:
            if sentence:
                typer.echo(sentence)
    if failed:
        raise typer.Exit(1)
