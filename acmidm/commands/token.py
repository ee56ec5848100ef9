"""Get a token for a program: in its environment, or at a socket."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from acmidm.commands.keys import PassphraseOption
from acmidm.commands.probe import KidOption, PlatformOption, StackOption
from acmidm.edit.keys.pair import repository_of
from acmidm.edit.keys.passphrase import known_passphrase
from acmidm.engine.stacks import stack_of
from acmidm.private_key import read_private_key
from acmidm.probe.inputs import ProbeInputs, given
from acmidm.probe.token_socket import serving
from acmidm.probe.tokens import Tokens, chosen
from acmidm.project import started_in
from acmidm.terminal import fail
from acmidm_onboarding.texts import say, spoken, texts
from acmidm_onboarding.values.client import recorded_as
from acmidm_onboarding.values.problems import Failure, quoted

VARIABLE = "ACCESS_TOKEN"
GET = """
**Examples**

- `acmidm token onboardings/stad-gent/mijn-gent.yaml --stack tni --private-key mijn-gent.pem --exec ./send.sh 42`
- `acmidm token onboardings/stad-gent/mijn-gent.yaml --stack tni --private-key mijn-gent.pem --audience dosis --print`

**Exit codes**: that of the program; else 1 the token is refused; 2 wrong use, or a program that
cannot be started; 3 nobody answers.
"""  # noqa: E501
SERVE = """
**Examples**

- `acmidm token serve onboardings/stad-gent/mijn-gent.yaml --stack tni --private-key mijn-gent.pem --socket ~/gent.sock`
- `curl --unix-socket ~/gent.sock http://localhost/token --data audience=dosis`

**Exit codes**: 0 stopped by SIGTERM or Ctrl-C; 2 wrong use, or no place for the socket.
"""  # noqa: E501


class _Token(TyperGroup):
    """Takes a form where another group has the name of a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        is_named = not args or args[0] in (*self.commands, *ctx.help_option_names)
        return super().parse_args(ctx, args if is_named else ["get", *args])


class _Get(TyperCommand):
    """Leaves all that follows ``--exec`` to the program, its options too."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        program = args.index("--exec") + 1 if "--exec" in args else len(args)
        return super().parse_args(ctx, [*args[:program], "--", *args[program:]])


app = typer.Typer(help=__doc__, epilog=GET, no_args_is_help=True, cls=_Token)
FormArgument = Annotated[
    Path,
    typer.Argument(metavar="FORM", help="The form, such as onboardings/stad-gent/mijn-gent.yaml."),
]
KeyOption = Annotated[
    Path,
    typer.Option(
        metavar="FILE",
        help="The private key: PEM or a JSON Web Key. It is neither shown nor sent.",
    ),
]
ClientIdOption = Annotated[
    str | None,
    typer.Option(
        metavar="ID",
        help="The client-ID that was handed over.",
        show_default="from evidence, adopt in the form, or the stack",
    ),
]


@app.command("get", epilog=GET, cls=_Get)
def get(
    form: FormArgument,
    stack: StackOption,
    private_key: KeyOption,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SCOPE",
            help="A scope of the form; may be repeated.",
            show_default="all for the API",
        ),
    ] = None,
    audience: Annotated[
        str | None,
        typer.Option(
            metavar="API",
            help="The API: its product, or its client-ID.",
            show_default="that of the scopes",
        ),
    ] = None,
    is_executed: Annotated[
        bool,
        typer.Option(
            "--exec", help="Start the program that follows, with the token in ACCESS_TOKEN."
        ),
    ] = False,
    program: Annotated[
        list[str] | None,
        typer.Argument(metavar="PROGRAM", help="With --exec: the program and its arguments."),
    ] = None,
    is_printed: Annotated[
        bool, typer.Option("--print", help="Print the token: whoever reads it can use it.")
    ] = False,
    client_id: ClientIdOption = None,
    kid: KidOption = None,
    platform: PlatformOption = "acmidm",
    passphrase_fd: PassphraseOption = None,
) -> None:
    """Get a token for a program, which has it in its environment as ACCESS_TOKEN. The word get may
    be left out.

    It is kept until shortly before its end, in a file (0600) in ~/.cache/acmidm/tokens, or below
    XDG_CACHE_HOME. The program runs in your folder; its exit code is that of the command.
    """
    if is_printed == bool(program) or is_executed != bool(program):
        fail(say("token.print_or_exec"))
    tokens = _tokens(form, stack, private_key, client_id, kid, platform, passphrase_fd)
    token = tokens.current(chosen(tokens.trial, scope or [], audience)).access_token
    if is_printed or not program:
        typer.echo(token)
        return
    os.chdir(started_in())
    try:
        os.execvpe(program[0], program, {**os.environ, VARIABLE: token})  # noqa: S606 - what the user named
    except OSError as error:
        raise Failure(
            say("token.no_program", program=quoted(program[0]), reason=error.strerror)
        ) from None


@app.command("serve", epilog=SERVE)
def serve(
    form: FormArgument,
    stack: StackOption,
    private_key: KeyOption,
    file: Annotated[
        Path,
        typer.Option("--socket", metavar="PATH", help="The Unix socket, for your programs alone."),
    ],
    client_id: ClientIdOption = None,
    kid: KidOption = None,
    platform: PlatformOption = "acmidm",
    passphrase_fd: PassphraseOption = None,
) -> None:
    """Hand out tokens at a Unix socket (0600) to programs of the same user, and renew them.

    POST /token takes scope and audience as a token endpoint does, each optional, and answers with
    access_token, token_type and expires_in, else with error and error_description (RFC 6749). One
    request to the issuer serves all who wait for it.
    """
    tokens = _tokens(form, stack, private_key, client_id, kid, platform, passphrase_fd)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with serving(tokens, file):
        typer.echo(say("token.serves", file=file), err=True)
        stopped.wait()


def _tokens(
    form: Path,
    stack: str,
    file: Path,
    client_id: str | None,
    kid: str | None,
    platform: str,
    passphrase_fd: int | None,
) -> Tokens:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "acmidm" / "tokens"
    if repository := repository_of(folder):
        raise Failure(say("token.in_repository", folder=folder, repository=repository))
    connection = given(form, stack, platform, client_id)
    if connection.context.client_id is None:
        connection = given(form, stack, platform, _recorded_id(connection, stack))
    key = read_private_key(file, lambda: known_passphrase(passphrase_fd, texts("keys", spoken())))
    return Tokens(connection.trial(key, kid, sends_test_message=False), folder)


def _recorded_id(connection: ProbeInputs, stack: str) -> str | None:
    with suppress(Failure):  # an integrator has neither engine nor state, and gives the client-ID
        record = recorded_as(connection.connection, stack_of(stack).recorded.parts)
        return record.client_id if record else None
    return None
