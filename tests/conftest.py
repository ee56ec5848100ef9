"""What tests of several folders share."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from acmidm_onboarding.settings.trusted_hosts import TRUSTED_HOSTS
from tests.support import tools
from tests.support.counted_engine import counted
from tests.support.isolation import forget_states, isolated
from tests.support.offered import KEYCLOAK_PORT, RUN, SHARED, catalogue_folder, write_catalogue
from tests.support.workspace import place, workspace

# Servers and a browser are imported by those who start one: half of the time that pytest needs
# before the tests of one room.
if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.support.keycloak_server.admin import Admin
    from tests.support.keycloak_server.server import Server

__all__ = ["place", "workspace"]

_LONGEST_FIRST = ("story", "stateful", "library", "conformance", "bench", "end_to_end")
"""The folders of tests whose files take longest: pages in a clone take many minutes."""


@pytest.fixture(scope="module", autouse=True)
def _whole_tracebacks() -> Iterator[None]:
    """Providers cut tracebacks off in their process, which in tests that call them is pytest's."""
    yield
    vars(sys).pop("tracebacklimit", None)


_RUNNING: list[pytest.Item] = []
"""The test that runs now."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    _RUNNING.append(item)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Leave no state that a test read to the next. Not a fixture: all 5,000 tests would pay for
    one, a fifth of what pytest does for a test."""
    forget_states()
    _RUNNING.clear()


def pytest_addoption(parser: pytest.Parser) -> None:
    named = (
        "the authority that tests/conformance is run against; may be repeated, all where left out"
    )
    parser.addoption("--authority", action="append", metavar="NAME", help=named)
    parser.addoption(
        "--stack-file",
        metavar="FILE",
        help="the file of a stack on an authority of somebody else's",
    )


def pytest_configure(config: pytest.Config) -> None:
    tools.refuse_processes(_RUNNING)
    # A script's background job ignores SIGINT, and so would all that tests start: an engine takes 5
    # s more for each command then.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        shared = Path(tempfile.mkdtemp(prefix="acmidm-tests-"))
        environment = isolated(os.environ, shared)
        if config.getoption("--stack-file") and TRUSTED_HOSTS in os.environ:
            environment[TRUSTED_HOSTS] = os.environ[TRUSTED_HOSTS]  # it may be anywhere
        os.environ.clear()
        os.environ.update({**environment, SHARED: str(shared)})
        write_catalogue(catalogue_folder())
        os.mkfifo(shared / RUN)
        # For reading too: to open it for writing alone waits for a reader.
        config.add_cleanup(partial(os.close, os.open(shared / RUN, os.O_RDWR)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    commands = counted(Path(os.environ[SHARED]))
    if commands:
        listed = ", ".join(f"{count} {name}" for name, count in commands.most_common())
        terminalreporter.write_line(f"commands of the engine: {commands.total()} ({listed})")
    for sentence in tools.not_tried(terminalreporter.getreports("skipped")):
        terminalreporter.write_line(sentence)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shared = Path(os.environ[SHARED])
        if (shared / KEYCLOAK_PORT).exists():
            from tests.support.keycloak import stop_keycloak

            stop_keycloak(shared)
        shutil.rmtree(shared)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage meanwhile, nor among what is there then, and seldom later.

    All that is imported and collected stays. To look for garbage as often as Python does takes an
    eighth of the processor time of tests.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(100000)
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts first the files that take longest: no worker waits for another's at the end."""
    items.sort(key=_turn)
    for item in items:
        if tools.is_needed(item):
            item.add_marker("tool")
        if tools.needs_keycloak(item):
            item.add_marker("keycloak")


def _turn(item: pytest.Item) -> int:
    folders = item.nodeid.partition("::")[0].split("/")
    turns = (turn for turn, folder in enumerate(_LONGEST_FIRST) if folder in folders)
    return next(turns, len(_LONGEST_FIRST))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a file. While it runs, so does a loop in this thread, and no other can: it
    ends with the file."""
    from tests.support.browser import chromium

    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def keycloak_server() -> Server:
    """One Keycloak for all workers, in memory: it takes long to start. Tests make realms of their
    own."""
    from tests.support.keycloak import one_keycloak

    return one_keycloak(Path(os.environ[SHARED]))


@pytest.fixture(scope="session")
def administrator(keycloak_server: Server) -> Iterator[Admin]:
    """Whoever sets realms up in it, and changes things by hand."""
    from tests.support.keycloak_server.admin import Admin

    with Admin(keycloak_server) as admin:
        yield admin
