"""A program that the engine interrupts, as it does when a refresh beside it fails."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from acmidm_onboarding import program as declared


def test_what_the_sdk_had_under_way_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A coroutine that is closed where no event loop is left prints no traceback; whatever else cannot be raised still
    does."""

    async def under_way() -> None: ...

    printed: list[object] = []
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    monkeypatch.setattr(sys, "__unraisablehook__", lambda found: printed.append(found.object))
    declared._end_quietly_when_interrupted()
    closed = under_way()
    for thing in (closed, declared):
        sys.unraisablehook(SimpleNamespace(object=thing))
    closed.close()
    assert printed == [declared]
