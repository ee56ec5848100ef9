"""The organisations that a client sends for at a product, as a review tells of them: together, and
by name."""

from __future__ import annotations

from collections.abc import Iterator

from acmidm.report.kinds import Change, Kind
from acmidm.words import first_of
from acmidm_onboarding.values.client import AFZENDERS
from acmidm_onboarding.values.metadata import Configuration


def changes_of_afzenders(product: str, old: Configuration, new: Configuration) -> Iterator[Change]:
    """Yield for whom a client sends at a product, and sends no more, together."""
    had, has = (
        {one["code"]: one["name"] for one in side.get(AFZENDERS) or ()} for side in (old, new)
    )
    for kind, codes in (
        (Kind.SENDS_FOR_MORE, has.keys() - had.keys()),
        (Kind.SENDS_FOR_FEWER, had.keys() - has.keys()),
    ):
        if codes:
            names = first_of(sorted(str((has | had)[code]) for code in codes))
            yield Change(kind=kind, subject=product, note=f"{len(codes):,} ({names})")
