"""The project that a command is about: the nearest folder with a ``Pulumi.yaml``, here or above, as
the engine finds it.

Every command runs in that folder, whichever folder of the project somebody is in. Without one it
runs where it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import chdir
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import typer
import yaml

from acmidm_onboarding.project import project_folder, require_project
from acmidm_onboarding.values.problems import Failure

T = TypeVar("T")

_STANDARD_INPUT = Path("-")


def in_project(command: Callable[..., T]) -> Callable[..., T]:
    """Have a command run in its project's folder. Paths among its arguments are from where its user
    is, so that no default may be a path."""

    @wraps(command)
    def run(**given: Any) -> T:
        here = Path.cwd()
        folder = project_folder() or here
        if folder == here:
            return command(**given)
        below = here.relative_to(folder)
        typer.echo(f"the project is in {os.path.relpath(folder)}: paths are from there", err=True)
        with chdir(folder):
            return command(**{name: _from(below, value) for name, value in given.items()})

    return run


def project_name() -> str:
    """Return the name of the project. Raises Failure."""
    file = require_project()
    try:
        document = yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader)  # JSON is YAML
        return str(document["name"])
    except (yaml.YAMLError, ValueError, KeyError, TypeError):
        raise Failure(
            f"{file} has no name that can be read; give the project a name there"
        ) from None


def _from(below: Path, value: Any) -> Any:
    if isinstance(value, Path):
        return value if value == _STANDARD_INPUT else below / value
    return [_from(below, item) for item in value] if isinstance(value, list | tuple) else value
