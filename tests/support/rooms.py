"""Which test files to run after a change in one room: ``make test ROOM=forms``."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import grimp

_PACKAGES = ("acmidm_onboarding", "acmidm", "acmidm_sandbox")
_TESTS = "tests"
_ON_THE_ENGINE = "tests.end_to_end."


def test_files(room: str) -> list[str]:
    """Return the files that test a room, its own first, then those of what imports it.

    A folder of ``tests`` is taken as it is, such as ``end_to_end/keycloak``. The tests on the
    engine stand on every room: ``make test`` runs them, and ``make test-exhaustive`` those of them
    on Keycloak.

    Raises:
        SystemExit: there is no such room.
    """
    own = Path(_TESTS, room)
    graph = _imports()
    packages = [name for name in (f"{one}.{room}" for one in _PACKAGES) if name in graph.modules]
    if room == "sandbox":
        packages = ["acmidm_sandbox"]
    if not packages and not own.is_dir():
        sys.exit(f"error: there is no room {room}: name a folder of tests/, or a package")
    found: set[str] = set()
    for package in packages:
        found |= graph.find_downstream_modules(package, as_package=True)
    files = [
        f"{name.replace('.', '/')}.py"
        for name in sorted(found)
        if name.rpartition(".")[2].startswith("test_") and not name.startswith(_ON_THE_ENGINE)
    ]
    others = [file for file in files if own not in Path(file).parents]
    return [str(own), *others] if own.is_dir() else others


@cache
def _imports() -> grimp.ImportGraph:
    graph = grimp.build_graph(*_PACKAGES, _TESTS, cache_dir=None)
    # The command line finds its commands by their files.
    for command in graph.find_children("acmidm.commands"):
        graph.add_import(importer="acmidm.cli", imported=command)
    return graph


if __name__ == "__main__":
    print(*test_files(sys.argv[1]))  # noqa: T201 - for make
