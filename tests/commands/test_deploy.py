"""``acmidm deploy`` with a stand-in for the engine, which writes down its commands. The real one is
in tests/end_to_end."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from acmidm.cli import app
from acmidm.engine import pulumi
from tests.support.engine import ROOT
from tests.support.engine_records import (
    CLIENT,
    ENDED_BY_ITSELF,
    ONBOARDING,
    PASSWORD,
    plan,
    resource,
    steps,
)
from tests.support.forms import write_form

pytestmark = pytest.mark.tool

ENGINE = """#!/bin/sh
here="{folder}"
command="$1"
[ "$1" != stack ] || command="$1 $2"
case "$2 $3" in "tag list" | "tag rm") command="$1 $2 $3" ;; esac
echo "$command" >> "$here/called"
when="each step"
[ "$PULUMI_SKIP_CHECKPOINTS" != true ] || when="at the end"
echo "$command $when" >> "$here/state"
[ ! -e "$here/$command.json" ] || cat "$here/$command.json"
[ ! -e "$here/$command.then" ] || . "$here/$command.then"
[ ! -e "$here/$command.waits" ] || exec {python} -IS "$here/waits.py"
[ ! -e "$here/$command.dies" ] || kill -KILL $$
if [ -e "$here/$command.fails" ]; then
    echo "error: $command failed" >&2
    exit 1
fi
"""
WAITS = """
import pathlib, signal, sys

here = pathlib.Path(__file__).parent
def end(*_):
    (here / "ended in good order").touch()
    sys.exit(1)
