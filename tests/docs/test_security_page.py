"""The threat model and the page of faults name tests that exist: a remedy whose test was renamed or removed is no
longer shown."""

from __future__ import annotations

import re

from tests.support.engine import ROOT

_NAMED = re.compile(r"`((?:\w+/)+test_\w+\.py)(?:::(test_\w+))?`")


def test_each_test_that_the_threat_model_names_is_there() -> None:
    named = _NAMED.findall((ROOT / "docs" / "security.md").read_text())
    missing = []
    for file, test in named:
        path = ROOT / "tests" / file
        if not path.exists() or f"def {test}" not in path.read_text():
            missing.append(f"{file}::{test}")
    assert len(named) > 40
    assert not missing


def test_each_test_that_the_page_of_faults_names_is_there() -> None:
    """There a test has no folder, and often no file: that is said above its table."""
    page = (ROOT / "docs" / "reliability.md").read_text()
    tests: dict[str, set[str]] = {}
    for file in (ROOT / "tests").rglob("test_*.py"):
        tests.setdefault(file.name, set()).update(re.findall(r"def (test_\w+)", file.read_text()))
    anywhere = set().union(*tests.values())
    with_file, files, alone = (
        re.findall(one, page) for one in (r"(test_\w+\.py)::(test_\w+)", r"test_\w+\.py", r"`(test_\w+)`")
    )
    assert len(with_file) > 30
    assert [f"{file}::{test}" for file, test in with_file if test not in tests.get(file, ())] == []
    assert [name for name in (*files, *alone) if name not in tests and name not in anywhere] == []
