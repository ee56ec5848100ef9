"""How a command ends that cannot do what is wanted: one sentence on stderr and an exit code, by one
handler."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from acmidm.cli import App, EndingCommands
from acmidm.cli import app as acmidm
from acmidm.engine.pulumi import EngineError, UnknownStack
from acmidm_onboarding.authorities.errors import Unreachable
from acmidm_onboarding.settings import InvalidSettings
from acmidm_onboarding.values.problems import Failure


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Failure("why", exit_code=1), 1),
        (InvalidSettings("why"), 2),
        (UnknownStack("why"), 2),
        (Failure("why"), 2),
        (EngineError("why"), 3),
        (Unreachable("why"), 3),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Failure) else "",
)
def test_each_kind_of_failure_has_its_exit_code(failure: Failure, code: int) -> None:
    result = CliRunner().invoke(app_that_raises(failure), ["fails"])
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", f"{failure}\n")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    try:
        (tmp_path / "absent").read_text()
    except OSError as error:
        result = CliRunner().invoke(app_that_raises(error), ["fails"])
    assert result.exit_code == 2
    assert result.stderr.startswith(
        f"{tmp_path / 'absent'} cannot be read or written: No such file or directory; "
    )


def test_what_nobody_foresaw_is_no_failure() -> None:
    """Not even an error of the operating system that is about no file."""
    for error in (KeyError("x"), OSError("x")):
        assert CliRunner().invoke(app_that_raises(error), ["fails"]).exception is error


def test_what_is_no_day_is_refused_in_one_sentence() -> None:
    words = ("import", "x.csv", "--supplier", "x", "--until", "tomorrow")
    result = CliRunner().invoke(acmidm, words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == '--until: "tomorrow" is no day; write one such as 2027-03-31\n'


def app_that_raises(error: Exception) -> typer.Typer:
    app = App(cls=EndingCommands)

    @app.command()
    def fails() -> None:
        raise error

    @app.callback()
    def options() -> None: ...

    return app
