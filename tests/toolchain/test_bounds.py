"""What pyproject.toml promises of the versions of its dependencies, and what ``make test-lowest``
tries of it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from tests.support.engine import ROOT

_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
_BOUND = re.compile(r"([a-z0-9.-]+)>=([0-9.]+)")


def _dependencies() -> list[str]:
    """Return those of the module, the command line and the sandbox, as they are written."""
    extras = _PROJECT["optional-dependencies"]
    return [*_PROJECT["dependencies"], *extras["cli"], *extras["sandbox"]]


def _locked(name: str) -> dict[str, str]:
    """Return the versions that a lock file has, by the package's normalised name."""
    text = (ROOT / name).read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def test_each_dependency_has_a_lower_bound_alone_and_that_version_is_tried() -> None:
    """An upper bound would keep a security fix from those who import the module."""
    lowest, newest = _locked("requirements-lowest.txt"), _locked("requirements.txt")
    for dependency in _dependencies():
        match = _BOUND.fullmatch(dependency)
        assert match, f"{dependency}: write it as name>=version"
        name, bound = match[1].replace(".", "-"), match[2]
        assert lowest[name] == bound, f"{name}: run make lock"
        assert _release(bound) <= _release(newest[name]), name


def test_on_the_lowest_versions_the_tests_run_with_the_everyday_tools() -> None:
    """A newer pytest there would make a failure that is not of our packages."""
    tools = Path(ROOT, "toolchain/python/unit-tests.in").read_text().splitlines()
    names = [line for line in tools if not line.startswith("#")]
    lowest, everyday = _locked("requirements-lowest.txt"), _locked("requirements-dev.txt")
    assert {name: lowest.get(name) for name in names} == {name: everyday[name] for name in names}
    assert set(names) <= set(_PROJECT["optional-dependencies"]["dev"])
