"""Which authorities the suite is run against: all that it knows, or those of ``--authority NAME``.

Somebody else's is run by the file of a stack on it, in which its type is installed:
``pytest tests/conformance --authority theirs --stack-file Pulumi.theirs.yaml``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from tests.conformance.subjects import STARTS, WITHOUT_FAULTS, Subject, Wire, of_stack


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    wanted, module = metafunc.fixturenames, metafunc.module
    names = metafunc.config.getoption("--authority") or [*STARTS]
    if "wire" in wanted:
        names = [name for name in names if name not in WITHOUT_FAULTS]
    if "cut" in wanted:
        cuts = module.CUTS[metafunc.function.__name__]
        metafunc.parametrize(("name", "cut"), [cut for cut in cuts if cut.values[0] in names])
    elif "part" in wanted:
        pairs = [(name, part) for name in names for part in module.PARTS if part.is_of(name)]
        metafunc.parametrize(
            ("name", "part"), pairs, ids=[f"{name}-{part.name}" for name, part in pairs]
        )
    elif "name" in wanted:
        metafunc.parametrize("name", names)


@pytest.fixture(scope="session")
def start(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Subject]]:
    """Each authority is started once, and ends with the session."""
    file = request.config.getoption("--stack-file")
    with ExitStack() as running:

        @cache
        def started(name: str) -> Subject:
            folder = tmp_path_factory.mktemp(name)
            return running.enter_context(
                of_stack(Path(file))
                if file and name not in STARTS
                else STARTS[name](request, folder)
            )

        yield started


@pytest.fixture
def subject(name: str, start: Callable[..., Subject]) -> Subject:
    return start(name)


@pytest.fixture
def wire(subject: Subject) -> Iterator[Wire]:
    if subject.wire is None:
        pytest.skip(
            "nothing is between this suite and the authority: a function in subjects.py has to put"
            " it there"
        )
    yield subject.wire
    subject.wire.proxy.heal()
