"""Projects whose state is in a PostgreSQL that several machines reach."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from tests.support.between import ProxiedProject
from tests.support.postgres import RunningPostgres
from tests.support.vault import PROVIDER


class SharedProject(ProxiedProject):
    """A clone of a repository whose state others have too."""

    backend: RunningPostgres
    name: str

    def share(self, backend: RunningPostgres, name: str) -> None:
        """Move the new stack there."""
        self.backend, self.name = backend, name
        self.environment |= backend.variables(name)
        self.secrets.append(backend.password)
        shutil.rmtree(self.folder / "state")
        self.init()

    def init(self) -> None:
        self.succeed("stack", "init", self.stack, "--secrets-provider", PROVIDER)

    def clone(self, folder: Path) -> Self:
        """A second operator's."""
        shutil.copytree(self.folder, folder, symlinks=True)
        other = replace(self, folder=folder)
        other.backend, other.name = self.backend, self.name
        return other

    def stored(self) -> dict[str, Any]:
        exported: dict[str, Any] = json.loads(self.succeed("stack", "export").stdout)
        return dict(exported["deployment"])

    def locks(self) -> list[Path]:
        """Those that keep the engine from locking, as it names them."""
        said = self.pulumi("stack", "rename", self.stack, "--stack", self.stack).stderr
        return [Path(lock) for lock in re.findall(r"\S+(?=: created by )", said)]

    def lock(self, **changes: object) -> dict[str, Any]:
        """A lock as the engine writes one: by this machine, by a process that ended."""
        ended = subprocess.Popen(["true"])
        ended.wait()
        written = {
            "pid": ended.pid,
            "username": "jan",
            "hostname": "another-machine",
            "timestamp": now(),
            **changes,
        }
        key = f".pulumi/locks/organization/acmidm/{self.stack}/made-by-a-test.json"
        self.backend.put(self.name, key, json.dumps(written).encode())
        return written


def now() -> str:
    return datetime.now(UTC).isoformat()
