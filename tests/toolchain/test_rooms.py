"""The rooms of the tests: which run after a change in one, and that none imports from another."""

from __future__ import annotations

import grimp
import pytest

from tests.support.rooms import test_files as files_of


def test_no_module_of_tests_imports_from_another() -> None:
    """What two need is in ``tests/support``, a module a subject."""
    graph = grimp.build_graph("tests", cache_dir=None)
    modules = {name for name in graph.modules if name.rpartition(".")[2].startswith("test_")}
    found = {name: graph.find_modules_that_directly_import(name) for name in modules}
    assert {name: importers for name, importers in found.items() if importers} == {}


@pytest.mark.parametrize("room", ["render", "end_to_end/keycloak"])
def test_a_rooms_own_tests_come_first(room: str) -> None:
    assert files_of(room)[0] == f"tests/{room}"


def test_what_stands_on_a_room_is_tested_with_it() -> None:
    """Also by way of the command line, which finds its commands by their files."""
    files = files_of("values")
    assert {"tests/forms/test_samples.py", "tests/commands/test_validate.py"} <= {*files}
    assert not any("end_to_end" in file for file in files)
    assert "tests/edit/test_new.py" in files_of("commands")
    assert "tests/forms/test_sizes.py" not in files_of("render")


def test_a_room_that_is_not_there_is_refused() -> None:
    with pytest.raises(SystemExit, match="there is no room kitchen: name a folder of tests/"):
        files_of("kitchen")
