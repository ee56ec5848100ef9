"""What a command hands the program that the engine runs."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pulumi
import pytest

from acmidm_onboarding import program
from acmidm_onboarding.command_inputs import HANDED, handing, read_handed
from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.recorded import Recorded, recorded_in
from acmidm_onboarding.settings import NAMESPACE
from acmidm_onboarding.stack import open_stack
from acmidm_onboarding.stack import state as state_module
from acmidm_onboarding.stack.forms import StackForms
from acmidm_onboarding.values.terms import Environment
from tests.support.engine import ROOT
from tests.support.forms import PLAIN
from tests.support.recorded_resources import resource
from tests.support.settings import read

STATE = {"deployment": {"resources": [resource("OAuthClient", "OVO002067/loket", {}, id="id-1")]}}


@contextmanager
def running_for_a_command(stack: str) -> Iterator[None]:
    """The program of a stack runs meanwhile, and a command has handed it a state."""
    with handing(stack, {}, state=STATE) as (_, file):
        pulumi.runtime.set_config(f"{NAMESPACE}:{HANDED}", str(Path(file).with_name("handed.json")))
        try:
            yield
        finally:
            pulumi.runtime.set_all_config({})


def test_the_state_is_handed_and_read_once() -> None:
    """A program that is written in Python asks once for each of its connections, and the state has
    all of them."""
    with handing("tni", {}, state=STATE) as (_, file):
        written = Path(file).with_name("handed.json")
        handed = read_handed(written, Environment.TNI)
        assert handed.state == STATE
        assert read_handed(written, Environment.TNI) is handed


def test_what_forms_declare_is_handed_as_they_declare_it() -> None:
    """In each environment, with all that the samples have: nothing is lost on the way, and a
    program that is handed it reads no form."""
    forms = read_onboardings([ROOT / "onboardings"], ROOT / "catalogue")
    for environment in Environment:
        declared = forms.connections(environment)
        with handing("tni", {}, declared=declared) as (_, file):
            handed = read_handed(Path(file).with_name("handed.json"), environment)
        assert handed.declared == declared
        stack = open_stack(
            "tni",
            lambda: read(formsFolder="nowhere"),
            export=lambda _: {},
            declared=handed.declared,
        )
        assert stack.forms.connections == declared
        assert stack.staying == ()
        stack.forms.require_any_form()


def test_all_that_a_program_declares_is_of_one_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """What its state has recorded is derived once, for however many connections are written."""
    derived = []

    def counted(document: Mapping[str, Any], environment: Environment | None) -> Recorded:
        derived.append(environment)
        return recorded_in(document, environment)

    monkeypatch.setattr(state_module, "recorded_in", counted)
    monkeypatch.setattr(
        program, "_settings", lambda: read(environment="prod", promotionGate="enforce")
    )
    with running_for_a_command("prod"):
        for application in ("loket", "balie"):
            form: dict[str, Any] = {
                "application": application,
                "contacts": ["api@stad.example"],
                "environments": {"prod": {"scopes": {PLAIN: {}}}},
                "exemptions": {"promotion-gate": {"reason": "new", "reference": "SD-1"}},
            }
            program.connections_of({"name": "Stad Gent", "ovo": "OVO002067"}, form)
    assert derived == [Environment.PROD]


def test_each_run_of_a_program_has_a_stack_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """One process may run programs for several stacks, or one twice: each goes by the settings and
    the forms of its own run."""
    for environment in Environment:
        monkeypatch.setattr(pulumi.runtime, "get_root_resource", partial(str, environment))
        monkeypatch.setattr(program, "_settings", partial(read, environment=environment))
        with running_for_a_command("tni"):
            assert program._stack().forms.settings.environment is environment


def test_what_a_killed_command_has_handed_is_gone_after_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have a whole state. That of a command that runs stays, however long it runs."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    killed = tmp_path / "acmidm-handed-killed"
    killed.mkdir()
    (killed / "handed.json").write_text("{}")
    with handing("tni", {}, state=STATE) as (_, running):
        for folder in (killed, Path(running).parent):
            os.utime(folder, (0, 0))
        with handing("tni", {}) as (_, other):
            assert sorted(tmp_path.iterdir()) == sorted([Path(running).parent, Path(other).parent])
    assert [*tmp_path.iterdir()] == []


def test_a_file_system_without_locks_holds_up_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of some folders in a network."""

    def without_locks(_folder: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", without_locks)
    with handing("tni", {}, state=STATE) as (_, file):
        assert Path(file).is_file()


def test_nothing_is_handed_where_the_program_has_to_report_a_mistake(tmp_path: Path) -> None:
    """In the settings, in the catalogue, or in a form."""
    (tmp_path / "gent").mkdir()
    (tmp_path / "gent" / "loket.yaml").write_text("application: [")
    wrong = {"formsFolder": str(tmp_path)}, {"catalogueFolder": str(tmp_path)}, {"profile": "none"}
    for settings in wrong:
        forms = StackForms(partial(read, **settings), by_policies=True)
        assert forms.for_program is None
