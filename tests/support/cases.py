"""Of the cases of a test, those that run with each change; the rest run in ``make
test-exhaustive``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest


def cases(table: Mapping[str, Any], *for_each_change: str) -> list[Any]:
    """A table's values as parameters, with their names."""
    assert set(for_each_change) <= set(table)
    return [
        pytest.param(
            value, id=name, marks=() if name in for_each_change else pytest.mark.exhaustive
        )
        for name, value in table.items()
    ]
