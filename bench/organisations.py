"""Organisations that do not exist, with numbers that pass every check."""

from __future__ import annotations

from components.model.identifiers import kbo_number


def kbo_of(number: int) -> str:
    """A KBO number with right check digits, another for each number."""
    first = 10_000_000 + number
    return kbo_number(f"{first:08d}{97 - first % 97:02d}")
