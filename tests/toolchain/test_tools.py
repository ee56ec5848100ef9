"""What a run of the tests says at its end of what it did not try, and of what it cost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.engine import ROOT
from tests.support.rooms import test_files as files_of
from tests.support.tools import require

_TESTS = """
import subprocess

from tests.support.tools import require


def test_of_a_page():
    require("Chromium", "apt-get install chromium", is_here=False)


def test_of_another_page():
    require("Chromium", "apt-get install chromium", is_here=False)


def test_of_a_state():
    require("PostgreSQL", "apt-get install postgresql", is_here=False)


def test_of_the_engine():
    require("Python", "apt-get install python3", is_here=True)
    for words in (["preview"], ["up", "--yes"], ["preview"], ["version"]):
        subprocess.run(["pulumi", *words, "--non-interactive"])
"""


def test_the_last_lines_say_what_was_not_tried_and_what_it_cost(tmp_path: Path) -> None:
    """Without a tool the run passes. Counted are the commands that start a program or providers."""
    (tmp_path / "test_some.py").write_text(_TESTS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-c", os.devnull, tmp_path],
        cwd=ROOT,
        env={**os.environ, "CI": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-4:-1] == [
        "commands of the engine: 3 (2 preview, 1 up)",
        "not tried: 2 tests, for Chromium is not here; apt-get install chromium brings it",
        "not tried: 1 test, for PostgreSQL is not here; apt-get install postgresql brings it",
    ]


def test_in_ci_nothing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="Chromium is not here"):
        require("Chromium", "apt-get install chromium", is_here=False)


@pytest.mark.parametrize("room", ["render", "end_to_end/keycloak"])
def test_a_rooms_own_tests_come_first(room: str) -> None:
    assert files_of(room)[0] == f"tests/{room}"


def test_what_stands_on_a_room_is_tested_with_it() -> None:
    """Also by way of the command line, which finds its commands by their files."""
    files = files_of("values")
    assert {"tests/forms/test_samples.py", "tests/commands/test_validate.py"} <= {*files}
    assert not any("end_to_end" in file for file in files)
    assert "tests/edit/test_new.py" in files_of("commands")
    assert "tests/forms/test_sizes.py" not in files_of("render")


def test_a_room_that_is_not_there_is_refused() -> None:
    with pytest.raises(SystemExit, match="there is no room kitchen: name a folder of tests/"):
        files_of("kitchen")
