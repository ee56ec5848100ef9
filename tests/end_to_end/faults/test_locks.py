"""Locks on a stack: a dead process's is cleared by ``acmidm deploy``; any other is explained, with
the command that clears it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from acmidm.engine import recovery
from acmidm.engine.pulumi import EngineError
from acmidm.engine.recovery import Lock
from acmidm.engine.stacks import stack_of
from tests.support.between import ProxiedProject, require_as_declared
from tests.support.cutting import DEPLOY, start
from tests.support.engine import COMMAND_SECONDS
from tests.support.fault_proxy import Exchange, FaultProxy
from tests.support.forms import write_form
from tests.support.registry import Registry

ENGINE_COMMANDS = 4
"""What a recovery runs of the engine after a run that left a lock: the state, the tags, the
history, a tag."""


@pytest.fixture(autouse=True)
def _in_the_project(project: ProxiedProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.folder)
    for name, value in project.variables().items():
        monkeypatch.setenv(name, value)


def lock(project: ProxiedProject, **changes: object) -> Path:
    """A lock as the engine writes one: by this machine, by a process that ended."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    written = {
        "pid": ended.pid,
        "username": "jan",
        "hostname": socket.gethostname(),
        "timestamp": datetime.now(UTC).isoformat(),
        **changes,
    }
    file = (
        project.folder
        / "state"
        / ".pulumi"
        / "locks"
        / "organization"
        / "acmidm"
        / project.stack
        / "made-by-a-test.json"
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(written))
    return file


def recover(project: ProxiedProject) -> bool:
    """What a deployment begins with, in this process."""
    return recovery.recover(stack_of(project.stack))[1].is_set


def failing_engine(folder: Path, project: ProxiedProject, failing: int) -> str:
    """A PATH on which the n-th command of the engine fails; the others are the engine's own."""
    engine = shutil.which("pulumi", path=project.variables()["PATH"])
    script = folder / "pulumi"
    script.parent.mkdir()
    script.write_text(f"""#!/bin/sh
echo >> "$0.called"
[ "$(wc -l < "$0.called")" -ne {failing} ] || {{ echo "error: the backend is away" >&2; exit 1; }}
exec {engine} "$@"
""")
    script.chmod(0o755)
    return os.pathsep.join([str(script.parent), project.variables()["PATH"]])


def test_nothing_to_recover(project: ProxiedProject, capfd: pytest.CaptureFixture[str]) -> None:
    """No lock, no run before: nothing to say, nothing to look at first."""
    assert not recover(project)
    assert capfd.readouterr() == ("", "")


LONG_AGO = (datetime.now(UTC) - timedelta(days=400)).isoformat()


@pytest.mark.parametrize(
    "changes",
    [{}, {"pid": os.getpid(), "timestamp": LONG_AGO}],
    ids=["ended", "its number is another's now"],
)
def test_lock_of_a_dead_process_is_cleared(
    project: ProxiedProject, capfd: pytest.CaptureFixture[str], changes: dict[str, object]
) -> None:
    """A process that has its number and is younger than the lock is another one: here this one."""
    file = lock(project, **changes)
    assert recover(project)
    assert not file.exists()
    assert "was cut off: its lock on tni is cleared" in capfd.readouterr().err


