"""How far a long run is, from what the engine writes of its events."""

from __future__ import annotations

import json
from pathlib import Path

from acmidm.engine.progress import Progress


def event(kind: str, urn: str) -> bytes:
    return (
        json.dumps({"sequence": 1, kind: {"metadata": {"op": "create", "urn": urn}}}).encode()
        + b"\n"
    )


def test_connections_are_counted_not_resources(tmp_path: Path) -> None:
    """Whole ones; half a line is read once it is whole; what fails, and what nobody planned, takes
    no other's place."""
    log = tmp_path / "events"
    planned = {
        f"{part}-{key}": key for key in ("a/b", "c/d", "e/f") for part in ("client", "scopes")
    }
    progress = Progress(log, planned)
    progress.look()
    assert progress.sentence("tni", 60) is None, "nothing is written yet"
    last = event("resOpFailedEvent", "client-c/d")
    log.write_bytes(
        event("resourcePreEvent", "client-a/b")
        + event("resOutputsEvent", "the stack itself")
        + event("resOutputsEvent", "client-a/b") * 2
        + event("resOutputsEvent", "scopes-a/b")
        + b'{"summaryEvent": {}}\n'
        + last[:20]
    )
    progress.look()
    assert progress.sentence("tni", 60) == "tni: 1 of 3 connections, about 2 minutes more"
    with log.open("ab") as more:
        more.write(last[20:] + event("resOutputsEvent", "client-e/f"))
    progress.look()
    assert (
        progress.sentence("tni", 120)
        == "tni: 2 of 3 connections, 1 failed so far (c/d), about a minute more"
    )
