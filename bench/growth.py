"""How the first ``up`` and ``destroy`` grow with the connections, beside an engine whose resources do nothing: ``make
bench-growth``.

The engine's own growth is that of a program with as many dynamic resources, nested alike, whose provider returns at
once. Each is measured with a checkpoint after each step, which is the engine's way, and without, which is that of
``acmidm deploy``. All in one run: what counts is how a column grows, and the ratio of two. With checkpoints up to
``MOST_WITH_CHECKPOINTS`` only: 1,000 take more than half an hour.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.scale import project_of
from tests.support.engine import Outcome, Project
from tests.support.offered import offered
from tests.support.portal import running_portal

SIZES = (10, 30, 100, 300, 1000)
MOST_WITH_CHECKPOINTS = 300
CHECKPOINTS = {"each step": "false", "at the end": "true"}

_IDLE = """\
import pulumi

from idle import Idle


class Connection(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("bench:index:Connection", name)
        inside = pulumi.ResourceOptions(parent=self)
        client = Idle(name, {{"name": name}}, inside)
        for part in range({parts}):
            Idle(f"{{name}}/{{part}}", {{"client_id": client.id}}, inside)


for number in range({connections}):
    Connection(f"connection-{{number}}")
"""
_PROVIDER = """\
from pulumi.dynamic import CreateResult, Resource, ResourceProvider


class Nothing(ResourceProvider):
    serialize_as_secret_always = False

    def create(self, props):
        return CreateResult(props.get("name", "part"), props)


class Idle(Resource, module="bench", name="Idle"):
    def __init__(self, name, props, opts):
        super().__init__(Nothing(), name, props, opts)
"""


def main() -> None:
    print(  # noqa: T201
        f"{'connections':>11} "
        f" {'checkpoints':<12}{'up':>8}{'destroy':>9}{'idle up':>9}{'idle destroy':>14}{'up ÷ idle':>11}"
    )
    for connections in SIZES:
        for name, skipped in CHECKPOINTS.items():
            if name == "each step" and connections > MOST_WITH_CHECKPOINTS:
                continue
            ours, idle = _ours(connections, skipped), _idle(connections, skipped)
            seconds = f"{ours[0]:>8.1f}{ours[1]:>9.1f}{idle[0]:>9.1f}{idle[1]:>14.1f}{ours[0] / idle[0]:>11.1f}"
            print(f"{connections:>11}  {name:<12}{seconds}", flush=True)  # noqa: T201


def _ours(connections: int, skipped: str) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder, running_portal(Path(folder) / "portal", **offered()) as portal:
        return _measured(project_of(Path(folder), portal, connections), skipped)


def _idle(connections: int, skipped: str) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder) / "project", seconds=3600)
        project.prepare(
            {"managementUrl": "http://127.0.0.1:9", "issuer": "http://127.0.0.1:9", "productsUrl": "http://127.0.0.1:9"}
        )
        project.start_python()
        (project.folder / "__main__.py").write_text(_IDLE.format(connections=connections, parts=3))
        (project.folder / "idle.py").write_text(_PROVIDER)
        project.environment["PYTHONPATH"] = str(project.folder)
        return _measured(project, skipped)


def _measured(project: Project, skipped: str) -> tuple[float, float]:
    """Seconds of the first ``up`` and of ``destroy``."""
    project.environment |= {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": skipped}
    quiet = ("--yes", "--skip-preview", "--suppress-progress", "--suppress-outputs")
    return _seconds(lambda: project.pulumi("up", *quiet)), _seconds(lambda: project.pulumi("destroy", *quiet))


def _seconds(step: Callable[[], Outcome]) -> float:
    start = time.monotonic()
    outcome = step()
    if outcome.code != 0:
        sys.exit(outcome.output[-2000:])
    return time.monotonic() - start


if __name__ == "__main__":
    main()
