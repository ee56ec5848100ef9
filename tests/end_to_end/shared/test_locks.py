"""One state, several operators: a run that lives is not disturbed, and what a dead one left holds
nobody up."""

from __future__ import annotations

import socket
import threading
from datetime import datetime
from pathlib import Path

import pytest

from acmidm.engine import pulumi as engine
from acmidm.engine.recovery import LOOK_TAG
from tests.support.between import require_as_declared
from tests.support.engine import Outcome
from tests.support.forms import write_form
from tests.support.registry import Registry
from tests.support.shared_states import SharedProject


def test_a_lock_says_whose_it_is_and_goes_with_its_process(
    project: SharedProject, registry: Registry
) -> None:
    """Of another machine: whose, since when, and the command that clears it, as with a backend of
    files."""
    form = write_form(project.forms)
    lock = project.lock()
    refused = project.recover()
    since = datetime.fromisoformat(lock["timestamp"]).astimezone()
    assert (refused.code, refused.stdout) == (1, "")
    assert refused.stderr.splitlines() == [
        f"stack tni is locked by jan@another-machine (process {lock['pid']}) since"
        f" {since:%Y-%m-%d %H:%M:%S %Z}; wait until that run ends, or, when you are sure that it no"
        " longer lives, run pulumi cancel --yes --stack tni"
    ]
    project.succeed("cancel", "--yes", "--stack", "tni")

    project.lock(hostname=socket.gethostname())
    done = project.recover()
    assert done.code == 0, done.output
    assert "was cut off: its lock on tni is cleared" in done.stderr
    require_as_declared(project, registry, [form])


def test_two_runs_may_take_the_same_mark_away(
    project: SharedProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of two that began at once ended with an error of the engine's, though all was
    done."""
    monkeypatch.chdir(project.folder)
    for name, value in project.variables().items():
        monkeypatch.setenv(name, value)
    engine.set_tag("tni", LOOK_TAG, "true")
    engine.remove_tag("tni", LOOK_TAG)
    engine.remove_tag("tni", LOOK_TAG)
    assert engine.stack_tags("tni") == {}


@pytest.mark.exhaustive
def test_two_that_begin_together(
    project: SharedProject, registry: Registry, tmp_path: Path
) -> None:
    """Neither sees the other's lock at first: each does all, or is refused, and nothing is
    doubled."""
    form = write_form(project.forms)
    other, ended = project.clone(tmp_path / "other"), list[Outcome]()
    first = threading.Thread(target=lambda: ended.append(project.recover()))
    first.start()
    ended.append(other.recover())
    first.join()
    for outcome in ended:
        assert outcome.code == 0 or "lock" in outcome.stderr, outcome.output
    assert len(registry.clients(form.application)) <= 1
    assert other.recover().code == 0
    require_as_declared(project, registry, [form])
