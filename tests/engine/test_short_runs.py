"""A run of the engine that is short says nothing of how far it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from acmidm.engine import progress


def test_a_run_that_is_short_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Though the engine has written of all that it does."""
    monkeypatch.setattr(progress, "SECONDS", (3600.0, 3600.0))
    done = {"resOutputsEvent": {"metadata": {"op": "create", "urn": "client"}}}
    with progress.showing("tni", {"client": "OVO002067/loket"}) as (_, log):
        Path(log).write_text(json.dumps(done) + "\n")
    assert capsys.readouterr() == ("", "")
