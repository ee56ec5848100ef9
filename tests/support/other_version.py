"""A program that is run by another version of this package than the tests'."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.engine import Project

LATER, EARLIER = "999.1.0", "0.0.9"
_AS_IF = "from acmidm_onboarding import installed\n\ninstalled.VERSION = {version!r}\n"


@contextmanager
def run_by(project: Project, version: str) -> Iterator[None]:
    """Have the program of a project be that of a version, which differs in nothing else."""
    program = project.folder / "__main__.py"
    text = program.read_text()
    program.write_text(_AS_IF.format(version=version) + text)
    try:
        yield
    finally:
        program.write_text(text)
