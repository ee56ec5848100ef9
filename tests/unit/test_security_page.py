"""The threat model names tests that exist: a remedy whose test was renamed or removed is no longer shown."""

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
