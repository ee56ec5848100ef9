"""State outlives the source that wrote it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.support.engine import ROOT, Project
from tests.support.forms import write_form

MOST_CHARACTERS = 150
EDIT = """    def read(self, id_: str, props: Properties) -> ReadResult:
        # A comment that was not there before.
        __import__("pathlib").Path(__import__("os").environ["PROOF_OF_THE_EDIT"]).touch()
"""


def providers(project: Project) -> dict[str, str]:
    return {
        place: resource["inputs"]["__provider"] for place, resource in project.resources().items()
    }


def test_edit_of_a_provider_is_no_diff(project: Project, tmp_path: Path) -> None:
    """What is stored of a provider is its name: an edited method runs on old state, and nothing
    shows as changed."""
    write_form(project.forms)
    project.apply()
    stored = providers(project)
    assert len(stored) == 4
    assert all(len(text) < MOST_CHARACTERS for text in stored.values()), stored

    copy = tmp_path / "edited"
    shutil.copytree(ROOT / "components", copy, ignore=shutil.ignore_patterns("__pycache__"))
    for source in (copy / "acmidm_onboarding" / "resources").glob("*.py"):
        source.write_text(source.read_text().replace(EDIT.splitlines(keepends=True)[0], EDIT))
    proof = tmp_path / "proof"
    project.environment = {"PYTHONPATH": str(copy), "PROOF_OF_THE_EDIT": str(proof)}

    project.in_sync()
    assert proof.exists(), "the edited source was not the one that ran"
    assert json.dumps(list(stored.values())).count(str(ROOT)) == 0
