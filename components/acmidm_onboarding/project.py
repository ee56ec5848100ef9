"""Where the project is whose forms and stacks are meant."""

from __future__ import annotations

from pathlib import Path

from acmidm_onboarding.values.problems import Failure

_FILES = ("Pulumi.yaml", "Pulumi.yml", "Pulumi.json")


def project_folder() -> Path | None:
    """Return the folder of the project in which somebody is; None where there is no project."""
    here = Path.cwd()
    return next((parent for parent in (here, *here.parents) if _file_in(parent)), None)


def require_project() -> Path:
    """Return the project's file. Raises Failure."""
    if (file := _file_in(Path())) is None:
        raise Failure(
            "there is no project here or above (Pulumi.yaml); run this in a project's folder, or"
            " below it"
        )
    return file


def _file_in(folder: Path) -> Path | None:
    return next((folder / name for name in _FILES if (folder / name).is_file()), None)
