"""The workflows as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
OWN = ROOT / ".github" / "workflows"
"""Those of this project."""
OF_FORMS = ROOT / "examples" / "onboarding-repository" / ".github" / "workflows"
"""Those of a repository of forms."""


@dataclass(frozen=True)
class Step:
    workflow: str
    job: str
    document: dict[str, Any]
    of_job: dict[str, str]
    """The environment that the job gives each step."""

    @property
    def environment(self) -> dict[str, str]:
        return {**self.of_job, **self.document.get("env", {})}

    @property
    def run(self) -> str:
        return str(self.document.get("run", ""))

    def __str__(self) -> str:
        return f"{self.workflow}/{self.job}: {self.run or self.document.get('uses')}"


def workflows() -> dict[str, dict[str, Any]]:
    """Per file name without its suffix. Texts only, since YAML 1.1 takes the key ``on`` for a truth
    value."""
    return {
        file.stem: yaml.load(file.read_text(), Loader=yaml.BaseLoader)  # noqa: S506 - it makes texts, lists and mappings only
        for file in (*sorted(OF_FORMS.iterdir()), *sorted(OWN.iterdir()))
    }


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for workflow, document in workflows().items():
        for name, job in document["jobs"].items():
            yield workflow, name, job


def steps() -> list[Step]:
    return [
        Step(workflow, name, step, job.get("env", {}))
        for workflow, name, job in jobs()
        for step in job["steps"]
    ]
