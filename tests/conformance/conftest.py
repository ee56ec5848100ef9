"""Which authorities the suite is run against: all that it knows, or those of ``--authority NAME``.

Somebody else's is run by the file of a stack on it, in which its type is installed:
``pytest tests/conformance --authority theirs --stack-file Pulumi.theirs.yaml``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Platform
from tests.conformance.subjects import (
    STARTS,
    WITHOUT,
    Subject,
    Wire,
    of_stack,
    settings_in,
)


@pytest.hookimpl(trylast=True)  # what another conftest undoes at the end has to be done by then
def pytest_configure(config: pytest.Config) -> None:
    tried(config)


def tried(config: pytest.Config) -> list[str]:
    """Return the names of the authorities that are tried; of a stack's file, that of its type."""
    names, file = config.getoption("--authority") or [], config.getoption("--stack-file")
    if not file:
        if unknown := ", ".join({*names} - {*STARTS}):
            raise pytest.UsageError(
                f"--authority {unknown} is none that this suite starts, which are"
                f" {', '.join(STARTS)}; give the file of a stack on it with --stack-file"
            )
        return names or [*STARTS]
    try:
        found = settings_in(Path(file)).platforms[Platform.ACMIDM].authority
    except (Failure, OSError, KeyError) as error:
        raise pytest.UsageError(f"--stack-file {file}: {error}") from None
    if others := ", ".join({*names} - {found}):
        raise pytest.UsageError(
            f"{file}: acmidm:authority is {found}, and --authority is {others}; write the type that"
            " is to be tried in both"
        )
    return [found]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    wanted, module = metafunc.fixturenames, metafunc.module
    unfit = {name for fixture in wanted for name in WITHOUT.get(fixture, ())}
    names = [name for name in tried(metafunc.config) if name not in unfit]
    if "cut" in wanted:
        cuts = [cut for name in names for cut in module.cuts_of(name)]
        metafunc.parametrize(("name", "cut", "commands"), cuts)
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
            if file:
                return running.enter_context(of_stack(Path(file)))
            folder = tmp_path_factory.mktemp(name)
            return running.enter_context(STARTS[name](request, folder))

        yield started


@pytest.fixture
def subject(name: str, start: Callable[..., Subject]) -> Iterator[Subject]:
    """An authority, as a run of its own connects to it; what the test made there is removed."""
    connected = replace(start(name), made=[])
    yield connected
    left = connected.clean_up()
    assert not left, f"clients that a test made are still there: {', '.join(left)}"


@pytest.fixture
def wire(subject: Subject) -> Iterator[Wire]:
    if subject.wire is None:
        pytest.skip(
            "nothing is between this suite and the authority: its settings have no managementUrl,"
            " so that a function in subjects.py has to put it there"
        )
    yield subject.wire
    subject.wire.proxy.heal()
