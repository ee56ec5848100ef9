"""What all commands have in common: help that teaches, sentences that count, and how they fail."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from acmidm import status
from acmidm.cli import App


def test_one_is_not_several() -> None:
    """In the sentences that count."""
    assert status._nothing(["tni"], True, "", None, 1) == "no connection on tni has a key that ends within 1 day"


def test_what_nobody_foresaw_is_one_sentence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback, which could hold a secret; an exit code that means nothing else."""
    app = App(pretty_exceptions_enable=False)

    @app.command()
    def fails() -> None:
        raise KeyError("the-client-secret")

    monkeypatch.setattr("sys.argv", ["acmidm"])
    monkeypatch.delenv("ACMIDM_DETAILS", raising=False)
    with pytest.raises(SystemExit) as ended:
        app()
    assert ended.value.code == 70
    said = capsys.readouterr().err
    assert said.startswith("acmidm met something unforeseen (KeyError); run it again with ACMIDM_DETAILS=1")
    assert "the-client-secret" not in said
    assert said.count("\n") == 1


def test_every_command_teaches() -> None:
    """The help of each has an example and its exit codes, as that of the whole promises."""
    from acmidm.cli import app

    commands = [words for words in _commands(get_command(app)) if len(words) == 1]
    assert len(commands) > 10
    for words in commands:
        said = CliRunner().invoke(app, [*words, "--help"]).output
        assert f"acmidm {words[0]}" in said.partition("Examples")[2], words
        assert "Exit codes" in said, words


def test_the_version_is_told() -> None:
    """For a report of a mistake."""
    from acmidm.cli import app

    said = CliRunner().invoke(app, ["--version"])
    assert (said.exit_code, said.output) == (0, f"acmidm {version('acmidm-onboarding')}\n")


def test_nothing_of_the_help_is_swallowed() -> None:
    """It is Markdown: what stands in angle brackets is a tag there, and not shown."""
    from acmidm.cli import app

    commands = list(_commands(get_command(app)))
    assert len(commands) > 10
    for words in commands:
        assert "Pulumi..yaml" not in CliRunner().invoke(app, [*words, "--help"]).output, words


def _commands(command: Any, *words: str) -> Iterator[tuple[str, ...]]:
    yield words
    for name, below in getattr(command, "commands", {}).items():
        yield from _commands(below, *words, name)
