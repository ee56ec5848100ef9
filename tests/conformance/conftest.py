"""Which authorities the suite is run against: all that it knows, or those of ``--authority NAME``.

Somebody else's is run by the file of a stack on it, in which its type is installed:
``pytest tests/conformance --authority theirs --stack-file Pulumi.theirs.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.subjects import STARTS, Subject, of_stack


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "name" in metafunc.fixturenames:
        names = metafunc.config.getoption("--authority") or [*STARTS]
        metafunc.parametrize("name", names, scope="module")


@pytest.fixture(scope="module")
def subject(name: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    file = request.config.getoption("--stack-file")
    folder = tmp_path_factory.mktemp(name)
    start = of_stack(Path(file)) if file and name not in STARTS else STARTS[name](request, folder)
    with start as running:
        yield running
