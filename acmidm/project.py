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
    """Return a command that runs in its project's folder. Paths that its user gave are from where
    the user is, and are made paths from that folder. So no option may have a path as default."""

    @wraps(command)
    def run(**options: Any) -> T:
        here = Path.cwd()
        folder = project_folder() or here
        if folder == here:
            return command(**options)
        below = here.relative_to(folder)
        typer.echo(f"the project is in {os.path.relpath(folder)}: paths are from there", err=True)
        moved = {name: _path_through(below, value) for name, value in options.items()}
        with chdir(folder):
            return command(**moved)

    return run


def project_name() -> str:
    """Return the name that ``Pulumi.yaml`` gives the project. Raises Failure where there is no such
    file, or no name in it."""
    file = require_project()
    try:
        document = yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader)  # JSON is YAML
        return str(document["name"])
    except (yaml.YAMLError, ValueError, KeyError, TypeError):
        raise Failure(
            f"{file} has no name that can be read; give the project a name there"
        ) from None


def _path_through(below: Path, value: Any) -> Any:
    """Return a path, or each path of a list, through the folder ``below``; any other value, and
    "-" for standard input, as it is."""
    if isinstance(value, Path):
        return value if value == _STANDARD_INPUT else below / value
    if isinstance(value, list | tuple):
        return [_path_through(below, item) for item in value]
    return value
