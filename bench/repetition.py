"""What is measured in one repetition, and what each time is divided by."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from bench.authority import ADDED_SCOPE, MeasuredAuthority
from bench.measured import Figure, measure
from bench.projects import commit, idle_project, lose_state, our_project, write_form, write_idle
from tests.support.engine import ROOT, Project

TOOLS = ("python-keycloak", "kcadm.sh")
_PARSE = (
    "import pathlib, yaml; [yaml.load(f.read_text(), yaml.CSafeLoader) for f in"
    " pathlib.Path().rglob('*.yaml')]"
)
"""What every validator does."""
_UP = (
    "pulumi",
    "up",
    "--yes",
    "--skip-preview",
    "--suppress-progress",
    "--suppress-outputs",
    "--non-interactive",
)
_DESTROY = ("pulumi", "destroy", *_UP[2:])
_PREVIEW = ("pulumi", "preview", "--suppress-progress", "--non-interactive")
_ACMIDM = Path(sys.prefix) / "bin" / "acmidm"
_DEPLOY = ("deploy", "--stack", "tni")
_MAKE = ("engine: first up", "requests: make")
_REMOVE = ("engine: destroy", "requests: remove")


def repeat(
    authority: MeasuredAuthority, folder: Path, connections: int, *, with_tools: bool = False
) -> dict[str, Figure]:
    """Measure each step once, and return its figure by its name. Its clients are gone from the
    authority at the end. A step's floor is measured next to it: the machine's load changes with
    time. ``with_tools`` also measures the tools that make clients without this project."""
    folder.mkdir()
    figures: dict[str, Figure] = {}
    ours = our_project(folder / "ours", authority, connections)
    idle = idle_project(folder / "idle")
    requests_file = folder / "made.json"

    def run(project: Project, step: str, *command: str | Path, floor: tuple[str, ...] = ()) -> None:
        figures[step] = measure(
            command, project.folder, project.variables(), authority.proxies, floor
        )

    def send(step: str, tool: str, act: str, floor: tuple[str, ...] = ()) -> None:
        command = (sys.executable, "-m", "bench.direct", tool, act, requests_file)
        figures[step] = measure(
            command, ROOT, os.environ, authority.proxies, floor, says_seconds=True
        )

    run(ours, "python", sys.executable, "-c", "pass")
    run(ours, "acmidm --help", _ACMIDM, "--help", floor=("python",))
    write_idle(idle, 0)
    run(idle, "preview of no resources", *_PREVIEW, floor=("python",))
    run(ours, "parse", sys.executable, "-c", _PARSE)
    run(ours, "validate", _ACMIDM, "validate", floor=("parse",))
    write_idle(idle, connections)
    run(idle, "engine: first up", *_UP)
    run(ours, "first up", *_UP, floor=_MAKE)
    requests_file.write_text(json.dumps(authority.requests()))
    run(idle, "engine: preview", *_PREVIEW)
    run(ours, "preview", *_PREVIEW, floor=("engine: preview",))
    run(idle, "engine: preview --refresh", *_PREVIEW, "--refresh")
    run(
        ours,
        "preview --refresh",
        *_PREVIEW,
        "--refresh",
        floor=("engine: preview --refresh", "requests: read"),
    )
    run(ours, "drift", _ACMIDM, "drift", "--stack", "tni", floor=("preview --refresh",))
    write_form(ours, 0, ADDED_SCOPE)
    commit(ours)
    run(ours, "review --base", _ACMIDM, "review", "--base", "HEAD~1", floor=("validate",))
    write_idle(idle, connections, 2)
    run(idle, "engine: up, one change", *_UP)
    run(ours, "up, a scope more", *_UP, floor=("engine: up, one change", "requests: add a scope"))
    run(idle, "engine: destroy", *_DESTROY)
    run(ours, "destroy", *_DESTROY, floor=_REMOVE)
    for act in ("make", "read", "add a scope", "remove"):
        send(f"requests: {act}", "httpx", act)
    if with_tools:
        for tool in TOOLS:
            send(f"{tool}: make", tool, "make", floor=_MAKE)
            send(f"{tool}: remove", tool, "remove", floor=_REMOVE)
    write_form(ours, 0)
    run(ours, "deploy, first", _ACMIDM, *_DEPLOY, floor=_MAKE)
    run(ours, "deploy, unchanged", _ACMIDM, *_DEPLOY, floor=("preview",))
    write_form(ours, 0, ADDED_SCOPE)
    run(ours, "deploy, a scope more", _ACMIDM, *_DEPLOY, floor=("preview",))
    lose_state(ours)
    run(ours, "deploy, its state lost", _ACMIDM, *_DEPLOY, floor=("deploy, first",))
    ours.succeed(*_DESTROY[1:])
    return figures
