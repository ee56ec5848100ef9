"""Previews in JSON: what they do with each form's resources, and what they refuse."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acmidm.report.plan import read_plan
from tests.support.engine import Project, changing, details, place_of
from tests.support.forms import FormFile
from tests.support.together import Shown, is_of

NOWHERE = "http://127.0.0.1:9"
"""The discard port, where nobody listens: a request there fails at once."""
NO_ACCESS = {
    "managementUrl": f"{NOWHERE}/management/v1",
    "issuer": f"{NOWHERE}/op",
    "productsUrl": f"{NOWHERE}/products/v1",
    "operatorClientId": "nobody",
    "operatorPrivateKeyFile": "absent.jwk.json",
}
"""The settings of a machine without access to any authority."""


@dataclass(frozen=True)
class Preview:
    """A preview as the engine ended it, whatever it refused."""

    code: int
    document: dict[str, Any]

    @property
    def changed(self) -> list[dict[str, Any]]:
        """The steps that change something, those of components and of the stack left out."""
        return changing(self.document["steps"])

    def steps(self, *forms: FormFile) -> list[dict[str, Any]]:
        """Those of them that are of these forms."""
        return [
            step
            for step in self.changed
            if any(is_of(step["urn"].rpartition("::")[2], form) for form in forms)
        ]

    def of(self, *forms: FormFile) -> Shown:
        """What it does with these forms' resources, and the properties that change."""
        return details(self.steps(*forms))

    def before(self, form: FormFile) -> dict[str, dict[str, Any]]:
        """What a client that is taken over has, by the resource that will have it."""
        return {
            place_of(step["urn"]): step["newState"]["inputs"]["adopt"]["before"]
            for step in self.steps(form)
            if "adopt" in step["newState"]["inputs"]
        }

    @property
    def problems(self) -> Iterable[str]:
        """What it refuses, a sentence each."""
        return read_plan(self.document).problems


def preview_of(project: Project, *words: str) -> Preview:
    """Preview a stack, whatever it refuses."""
    shown = project.pulumi("preview", "--json", *words)
    return Preview(shown.code, json.loads(shown.stdout))


def contents(folder: Path) -> dict[Path, bytes]:
    """All files of a project with what they have, but for its virtual environment."""
    return {
        file: file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and ".venv" not in file.parts
    }
