"""What a run of the tests says at its end of what it did not try, and of what it cost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.engine import ROOT
from tests.support.tools import require

_TESTS = """
import subprocess

import pytest

from tests.support.tools import require


def test_of_a_page():
    require("Chromium", "apt-get install chromium", is_here=False)


def test_of_another_page():
    require("Chromium", "apt-get install chromium", is_here=False)


def test_of_a_state():
    require("PostgreSQL", "apt-get install postgresql", is_here=False)


@pytest.mark.tool
def test_of_the_engine():
    require("Python", "apt-get install python3", is_here=True)
    for words in (["preview"], ["up", "--yes"], ["preview"], ["version"]):
        subprocess.run(["pulumi", *words, "--non-interactive"])
"""


@pytest.mark.tool
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


@pytest.mark.parametrize(
    ("start", "named"),
    [
        (lambda: subprocess.run(["true"], check=True), "starts true;"),
        (lambda: subprocess.run("true /bin/git", check=True, shell=True), "starts sh;"),  # noqa: S602
        (lambda: subprocess.run(["git"], check=True, executable="/bin/true"), "starts true;"),
        (lambda: os.posix_spawn("/bin/true", ["true"], {}), "starts a fork;"),
        (os.fork, "starts a fork;"),
    ],
    ids=["run", "shell", "executable", "spawn", "fork"],
)
def test_a_test_of_python_alone_starts_no_process(start: Callable[[], object], named: str) -> None:
    """But Git's, which all may start."""
    subprocess.run(["git", "--version"], check=True, capture_output=True)
    with pytest.raises(pytest.fail.Exception, match=named):
        start()


def test_in_ci_nothing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="Chromium is not here"):
        require("Chromium", "apt-get install chromium", is_here=False)
