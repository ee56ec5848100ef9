"""Each command reads every form once, and exports the state once, and once more after a run that
has written it."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from acmidm.cli import app
from acmidm.engine import pulumi as engine
from tests.support.engine import Project
from tests.support.forms import PLAIN, FormFile, write_form

_opened: list[str] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        _opened.append(str(arguments[0]))


@pytest.fixture(scope="module", autouse=True)
def _watching_files() -> None:
    sys.addaudithook(_note)  # for as long as the process lives


@pytest.fixture
def gated(project: Project, monkeypatch: pytest.MonkeyPatch) -> list[FormFile]:
    """A stack on production with its gate, one form that passes, one that is held back, and one
    that leaves."""
    project.configure(
        {
            "environment": "prod",
            "protectClients": False,
            "promotionGate": "enforce",
            "promotionStack": "none",
        }
    )
    how: dict[str, Any] = {"environment": "prod", "scopes": (PLAIN,)}
    exempted = {"promotion-gate": {"reason": "of before", "reference": "SD-1"}}
    made = [
        write_form(project.forms, "gent/passes", exemptions=exempted, **how),
        write_form(project.forms, "gent/held-back", **how),
        write_form(project.forms, "gent/leaves", exemptions=exempted, retire="2020-01-01", **how),
    ]
    for name, value in project.variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(project.folder)
    return made


@pytest.fixture
def exports(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each command of the engine was run."""
    counted, run = Counter[str](), engine._done

    def done(*words: str, **how: Any) -> Any:
        counted[" ".join(words[:2])] += 1
        return run(*words, **how)

    monkeypatch.setattr(engine, "_done", done)
    return counted


def read_by(command: str, *words: str) -> Counter[str]:
    """How often a command has opened each form."""
    _opened.clear()
    result = CliRunner().invoke(app, [command, *words, "--stack", "tni"])
    assert result.exit_code in (0, 1), result.output
    return Counter(
        Path(name).stem
        for name in _opened
        if name.endswith(".yaml") and "/gent/" in name and "organisation" not in name
    )


def test_forms_are_read_once_and_the_state_is_exported_once(
    gated: list[FormFile], exports: Counter[str]
) -> None:
    """What the program reads, in a process of its own, is not counted."""
    once = {form.path.stem: 1 for form in gated}
    assert read_by("deploy") == once
    assert exports["stack export"] == 2, "before the run, and after it"
    for command, of_forms in (
        ("review", once),
        ("drift", once),
        ("status --board", once),
        ("status", {}),
        ("history", {}),
    ):
        exports.clear()
        assert read_by(*command.split()) == of_forms, command
        assert exports["stack export"] == 1, command
