"""The organisations that a client sends for at a product, as a review tells of them: together, each
by name."""

from __future__ import annotations

from collections.abc import Iterator

from acmidm.report.kinds import Change, FieldChange, Kind
from acmidm_onboarding.values.metadata import ProductDocument


def changes_of_afzenders(
    product: str, old: ProductDocument, new: ProductDocument
) -> Iterator[Change]:
    """Yield for whom a client sends at a product, and sends no more, together."""
    had, has = old.afzenders, new.afzenders
    more = sorted((has[code], code) for code in has.keys() - had.keys())
    fewer = sorted((had[code], code) for code in had.keys() - has.keys())
    if more:
        fields = tuple(FieldChange(field=name, new=code) for name, code in more)
        yield Change(
            kind=Kind.SENDS_FOR_MORE, subject=product, note=f"{len(more):,}", fields=fields
        )
    if fewer:
        fields = tuple(FieldChange(field=name, old=code) for name, code in fewer)
        yield Change(
            kind=Kind.SENDS_FOR_FEWER, subject=product, note=f"{len(fewer):,}", fields=fields
        )
