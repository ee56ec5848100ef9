"""A Pulumi project in a scratch folder, driven by the real command line with a backend of files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from toolchain.environment import variables

ROOT = Path(__file__).parents[2]
COMMAND_SECONDS = 120


@dataclass
class Outcome:
    """How a command ended; ``output`` is all it wrote."""

    code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


@dataclass
class Project:
    """The project's own ``Pulumi.yaml`` and ``__main__.py`` with forms, settings and state in ``folder``."""

    folder: Path
    stack: str = "tni"
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def forms(self) -> Path:
        return self.folder / "onboardings"

    def prepare(self, config: Mapping[str, object]) -> None:
        """Lays the project out and makes its stack; ``config`` are settings without their namespace."""
        self.forms.mkdir(parents=True, exist_ok=True)
        (self.folder / "state").mkdir()
        shutil.copy(ROOT / "Pulumi.yaml", self.folder)
        shutil.copy(ROOT / "__main__.py", self.folder)
        (self.folder / ".venv").symlink_to(ROOT / ".venv")
        self.configure({"environment": "tni", "catalogueFolder": str(ROOT / "catalogue"), **config})
        assert self.pulumi("stack", "init", self.stack).code == 0

    def configure(self, config: Mapping[str, object]) -> None:
        """Sets settings of the stack, in the clear."""
        file = self.folder / f"Pulumi.{self.stack}.yaml"
        document: dict[str, Any] = yaml.safe_load(file.read_text()) if file.exists() else {"config": {}}
        document["config"].update({f"acmidm:{key}": value for key, value in config.items()})
        file.write_text(yaml.safe_dump(document))

    def variables(self) -> dict[str, str]:
        own = {"PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}", "PULUMI_CONFIG_PASSPHRASE": "of-tests", "NO_COLOR": "1"}
        return {**os.environ, **variables(), **own, **self.environment}

    def pulumi(self, *words: str) -> Outcome:
        """Runs the command line to its end, without asking anything."""
        done = subprocess.run(
            ["pulumi", *words, "--non-interactive"],
            cwd=self.folder,
            env=self.variables(),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def up(self, *words: str) -> Outcome:
        return self.pulumi("up", "--yes", "--skip-preview", "--continue-on-error", "--suppress-progress", *words)

    def preview(self, *words: str) -> Outcome:
        return self.pulumi("preview", "--suppress-progress", *words)

    def steps(self, *words: str) -> list[dict[str, Any]]:
        """The steps of a preview that change something."""
        outcome = self.pulumi("preview", "--json", *words)
        assert outcome.code == 0, outcome.output
        return [step for step in json.loads(outcome.stdout)["steps"] if step["op"] != "same"]

    def outputs(self) -> dict[str, Any]:
        outcome = self.pulumi("stack", "output", "--json")
        assert outcome.code == 0, outcome.output
        return dict(json.loads(outcome.stdout))

    def exported(self) -> str:
        """The state as it is stored, secrets encrypted."""
        return self.pulumi("stack", "export").stdout