signal.signal(signal.SIGINT, end)
(here / "ready").write_text("ready")
signal.pause()
"""


@dataclass
class Engine:
    """``says`` and ``fails`` are about its n words: ``up``, ``stack export``."""

    folder: Path

    def says(self, command: str, document: object) -> None:
        (self.folder / f"{command}.json").write_text(json.dumps(document))

    def fails(self, command: str, how: str = "fails") -> None:
        (self.folder / f"{command}.{how}").touch()

    @property
    def called(self) -> list[str]:
        """The commands since lock, state, tags and history were read."""
        return [line for line in self.all_called if line not in READ]

    @property
    def all_called(self) -> list[str]:
        """All commands."""
        return (self.folder / "called").read_text().splitlines()

    def deploy(self, *options: str) -> Result:
        """Deploy in this process; what the engine prints itself is not in the result."""
        (self.folder / "called").unlink(missing_ok=True)
        return CliRunner().invoke(app, ["deploy", "--stack", "tni", *options])


COMMAND = (str(Path(sys.executable).with_name("acmidm")), "deploy", "--stack", "tni")
READ = ("stack rename", "stack export", "stack tag list", "stack history")


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """A stack of which nothing has to be looked at first, and whose preview shows nothing."""
    script = tmp_path / "pulumi"
    script.write_text(ENGINE.format(folder=tmp_path, python=sys.executable))
    script.chmod(0o755)
    (tmp_path / "waits.py").write_text(WAITS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://elsewhere")
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    # Nobody need wait for its authority, which is not there.
    settings = (ROOT / "Pulumi.tni.yaml").read_text()
    (tmp_path / "Pulumi.tni.yaml").write_text(
        settings.replace("config:\n", 'config:\n  acmidm:retryDeadlineSeconds: "0"\n')
    )
    # No form for TNI, of which the preview would have to show something.
    write_form(tmp_path / "onboardings", environment="prod", keys=())
    made = Engine(tmp_path)
    made.says("stack export", {"deployment": {"resources": []}})
    made.says("stack tag list", {})
    made.says("stack history", [{"result": "succeeded"}])
    made.says("preview", plan())
    return made


def recorded(*names: str) -> dict[str, Any]:
    return {
        "deployment": {
            "resources": [resource(name, kind) for name in names for kind in (ONBOARDING, CLIENT)]
        }
    }


def made(type_: str, op: str = "create") -> dict[str, Any]:
    one = resource("OVO000001/loket", type_)
    return {"op": op, "urn": one["urn"], "newState": one}


@pytest.mark.parametrize(
    ("planned", "kept", "settings", "when"),
    [
        ([*steps("create", "OVO000001/loket"), made(PASSWORD)], [], {}, "at the end"),
        (steps("update", "OVO000001/loket"), [CLIENT, PASSWORD], {}, "at the end"),
        (
            steps("update", "OVO000001/loket"),
            [CLIENT],
            {"PULUMI_SKIP_CHECKPOINTS": "false"},
            "each step",
        ),
        ([made("random:index/randomPet:RandomPet")], [], {}, "each step"),
        (steps("update", "OVO000001/loket"), ["aws:s3/bucket:Bucket"], {}, "each step"),
        ([*steps("update", "OVO000001/loket"), made(PASSWORD)], [], {}, "each step"),
        ([*steps("update", "OVO000001/loket"), made(PASSWORD, "replace")], [], {}, "each step"),
    ],
    ids=[
        "made",
        "there",
        "as set",
        "another is made",
        "another is there",
        "a secret in use",
        "a new secret in use",
    ],
)
def test_the_state_is_written_at_the_end_where_all_that_is_made_is_found_again(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    planned: list[dict[str, Any]],
    kept: list[str],
    settings: dict[str, str],
    when: str,
) -> None:
    """Else after each step: a program may make other things beside connections, and a create of
    those makes a second one.

    Killed before the state knows the secret of a client in use, nobody would have the one that
    works; a new client's is nobody's yet.
    """
    engine.says("preview", plan(*planned))
    engine.says(
        "stack export",
        {"deployment": {"resources": [resource("OVO000001/loket", kind) for kind in kept]}},
    )
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    engine.deploy()
    assert f"up {when}" in (engine.folder / "state").read_text().splitlines()


def test_refusals_are_shown_first_and_the_others_are_brought_up(engine: Engine) -> None:
    """A process of its own, for what it prints is before what the engine prints."""
    engine.says(
        "preview", plan(*steps("create", "OVO000001/loket"), refused=["client x does not exist"])
    )
    engine.fails("up")
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)
    assert engine.called == [
        "preview",
        "stack tag",
        "up",
    ], "the next run looks first, as after each that failed"
    lines = done.stderr.splitlines()
    assert lines[:2] == ["refused: client x does not exist", "error: up failed"]
    assert lines[2].startswith("Not all of tni was brought up.")
    assert done.returncode == 1


def test_a_run_that_is_killed_leaves_its_mark_on_the_stack(engine: Engine) -> None:
    """Its state says nothing of it, and its lock may be cleared by hand: the next run looks first
    all the same."""
    engine.says("preview", plan(*steps("create", "OVO000001/loket")))
    engine.fails("up", "dies")
    assert engine.deploy().exit_code != 0
    assert engine.called == ["preview", "stack tag", "up"]


def test_nothing_is_run_where_all_is_as_declared(engine: Engine) -> None:
    """But a change that no step shows is one: what protects a resource, its name, or that it waits
    to be removed."""
    as_declared = steps("same", "OVO000001/loket")
    warned = {"severity": "warning", "message": "warning: one mandate ends soon\n"}
    engine.says("preview", {**plan(*as_declared), "diagnostics": [warned]})
    done = engine.deploy()
    assert (done.exit_code, engine.called) == (0, ["preview"])
    assert done.stderr == "warning: one mandate ends soon\n"
    assert done.stdout == "tni is as declared, 2 unchanged: nothing is run\n"
    for change in (
        {"protect": True},
        {"retainOnDelete": True},
        {"urn": "urn:pulumi:tni::acmidm::x::OVO000001/balie"},
    ):
        changed = {**as_declared[1], "newState": {**as_declared[1]["newState"], **change}}
        engine.says("preview", plan(as_declared[0], changed))
        assert engine.deploy().exit_code == 0
        assert engine.called[-3:] == ["stack tag", "up", "stack tag rm"], change
    engine.says("preview", plan(*as_declared))
    replaced = {**resource("OVO000001/loket"), "delete": True}
    engine.says("stack export", {"deployment": {"resources": [replaced]}})
    engine.deploy()
    assert engine.called[-3:] == [
        "stack tag",
        "up",
        "stack tag rm",
    ], "what waits to be removed is in no preview"


def test_what_the_engine_says_is_read_once(engine: Engine) -> None:
    """Each command of the engine takes as long as a hundred forms. A run writes another state."""
    engine.says("preview", plan(*steps("same", "OVO000001/loket")))
    engine.deploy()
    assert engine.all_called == [*READ, "preview"]
    engine.says("preview", plan(*steps("create", "OVO000001/loket")))
    engine.deploy()
    changes = ["preview", "stack tag", "up", "stack export", "stack tag rm"]
    assert engine.all_called == [*READ, *changes]


def test_nothing_is_run_where_all_but_what_stays_for_a_mistake_is_as_declared(
    engine: Engine,
) -> None:
    """One thing is said of that: not that all is as declared, nor that something was not brought
    up."""
    form = write_form(engine.folder / "onboardings", "gent/balie", keys=())
    form.document["contactss"] = form.document.pop("contacts")
    form.save()
    engine.says("preview", plan(*steps("same", "OVO000001/loket")))
    done = engine.deploy()
    assert (done.exit_code, engine.called) == (1, ["preview"])
    assert done.stdout == (
        "all of tni is as declared but what stays for a mistake in the forms, 2 unchanged: nothing"
        " is run; correct the forms, then run the same command again\n"
    )
    assert "Not all of tni" not in done.stderr
    assert any("contactss" in line for line in done.stderr.splitlines())


@pytest.mark.parametrize(
    ("kept", "runs"),
    [("0", False), ({"ciphertext": "v1"}, False), ("60", True)],
    ids=["same", "secret", "another"],
)
def test_settings_that_the_state_lacks_are_a_change(
    engine: Engine, kept: object, runs: bool
) -> None:
    """``pulumi refresh`` and ``destroy`` take them from the state. A secret is encrypted there, and
    not compared."""
    inputs = {"acmidm:retryDeadlineSeconds": kept, "acmidm:handed": "/gone", "version": "1"}
    provider = {
        "urn": "urn:pulumi:tni::acmidm::pulumi:providers:pulumi-python::default",
        "inputs": inputs,
    }
    engine.says("stack export", {"deployment": {"resources": [provider]}})
    config = {"acmidm:retryDeadlineSeconds": "0"}
    engine.says("preview", {**plan(*steps("same", "OVO000001/loket")), "config": config})
    assert engine.deploy().exit_code == 0
    assert ("up" in engine.called) is runs


def test_nothing_is_started_where_a_preview_plans_nothing(engine: Engine) -> None:
    """As with mistakes in the forms, which the program refuses as a whole."""
    engine.says("preview", plan(refused=["onboardings/gent/loket.yaml:1:1: wrong; correct it"]))
    done = engine.deploy()
    assert (done.exit_code, engine.called) == (1, ["preview"])
    assert (
        done.stderr.splitlines()[0] == "refused: onboardings/gent/loket.yaml:1:1: wrong; correct it"
    )


def test_nothing_is_started_where_the_program_ended_by_itself(engine: Engine) -> None:
    """Whatever it had declared by then: what a preview does not show would go unseen."""
    ended = ["OVO000001/loket, key 1: wrong", ENDED_BY_ITSELF]
    engine.says("preview", plan(*steps("create", "OVO000001/loket"), refused=ended))
    done = engine.deploy()
    assert (done.exit_code, engine.called) == (1, ["preview"])
    assert done.stderr.splitlines()[0] == "refused: OVO000001/loket, key 1: wrong"


@pytest.mark.parametrize(
    "trouble",
    [
        lambda engine: engine.says("stack tag list", {"acmidm:look-first": "true"}),
        lambda engine: engine.says("stack history", [{"result": "failed"}]),
        lambda engine: engine.says("stack export", {"deployment": {"pending_operations": [{}]}}),
    ],
    ids=["a look that did not go well", "a run that failed", "pending operations"],
)
def test_a_run_that_did_not_end_well_makes_the_next_one_look_first(
    engine: Engine, trouble: Callable[[Engine], None]
) -> None:
    """Though the rest is brought up all the same where that look fails."""
    trouble(engine)
    engine.fails("refresh")
    assert engine.deploy().exit_code == 1
    assert [
        command for command in engine.called if command not in ("stack tag", "stack import")
    ] == [
        "preview",
        "refresh",
        "up",
    ]


def test_what_a_look_changes_is_decided_anew(engine: Engine) -> None:
    """What was decided about the state before would be carried out on another one. What was said
    is not said again."""
    names = [f"OVO000001/app-{number}" for number in range(10)]
    refusal = "client x does not exist"
    engine.says("stack tag list", {"acmidm:look-first": "true"})
    engine.says("stack export", recorded(*names[4:]))
    engine.says("preview", plan(*steps("same", *names[4:]), refused=[refusal]))
    after = {
        "stack export": recorded(*names),
        "preview": plan(
            *steps("delete", *names[:4]), *steps("same", *names[4:]), refused=[refusal]
        ),
    }
    for command, document in after.items():
        (engine.folder / f"{command}.after").write_text(json.dumps(document))
    (engine.folder / "refresh.then").write_text(
        "".join(f'mv "$here/{command}.after" "$here/{command}.json"\n' for command in after)
    )
    done = engine.deploy()
    assert (done.exit_code, engine.called) == (1, ["preview", "refresh", "preview"])
    assert done.stderr.count(f"refused: {refusal}") == 1
    assert "4 clients of 10 on tni would be removed or replaced" in done.stderr


def test_an_authority_that_did_not_answer_is_reported_where_no_look_follows(
    engine: Engine,
) -> None:
    """A look reads each client by itself: one that went well leaves nothing unknown."""
    engine.says("stack export", recorded("OVO000001/loket"))
    engine.says("preview", plan(*steps("same", "OVO000001/loket")))
    done = engine.deploy()
    assert (done.exit_code, engine.called) == (1, ["preview"])
    assert done.stderr.startswith("warning: whether all clients are still there is not known: ")
    engine.says("stack tag list", {"acmidm:look-first": "true"})
    done = engine.deploy()
    assert (done.exit_code, engine.called) == (0, ["preview", "refresh", "up", "stack tag rm"])
    assert "is not known" not in done.stderr


@pytest.mark.parametrize(
    "planned", [(), (made("random:index/randomPet:RandomPet"),)], ids=["at the end", "each step"]
)
def test_the_mark_of_such_a_run_goes_once_a_look_went_well(
    engine: Engine, planned: tuple[dict[str, Any], ...]
) -> None:
    """Whenever this run writes the state."""
    engine.says("stack tag list", {"acmidm:look-first": "true"})
    engine.says("preview", plan(*planned))
    assert engine.deploy().exit_code == 0
    assert engine.called[-3:] == ["refresh", "up", "stack tag rm"]


@pytest.mark.parametrize(
    ("number", "command"),
    [(signal.SIGINT, "refresh"), (signal.SIGTERM, "up"), (signal.SIGINT, "preview")],
)
def test_whoever_stops_it_stops_the_engine_in_good_order(
    engine: Engine, number: signal.Signals, command: str
) -> None:
    """Also where SIGINT was ignored at the start, as in a background job of a script; and nothing
    more is started."""
    engine.says("stack tag list", {"acmidm:look-first": "true"})
    engine.fails(command, "waits")
    os.mkfifo(engine.folder / "ready")
    run = subprocess.Popen(
        [
            "sh",
            "-c",
            f"trap '' INT; exec {shlex.join(COMMAND)}",
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert (engine.folder / "ready").read_text()
    run.send_signal(number)
    _, said = run.communicate()
    assert run.returncode == 128 + number
    assert said.splitlines()[-1].startswith("interrupted: nothing more is started")
    assert (engine.folder / "ended in good order").exists()
    assert engine.called[-1] == command


def test_a_mass_change_needs_a_word(engine: Engine) -> None:
    """A preview that ends in a refusal shows no removals; they are counted all the same."""
    names = [f"OVO000001/app-{number}" for number in range(10)]
    engine.says("stack export", recorded(*names))
    kept = steps("same", *names[4:])
    for preview in (
        plan(*steps("delete", *names[:4]), *kept),
        plan(*kept, refused=["client x does not exist"]),
    ):
        engine.says("preview", preview)
        done = engine.deploy()
        assert (done.exit_code, engine.called) == (1, ["preview"])
        said = done.stderr.splitlines()[-1]
        assert said.startswith(
            "4 clients of 10 on tni would be removed or replaced, more than 30%: "
        )
        assert said.endswith("add --allow-mass-change")
    engine.says("preview", plan(*steps("delete", *names[:4]), *kept))
    engine.deploy("--allow-mass-change")
    assert "up" in engine.called
    engine.says("preview", plan(*steps("delete", *names[:3]), *steps("same", *names[3:])))
    engine.deploy()
    assert "up" in engine.called, "three of ten are 30%, and not more"


@pytest.mark.parametrize(
    "urn", ["urn:pulumi:tni::p::t::**", "urn:pulumi:tni::p::t$u*::OVO002067/loket", "**"]
)
def test_a_target_is_one_resource(monkeypatch: pytest.MonkeyPatch, urn: str) -> None:
    """The engine takes * and ** for any text: what another organisation waits to have approved
    would be applied with it."""
    monkeypatch.setattr(pulumi, "_finished", lambda *_, **__: pytest.fail("the engine was started"))
    with pytest.raises(pulumi.EngineError, match="is no single resource"):
        pulumi.up("tni", ["urn:pulumi:tni::p::t::OVO002067/loket", urn], {})
