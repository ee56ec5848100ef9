"""What becomes of an export of a state that fails, or is none."""

from __future__ import annotations

from subprocess import CompletedProcess

import pytest

from acmidm.engine import pulumi

REFUSED = """error: GET https://states.blob.example/acmidm
--------------------------------------------------------------------------------
ERROR CODE: AuthorizationFailure
--------------------------------------------------------------------------------
"""
"""What a state in a cloud's storage may say: its last line says nothing."""


def exported(monkeypatch: pytest.MonkeyPatch, code: int, written: str, errors: str) -> str:
    """Why the engine's answer is not taken."""
    done = CompletedProcess([], code, written, errors)
    monkeypatch.setattr(pulumi, "_finished", lambda *_, **__: done)
    with pytest.raises(pulumi.EngineError) as refused:
        pulumi.stack_deployment("tni")
    assert (type(refused.value), refused.value.exit_code) == (pulumi.EngineError, 3)
    return str(refused.value)


def test_all_that_the_engine_says_of_a_failure_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of its other commands."""
    reason = REFUSED.strip().removeprefix("error: ")
    assert exported(monkeypatch, 255, "", REFUSED) == f"pulumi stack export: {reason}"
    assert exported(monkeypatch, 1, "", "\n") == "pulumi stack export: failed without a word"


@pytest.mark.parametrize("written", ["", "null", "[]", "{", "a state"])
def test_what_is_no_state_is_not_taken_for_an_empty_one(
    monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    assert exported(monkeypatch, 0, written, "").endswith("what the engine exports is no state")