def test_what_has_to_be_looked_at_is_not_forgotten(
    project: ProxiedProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The n-th command of the engine fails, or what comes after is killed: the lock or a mark is
    still there, by which the next run looks at the authority."""
    for failing in range(1, ENGINE_COMMANDS + 2):
        file = lock(project)
        with monkeypatch.context() as patched:
            patched.setenv("PATH", failing_engine(tmp_path / str(failing), project, failing))
            with pytest.raises(EngineError) if failing <= ENGINE_COMMANDS else nullcontext():
                recover(project)
        assert file.exists() == (failing <= ENGINE_COMMANDS)
    assert recovery.LOOK_TAG in project.succeed("stack", "tag", "list").stdout
    assert recover(project), "until one went well"
    project.succeed("stack", "tag", "rm", recovery.LOOK_TAG)
    assert not recover(project)


def test_any_other_lock_is_explained(project: ProxiedProject) -> None:
    """Of another machine: whose, since when, and the command; it stays where it is, and no engine
    is started."""
    since = datetime.now(UTC)
    file = lock(project, timestamp=since.isoformat(), hostname="another-machine")
    outcome = project.recover()
    assert outcome.code == 1
    assert "locked by jan@" in outcome.stderr
    assert f"since {since.astimezone():%Y-%m-%d %H:%M:%S}" in outcome.stderr
    assert "pulumi cancel --yes --stack tni" in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1
    assert outcome.stdout == ""
    assert file.exists()
    project.succeed("cancel", "--yes", "--stack", "tni")
    assert not file.exists()


@pytest.mark.exhaustive
def test_a_run_that_came_too_late_leaves_the_other_its_mark(
    project: ProxiedProject, tmp_path: Path
) -> None:
    """Both began without a lock; where the first is killed, whoever comes next still has to
    look."""
    write_form(project.forms)
    file = lock(project, hostname="another-machine")
    (tmp_path / "lock").write_text(file.read_text())
    file.unlink()
    engine = shutil.which("pulumi", path=project.variables()["PATH"])
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "pulumi"
    script.write_text(
        f'#!/bin/sh\n[ "$1" != up ] || cp {tmp_path / "lock"} {file}\nexec {engine} "$@"\n'
    )
    script.chmod(0o755)
    project.environment["PATH"] = f"{script.parent}{os.pathsep}{project.variables()['PATH']}"
    late = project.recover()
    assert (late.code > 0, "created by jan@another-machine" in late.output) == (True, True), (
        late.output
    )
    assert recovery.LOOK_TAG in project.succeed("stack", "tag", "list").stdout


def test_lock_of_another_stack_or_project_is_left_alone(project: ProxiedProject) -> None:
    file = lock(project)
    others = [
        file.parents[2] / "acmidm" / "prod" / file.name,
        file.parents[2] / "other" / "tni" / file.name,
    ]
    for other in others:
        other.parent.mkdir(parents=True)
        other.write_text(file.read_text())
    recover(project)
    assert [other.exists() for other in (file, *others)] == [False, True, True]


def test_half_written_file_is_mended(project: ProxiedProject) -> None:
    """What a kill within a checkpoint leaves: a whole state, beside it an empty ``.attrs`` that the
    engine stumbles over."""
    lock(project)
    stacks = project.folder / "state" / ".pulumi" / "stacks" / "acmidm"
    before, state = project.exported(), (stacks / "tni.json").read_bytes()
    (stacks / "tni.json.attrs").write_bytes(b"")
    (stacks / "tni.json.0123.tmp").write_bytes(b"{")
    assert "EOF" in project.pulumi("stack", "export").stderr
    recover(project)
    assert sorted(file.name for file in stacks.iterdir() if file.name.endswith("tmp")) == []
    assert (project.exported(), (stacks / "tni.json").read_bytes()) == (before, state)


@pytest.mark.parametrize(
    "error", [psutil.AccessDenied, psutil.NoSuchProcess], ids=["not-ours", "hidden"]
)
def test_process_that_cannot_be_seen_is_alive(
    monkeypatch: pytest.MonkeyPatch, error: type[psutil.AccessDenied | psutil.NoSuchProcess]
) -> None:
    """Of another user, on a machine that says nothing of it, or not even that it is there."""

    def refuse(pid: int) -> None:
        raise error(pid)

    monkeypatch.setattr(psutil, "Process", refuse)
    here = socket.gethostname()
    assert not Lock(os.getpid(), "jan", here, datetime.now(UTC)).is_dead(here)


def hold_back_a_client(
    project: ProxiedProject, proxy: FaultProxy
) -> tuple[threading.Event, threading.Event]:
    """Have the answer to the first client that is made wait; return what tells that it waits, and
    what lets it go."""
    waiting, released = threading.Event(), threading.Event()

    def hold(exchange: Exchange) -> None:
        reply = exchange.forward()
        waiting.set()
        released.wait(COMMAND_SECONDS)
        exchange.reply(reply)

    project.configure({"requestTimeoutSeconds": COMMAND_SECONDS})
    proxy.rule("POST", "/clients$", hold)
    return waiting, released


def test_run_that_lives_is_not_disturbed(
    project: ProxiedProject, proxy: FaultProxy, registry: Registry
) -> None:
    """The real thing: a run waits at its first write, others are refused and the first ends well.

    Also when the clock was set meanwhile, and the process seems to have started after it took the
    lock.
    """
    form = write_form(project.forms)
    waiting, released = hold_back_a_client(project, proxy)
    first = start(project, "up", "--yes", "--skip-preview")
    assert waiting.wait(COMMAND_SECONDS)
    (file,) = project.locks()
    written = json.loads(file.read_text())
    others = [project.recover()]
    before = datetime.fromisoformat(written["timestamp"]) - timedelta(hours=1)
    file.write_text(json.dumps({**written, "timestamp": before.isoformat()}))
    others.append(project.recover())
    released.set()
    assert first.wait(COMMAND_SECONDS) == 0
    for other in others:
        assert other.code == 1
        assert f"process {first.pid}" in other.stderr
    require_as_declared(project, registry, [form])


def test_a_deployment_that_is_interrupted_ends_in_good_order(
    project: ProxiedProject, proxy: FaultProxy, registry: Registry
) -> None:
    """A signal while a client is made, to the command alone, as pipelines send it.
    What was made by then is recorded, and no lock is left. What the next run does then:
    ``test_killed.py``."""
    form = write_form(project.forms)
    waiting, released = hold_back_a_client(project, proxy)
    run = start(project, *DEPLOY)
    assert waiting.wait(COMMAND_SECONDS)
    run.send_signal(signal.SIGINT)
    released.set()
    assert run.wait(COMMAND_SECONDS) == 128 + signal.SIGINT
    assert project.locks() == []
    (client,) = registry.clients(form.application)
    recorded = project.resources()
    assert recorded[f"OAuthClient {form.key}"]["id"] == client["client_id"]
    # The engine may have begun what follows before it saw the signal.
    is_granted = set(form.request()["scopes"]) <= set(client["scopes"])
    assert is_granted == (f"ClientScopes {form.key}" in recorded)
