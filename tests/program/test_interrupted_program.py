"""A program that the engine interrupts, as it does when a refresh beside it fails."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from acmidm_onboarding import process


def test_what_the_sdk_had_under_way_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A coroutine that is closed where no event loop is left prints no traceback; whatever else
    cannot be raised still does."""

    async def under_way() -> None: ...

    printed: list[object] = []
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    monkeypatch.setattr(sys, "__unraisablehook__", lambda found: printed.append(found.object))
    process.end_quietly_when_interrupted()
    closed = under_way()
    for thing in (closed, process):
        sys.unraisablehook(SimpleNamespace(object=thing, exc_type=ValueError))
    closed.close()
    assert printed == [process]


@pytest.mark.tool
def test_an_interrupt_at_the_very_end_is_quiet_too() -> None:
    """Python runs what was left for its end, and prints what breaks it off there."""
    end = "import atexit; atexit.register(lambda: (_ for _ in ()).throw(KeyboardInterrupt))"
    quietly = "from acmidm_onboarding import process; process.end_quietly_when_interrupted()"
    done = subprocess.run(
        [sys.executable, "-c", f"{end}; {quietly}"], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


@pytest.mark.tool
def test_what_the_sdk_had_not_begun_ends_quietly() -> None:
    """Python warns of a coroutine that nothing waited for; one of ours is still shown."""
    program = """
from pulumi.runtime.rpc_manager import RPCManager
from acmidm_onboarding import process
process.end_quietly_when_interrupted()
async def ours(): ...
RPCManager().do_rpc("register resource", ours)()
ours()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "coroutine 'ours' was never awaited" in done.stderr
    assert "RPCManager" not in done.stderr
