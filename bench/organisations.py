"""Organisations that do not exist, with numbers that pass every check."""

from __future__ import annotations

from pathlib import Path

from acmidm_onboarding.values.identifiers import kbo_number


def kbo_of(number: int) -> str:
    """A KBO number with right check digits, another for each number."""
    first = 10_000_000 + number
    return kbo_number(f"{first:08d}{97 - first % 97:02d}")


def write_organisation(folder: Path, number: int, more: str = "") -> None:
    """Make the folder of an organisation; ``more`` is further lines of its ``organisation.yaml``."""
    folder.mkdir()
    (folder / "organisation.yaml").write_text(f'name: Organisatie {number}\nkbo: "{kbo_of(number)}"\n{more}')
