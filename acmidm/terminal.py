"""What all commands share at a terminal: options, exit codes, output formats, progress, and how to
fail."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from acmidm import completion
from acmidm_onboarding.texts import Language, speak, spoken
from acmidm_onboarding.values.problems import on_one_line

if TYPE_CHECKING:
    from pydantic import BaseModel


_ASCII = "ascii_escaped"


class Output(StrEnum):
    """How a report of changes is written, which may be a comment or an issue."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


class ListOutput(StrEnum):
    """How a list of connections is written."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"


class TableOutput(StrEnum):
    """How a list of connections is written that a spreadsheet reads too."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"
    CSV = "csv"


class TextOutput(StrEnum):
    """How a report is written that is too short for a page of its own."""

    TEXT = "text"
    JSON = "json"


class Code(IntEnum):
    """The exit codes of every command that reports."""

    WELL = 0
    FOUND = 1
    """The report has something that needs a person."""
    WRONG_USE = 2
    UNREACHABLE = 3
    """Something outside, such as an authority, does not answer."""


def each_once(stacks: list[str] | None) -> list[str] | None:
    """Return the stacks that an option names, each once, so that none is reported twice."""
    return stacks and list(dict.fromkeys(stacks))


StackOption = Annotated[
    str,
    typer.Option(
        metavar="STACK",
        help="The stack, as in Pulumi.STACK.yaml.",
        autocompletion=completion.stacks,
    ),
]
StacksOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="STACK",
        help="The stack, as in Pulumi.STACK.yaml; may be repeated.",
        show_default="tni",
        callback=each_once,
        autocompletion=completion.stacks,
    ),
]
PassphraseOption = Annotated[
    int | None,
    typer.Option(
        "--passphrase-fd",
        min=0,
        metavar="N",
        help="Read the passphrase from this file descriptor, its first line.",
        show_default=False,
    ),
]
OutputOption = Annotated[
    Output,
    typer.Option(
        "--output",
        "-o",
        help="text for people, markdown for comments, json for programs.",
    ),
]
ListOutputOption = Annotated[
    ListOutput,
    typer.Option("--output", "-o", help="text for people, json for programs, html for a page."),
]
TextOutputOption = Annotated[
    TextOutput, typer.Option("--output", "-o", help="text for people, json for programs.")
]


def fail(message: str, code: int = Code.WRONG_USE) -> NoReturn:
    """End the command with a sentence a line on stderr, and this exit code. Control characters in
    names are spelled out, so that they do nothing to a terminal or a pipeline."""
    typer.echo("\n".join(map(on_one_line, message.split("\n"))), err=True)
    raise typer.Exit(code)


def warn(reason: object) -> None:
    """Write a warning of one line to stderr; the command goes on."""
    typer.echo(on_one_line(f"warning: {reason}"), err=True)


def day_in(option: str, text: str) -> date:
    """Return the day that an option has, 2027-12-31. End the command by ``fail`` where it has
    none."""
    # Imported here: no other command needs pydantic before it begins.
    from acmidm_onboarding.values.names import day

    try:
        return day(text)
    except ValueError as error:
        fail(f"{option}: {error}")


def give_up_output() -> None:
    """Send the rest of the output nowhere, where standard output takes no more, such as a pipe to
    ``head``. When it ends, Python would write the rest again, and show a traceback."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def escape_what_cannot_be_shown() -> None:
    """Make standard output and error write a character that their encoding lacks as ``\\u2192``,
    in the place of an error."""
    codecs.register(_find_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            is_ascii = codecs.lookup(stream.encoding).name == "ascii"
            encoding = _ASCII if is_ascii else None
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def _find_ascii(name: str) -> codecs.CodecInfo | None:
    """Return the codec of ASCII for the name ``ascii_escaped``, None for any other: to a stream
    whose encoding is called "ascii" Typer writes UTF-8."""
    if name != _ASCII:
        return None
    codec = codecs.lookup("ascii")
    return codecs.CodecInfo(
        codec.encode,
        codec.decode,
        None,
        None,
        codec.incrementalencoder,
        codec.incrementaldecoder,
        _ASCII,
    )


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Make this process speak ``language`` inside a ``with``, for a report in the language of an
    organisation."""
    before = spoken()
    speak(language)
    try:
        yield
    finally:
        speak(before)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show ``what`` and the time so far on a terminal, inside a ``with``; nothing in a pipe or a
    log."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.add_task(what, total=None)
        yield


def as_json(report: BaseModel) -> str:
    """Return a report as JSON in ASCII, without "##", which begins a command in the log of a
    pipeline: names in it do nothing to a terminal or a pipeline."""
    import json

    return json.dumps(report.model_dump(mode="json", exclude_none=True), indent=2).replace(
        "##", "#\\u0023"
    )
