"""The process that the tests' Pythons are forked from outlives whoever uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.engine import ROOT
from tests.support.offered import RUN, SHARED, write_catalogue

pytestmark = pytest.mark.exhaustive
_SECONDS = 60
_ASK = """
import subprocess
from tests.support.warm_server import warm_environment

subprocess.run([warm_environment() / "bin" / "acmidm", "--version"], check=True, timeout=60)
"""
_FOR_EACH_RUN = """
import os, shutil, subprocess, sys
from tests.support.warm_server import warm_environment

for run in sys.argv[1:]:
    os.environ["ACMIDM_TESTS_SHARED"] = run
    subprocess.run([warm_environment() / "bin" / "acmidm", "--version"], check=True, timeout=60)
    shutil.rmtree(run)
"""
_KILLED = """
import marshal, socket
from tests.support.warm_server import warm_environment

def killed(*said):
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(warm_environment() / "socket"))
    for words in said:
        socket.send_fds(client, [words], [0, 1, 2])
    client.close()

killed()
killed((9).to_bytes(4, "big"))
killed((9).to_bytes(4, "big"), b"abc")
asked = marshal.dumps(("/", ["-m", "keyword"], {}, 0o22))
killed(len(asked).to_bytes(4, "big"), asked)
"""


def python(script: str, shared: Path | None, *words: str | Path) -> str:
    """What a worker of a run says, or Python without a run."""
    environment = {name: value for name, value in os.environ.items() if name != SHARED}
    if shared:
        environment[SHARED] = str(shared)
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    return done.stdout


def run_of_tests(folder: Path) -> int:
    """Begin a run of the tests in a folder. Return what ends it when it is closed."""
    folder.mkdir()
    write_catalogue(folder / "catalogue")
    os.mkfifo(folder / RUN)
    return os.open(folder / RUN, os.O_RDWR)


def test_each_worker_of_a_run_is_answered(tmp_path: Path) -> None:
    """One that comes when all others have ended, and one that comes after a server that did not
    start: neither waits for ever."""
    shared = tmp_path / "run"
    run = run_of_tests(shared)
    (shared / "warm").mkdir()
    (shared / "warm" / "socket").touch()
    assert not python(_ASK, shared)
    (shared / "warm" / "socket").unlink()
    first = python(_ASK, shared)
    assert first.startswith("acmidm ")
    assert python(_ASK, shared) == first
    os.close(run)


def test_each_run_of_a_process_has_its_own(tmp_path: Path) -> None:
    """As ``make defects`` runs the tests once for each authority, in one process."""
    runs = [tmp_path / name for name in ("one", "two")]
    ends = list(map(run_of_tests, runs))
    said = python(_FOR_EACH_RUN, None, *runs)
    assert said.count("acmidm ") == len(runs)
    for end in ends:
        os.close(end)


def test_a_client_that_is_killed_ends_nobody_else() -> None:
    """Before it has asked, while it asks, or before it is answered."""
    assert python(_KILLED + _ASK, None).startswith("acmidm ")
