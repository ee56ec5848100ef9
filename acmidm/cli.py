"""Finds the commands: one file each, in ``acmidm/commands``. A command is imported when it is
called.

A file has a function of its own name and an ``EPILOG``, or a group of commands as ``app``. Its
first line is what ``acmidm --help`` says of it.
"""

from __future__ import annotations

import ast
import errno
import inspect
import os
import sys
from collections.abc import Callable
from functools import cache, wraps
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from acmidm.ended import INSTEAD
from acmidm.project import in_project
from acmidm.terminal import escape_what_cannot_be_shown, fail, give_up_output
from acmidm_onboarding.texts import Language, speak
from acmidm_onboarding.values.problems import Failure

DETAILS = "ACMIDM_DETAILS"
"""The environment variable with which a traceback is shown."""
_OUR_PACKAGES = ("acmidm", "acmidm_onboarding", "acmidm_sandbox")
_COMMANDS = "acmidm.commands"
USED_BY = {
    "organisation, supplier": ("form", "new", "keys", "validate", "probe", "promote"),
    "reviewer": ("review",),
    "onboarding team": (
        "deploy",
        "drift",
        "orders",
        "import",
        "secret",
        "remind",
        "github",
        "schema",
    ),
    "service desk": ("status", "history"),
    "sandbox": ("sandbox",),
}
"""Who mostly uses each command: so ``acmidm --help`` groups them."""
_LanguageOption = Annotated[
    Language, typer.Option(envvar="ACMIDM_LANGUAGE", help="In which language.")
]
UNEXPECTED = 70
"""EX_SOFTWARE of sysexits.h: no exit code that a command gives a meaning."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""A disk that is full, or what of it somebody may use."""


class CommandGroup(TyperGroup):
    """A group of commands. Of a command that an earlier version had, it says what people do
    instead."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that ``args`` name, as Typer does. One of ``INSTEAD`` ends the process
        as wrong use, with its sentence."""
        if self.get_command(ctx, args[0]) is None:
            name = " ".join([*ctx.command_path.split()[1:], args[0]])
            # A shell that only completes a word parses so: it shows no sentence.
            if not ctx.resilient_parsing and (instead := INSTEAD.get(name)) is not None:
                ctx.fail(f"acmidm {name} has ended; {instead}")
        return super().resolve_command(ctx, args)


class EndingCommands(CommandGroup):
    """A group that ends each command that fails with a sentence on stderr, and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command. A Failure has its exit code; a package that is missing gives 1; a file
        that cannot be read or written gives 2. All else is a mistake of ours, and is raised."""
        try:
            return super().invoke(ctx)
        except Failure as failure:
            fail(str(failure), failure.exit_code)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] in _OUR_PACKAGES:
                raise
            fail(
                f"this command needs the package {error.name}, which is not installed; run pip"
                " install 'acmidm-onboarding[cli,sandbox]'",
                1,
            )
        except OSError as error:
            # Of two names, as for a link, the second is written.
            file = error.filename2 or error.filename
            if error.errno in _FULL:
                # The error of a stream names no file: that is standard output.
                if file is None:
                    give_up_output()
                fail(
                    f"{file or 'standard output'} cannot be written: {error.strerror}; make room"
                    " on its disk, and run the command again"
                )
            if file is None:
                raise
            fail(
                f"{file} cannot be read or written: {error.strerror}; check its name, its folder"
                " and your rights"
            )


class Commands(EndingCommands):
    """All commands, each in its file. A file is imported when its command is run, and not for a
    list of names."""

    _is_listing = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Typer lists these names, and suggests one for a misspelt name.
        self.commands: dict[str, Any] = dict.fromkeys(command_names())

    def get_command(self, _: Any, cmd_name: str) -> Any:
        """Return a command, imported; for a list only its name, summary and panel; None where there
        is no such command."""
        if cmd_name not in _files():
            return None
        if not self._is_listing:
            return load(cmd_name)
        panel = next(reader for reader, names in USED_BY.items() if cmd_name in names)
        return TyperCommand(cmd_name, help=summary(cmd_name), rich_help_panel=panel.capitalize())

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Show the list of commands, and import none."""
        self._is_listing = True
        super().format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Complete the name of a command, and import none."""
        self._is_listing = True
        return super().shell_complete(ctx, incomplete)


