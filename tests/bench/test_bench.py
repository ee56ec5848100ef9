"""The benchmark itself, at a size that says nothing about times."""

from __future__ import annotations

import json
from pathlib import Path
from subprocess import CompletedProcess
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from bench import direct, idle
from bench.__main__ import bench
from bench.authority import measured
from bench.report import Case, comparisons
from tests.support.keycloak_server.server import Server
from tests.support.warm_server import warm_environment

TOOLS = ("python-keycloak",)
_MAKE = {
    "POST /clients": 1,
    "DELETE /clients/*/default-client-scopes/*": 1,
    "PUT /notificaties/configurations/*": 1,
}
_REMOVE = {"DELETE /clients/*": 1, "DELETE /notificaties/configurations/*": 1}


def test_a_plot_compares_sizes_and_another_one_latencies() -> None:
    slow, fast, larger = Case(2, 20), Case(2, 0), Case(10, 0)
    assert comparisons([fast, larger, slow]) == {"growth": [fast, larger], "latency": [fast, slow]}
    assert comparisons([slow]) == {"growth": [slow]}


@pytest.mark.parametrize("connections", [0, 1, 3])
def test_a_floor_has_the_connections_that_it_is_measured_for(
    monkeypatch: pytest.MonkeyPatch, connections: int
) -> None:
    """None for the preview of no resources."""
    made = list[tuple[str, int]]()
    monkeypatch.setattr(idle, "_Connection", lambda *connection: made.append(connection))
    idle.run(connections, 2)
    assert made == [("connection-0", 2), ("connection-1", 1), ("connection-2", 1)][:connections]


def test_what_a_tool_needs_is_there_before_its_seconds_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``kcadm.sh`` is found by what imports half of this project, a client made and removed."""
    happened: list[str] = []

    def distribution() -> SimpleNamespace:
        happened.append("found")
        return SimpleNamespace(folder=tmp_path)

    def run(command: list[str], **_: object) -> CompletedProcess[str]:
        happened.append(" ".join(command[:3]).removeprefix(f"{tmp_path}/bin/"))
        return CompletedProcess(command, 0)

    def now() -> float:
        happened.append("clock")
        return 0.0

    monkeypatch.setattr("tests.support.keycloak.of_this_clone", distribution)
    monkeypatch.setattr("bench.direct.subprocess", SimpleNamespace(run=run))
    monkeypatch.setattr("bench.direct.time", SimpleNamespace(monotonic=now))
    requests = [["POST", "/clients", {}, {}], ["DELETE", "/clients/1", None, {}]]
    file = tmp_path / "made.json"
    admin = "http://127.0.0.1:9/admin/realms/test"
    file.write_text(json.dumps({"admin": admin, "token": "x", "acts": {"make": [requests]}}))
    direct.main("kcadm.sh", "make", str(file))
    sent = ["kcadm.sh create clients", "kcadm.sh delete clients/1"]
    assert happened == ["found", "clock", *sent, "clock"]


@pytest.mark.exhaustive
def test_each_step_is_measured_beside_its_floor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keycloak_server: Server
) -> None:
    """Every step ends well; each way makes and removes the same client, with the requests that it
    is said to need. Python is forked, for the figures count for nothing, and no Java is started for
    each request: ``kcadm.sh`` is left to ``make bench``."""
    monkeypatch.setattr("bench.repetition.TOOLS", TOOLS)
    forked = warm_environment()
    monkeypatch.setattr("bench.projects.PYTHON", forked)
    monkeypatch.setattr("bench.repetition._ACMIDM", forked / "bin" / "acmidm")
    with measured(keycloak_server, tmp_path) as authority:
        bench(authority, [1], [20], tmp_path, tmp_path, repetitions=1)
    ((figures,),) = (
        case["repetitions"] for case in json.loads((tmp_path / "figures.json").read_text())
    )
    for way in ("requests", *TOOLS):
        assert figures[f"{way}: make"]["requests"] == _MAKE
        assert figures[f"{way}: remove"]["requests"] == _REMOVE
        assert figures[f"{way}: remove"]["seconds"] > 0.02
    assert figures["requests: read"]["requests"] == {
        "GET /clients": 1,
        "GET /notificaties/configurations?limit=*": 1,
    }
    assert figures["deploy, first"]["requests"].items() >= {"POST /clients": 1}.items()
    assert not figures["preview"]["requests"]
    assert all(below in figures for figure in figures.values() for below in figure["floor"])
    first = figures["first up"]
    assert first["all_mb"] > first["largest_mb"] > 1
    assert first["cpu_seconds"] > 0 < first["state_kb"]
    ElementTree.parse(tmp_path / "growth.svg")  # noqa: S314 - our own
