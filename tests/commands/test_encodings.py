"""A terminal or a pipe that cannot show every character gets what it can show, and the rest
escaped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from acmidm import main
from tests.support.workspace import CATALOGUE, ORGANISATION, WITHOUT_KEYS, Workspace

NAME = "Stad Gent, Łódź é"
PROCESSES = {
    "ascii by the locale": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "utf-8": {"PYTHONIOENCODING": "utf-8"},
}
"""Streams as Python makes them; those of other names are made here, with the encoding of that
name."""
COMMANDS = {
    "board": ("status", "--board"),
    "review": ("review", "--base", "HEAD~1"),
    "mistakes": ("validate", "onboardings/é en ł"),
    "new": (
        *(
            "new",
            "--organisation",
            NAME,
            "--ovo",
            "OVO001234",
            "--application",
            "x",
            "--contact",
            "a@b.example",
        ),
        *("--product", "notificaties", "--set", "notificaties.product_ids=10244"),
    ),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of one organisation whose form changes; its stack's authority is down."""
    made = Workspace(tmp_path_factory.mktemp("repository"))
    for name, text in CATALOGUE.items():
        made.write(f"catalogue/{name}", text)
    made.write("Pulumi.yaml", "name: acmidm\nruntime: python\n")
    servers = {
        f"acmidm:{key}": "http://127.0.0.1:9/x"
        for key in ("managementUrl", "issuer", "productsUrl")
    }
    made.write(
        "Pulumi.tni.yaml",
        {"config": {"acmidm:environment": "tni", "acmidm:operatorClientId": "x", **servers}},
    )
    made.write_organisation(ORGANISATION.replace("Stad Gent", NAME))
    made.write_form(WITHOUT_KEYS)
    git(made.root, "init", "--quiet")
    git(made.root, "add", ".")
    git(made.root, "commit", "--quiet", "--message", "one")
    made.write_form(
        WITHOUT_KEYS.replace("reason: dossiers", "reason: dossiers en ł").replace("10245", "10246")
    )
    git(made.root, "commit", "--quiet", "--all", "--message", "two")
    return made.root


def git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=x", "-c", "user.email=x@y.example", *words], cwd=folder, check=True
    )


def acmidm(folder: Path, stream: str, *words: str) -> tuple[int, str, str]:
    """The exit code, standard output and standard error, as the stream's encoding has them."""
    run = in_a_process if stream in PROCESSES else here
    code, *written = run(folder, stream, *words)
    encoding = stream.partition(" ")[0]
    output, errors = (part.decode(encoding) for part in written)
    return code, output, errors


def in_a_process(folder: Path, stream: str, *words: str) -> tuple[int, bytes, bytes]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHONIOENC", "LC_", "LANG"))
    }
    done = subprocess.run(
        [sys.executable, "-c", "import acmidm; acmidm.main()", *words],
        cwd=folder,
        env={**environment, **PROCESSES[stream]},
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def here(folder: Path, stream: str, *words: str) -> tuple[int, bytes, bytes]:
    output, errors = BytesIO(), BytesIO()
    with (
        chdir(folder),
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(TextIOWrapper(output, stream)) as standard_output,
        redirect_stderr(TextIOWrapper(errors, stream, "backslashreplace")) as standard_error,
    ):
        patch.setattr(sys, "argv", ["acmidm", *words])
        with pytest.raises(SystemExit) as end:
            main()
        standard_output.flush()
        standard_error.flush()
    assert isinstance(end.value.code, int)
    return end.value.code, output.getvalue(), errors.getvalue()


def _reviews() -> Iterator[tuple[str, str, str]]:
    for output in ("text", "markdown", "json"):
        for stream in ("ascii", "latin-1"):
            yield "review", output, stream


def _with_processes() -> Iterator[ParameterSet]:
    """Yield boards, which have the engine asked for the state, and streams of another process."""
    for output in ("text", "html"):
        for stream in ("ascii", "latin-1"):
            yield pytest.param("board", output, stream, marks=pytest.mark.tool)
    for stream in PROCESSES:
        yield pytest.param("review", "text", stream, marks=pytest.mark.tool)


@pytest.mark.parametrize(("command", "output", "stream"), [*_reviews(), *_with_processes()])
def test_what_cannot_be_shown_is_escaped(
    place: Path, command: str, output: str, stream: str
) -> None:
    """In text and Markdown. JSON is ASCII anyway; a page has the characters by their numbers, and
    shows them."""
    code, said, errors = acmidm(place, stream, *COMMANDS[command], "--output", output)
    assert code in (0, 1), errors
    assert "unforeseen" not in errors
    if output == "json":
        assert said.isascii()
        assert "Łódź" in str(json.loads(said))
    elif output == "html":
        assert said.isascii()
        assert "&#" in said
    else:
        encoding = stream.partition(" ")[0]
        assert NAME.encode(encoding, "backslashreplace").decode(encoding) in said


@pytest.mark.parametrize("stream", ["ascii", "latin-1"])
@pytest.mark.parametrize("command", ["mistakes", "new"])
def test_sentences_are_escaped_too(place: Path, stream: str, command: str) -> None:
    """Those of standard error, of the texts that organisations read, and names of files."""
    code, said, errors = acmidm(place, stream, *COMMANDS[command])
    assert (code, "unforeseen" in errors) == (2, False), errors
    assert said + errors