class App(typer.Typer):
    """The command line. It never shows a traceback, which could hold secrets."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command. An exception that no code foresaw ends it with 70 and one sentence, which
        says how to see the traceback."""
        escape_what_cannot_be_shown()
        try:
            return super().__call__(*args, **kwargs)
        except Exception as error:
            if os.environ.get(DETAILS):
                raise
            if "_ACMIDM_COMPLETE" in os.environ:
                # A shell would show the sentence amid what is typed.
                sys.exit(UNEXPECTED)
            typer.echo(
                f"acmidm met something unforeseen ({type(error).__name__}); run it again with"
                f" {DETAILS}=1 for the details, look them through for secrets, and report them",
                err=True,
            )
            sys.exit(UNEXPECTED)


app = App(
    cls=Commands,
    help=(
        "Connect organisations to government APIs through ACM/IDM: check, review, follow and"
        " explain what the forms declare."
    ),
    epilog=(
        "acmidm COMMAND --help shows examples and exit codes. acmidm --install-completion completes"
        " words in your shell."
    ),
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from acmidm_onboarding.installed import VERSION

        typer.echo(f"acmidm {VERSION}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show the version, and exit."
        ),
    ] = False,
) -> None:
    """What there is before a command."""


@cache
def _files() -> dict[str, tuple[str, Path]]:
    """Return the module and the file of each command, as {"review": ("acmidm.commands.review",
    Path(".../review.py"))}. ``import_.py`` is import, since Python has a word of that name."""
    files = {}
    for file in Path(__file__).with_name("commands").glob("[!_]*.py"):
        name = file.stem.rstrip("_").replace("_", "-")
        files[name] = f"{_COMMANDS}.{file.stem}", file
    return files


def command_names() -> list[str]:
    """Return the names of all commands, in the order of those who use them."""
    return [*chain(*USED_BY.values())]


def summary(name: str) -> str:
    """Return what ``acmidm --help`` says of a command: the first paragraph of its file's docstring,
    which is read without an import."""
    return (
        (ast.get_docstring(ast.parse(_files()[name][1].read_bytes())) or "")
        .partition("\n\n")[0]
        .replace("\n", " ")
    )


@cache
def load(name: str) -> Any:
    """Import a command, or a group of commands, once, and return it. It runs in the project's
    folder, and speaks the reader's language."""
    module = import_module(_files()[name][0])
    loaded = typer.Typer(rich_markup_mode="markdown")
    if isinstance(group := getattr(module, "app", None), typer.Typer):
        loaded.add_typer(group, name=name, cls=CommandGroup)
    else:
        function = getattr(module, module.__name__.rpartition(".")[2])
        loaded.command(name, epilog=module.EPILOG)(function)
    _wrap_commands(loaded)
    return typer.main.get_group(loaded).commands[name]


def _wrap_commands(group: typer.Typer) -> None:
    """Have each command of a group, and of the groups below it, run in the project's folder and
    speak the language of ``--language``."""
    for command in group.registered_commands:
        command.callback = command.callback and _speaking(in_project(command.callback))
    for below in group.registered_groups:
        if below.typer_instance:
            _wrap_commands(below.typer_instance)


def _speaking(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that speaks the language of ``--language``, which it gets as an option. A
    command with such an option reads it itself, and speaks it where somebody gave it."""
    signature = inspect.signature(command, eval_str=True)
    if "language" in signature.parameters:
        return _speaking_given_language(command, signature)

    @wraps(command)
    def run(*, language: Language, **options: Any) -> None:
        speak(language)
        command(**options)

    return _with_parameter(run, signature, "language", _LanguageOption, Language.EN)


def _speaking_given_language(
    command: Callable[..., None], signature: inspect.Signature
) -> Callable[..., None]:
    """Return a command that also speaks the language of its own ``--language``, in which it
    reports. Where its user gave none, it keeps to English: its default is that of the report
    alone, such as Dutch for an organisation."""

    @wraps(command)
    def run(*, context: typer.Context, **options: Any) -> None:
        source, language = context.get_parameter_source("language"), options["language"]
        if source and source.name != "DEFAULT" and language in list(Language):
            speak(Language(language))
        command(**options)

    return _with_parameter(run, signature, "context", typer.Context)


def _with_parameter(
    run: Callable[..., None],
    signature: inspect.Signature,
    name: str,
    annotation: object,
    default: object = inspect.Parameter.empty,
) -> Callable[..., None]:
    """Return ``run`` with a signature, and one more parameter: Typer reads options from these."""
    parameter = inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default
    )
    parameters = [*signature.parameters.values(), parameter]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return run
