"""Commands that tests run in their own process end as those of people do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command_line import CommandLine
from tests.support.engine import Project


def test_what_nobody_foresaw_fails_the_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process shows it, and ends with a code that means nothing else: it is not taken for a
    command that ends with 1."""

    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("acmidm.commands.validate._print_validity", fails)
    with pytest.raises(ZeroDivisionError):
        CommandLine(Project(tmp_path)).run("validate")
