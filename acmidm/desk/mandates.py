"""Which suppliers act for which organisations, in what and until when, as the forms have it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby

from acmidm.desk.status import ListedMandate
from acmidm.report.kinds import Part
from acmidm.words import plain, searched
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.texts import say_counted


class Acting(ListedMandate):
    """One mandate, with the organisation that gave it, and its folder."""

    supplier_name: str
    organisation: str
    folder: str
    applications: tuple[str, ...]
    reference: str = ""

    @property
    def words(self) -> str:
        named = (self.supplier, self.supplier_name, self.organisation, self.folder, self.reference)
        return " ".join((*named, *self.applications)).casefold()


class MandateList(Part):
    """The mandates of all organisations, by supplier."""

    checked_at: datetime
    mandates: tuple[Acting, ...]

    @property
    def title(self) -> str:
        return say_counted("mandates.title", len(self.mandates))

    @property
    def by_supplier(self) -> Iterator[tuple[str, list[Acting]]]:
        for name, mandates in groupby(self.mandates, key=lambda one: one.supplier_name):
            yield plain(name), list(mandates)


def mandates_in(
    onboardings: Onboardings, search: str, supplier: str | None, now: datetime
) -> MandateList:
    """Return the mandates with words that begin with each of ``search``, of one supplier's folder
    where that is given."""
    organisations, matches, today = (
        onboardings.organisations,
        searched(search),
        now.astimezone(UTC).date(),
    )
    acting = [
        Acting(
            supplier=mandate.supplier,
            supplier_name=organisations[mandate.supplier].name,
            organisation=organisations[folder].name,
            folder=folder,
            applications=mandate.applications,
            until=mandate.until,
            days_left=(mandate.until - today).days,
            reference=mandate.reference or "",
        )
        for folder, mandates in onboardings.mandates.items()
        for mandate in mandates
    ]
    kept = (one for one in acting if matches(one.words) and supplier in (None, one.supplier))
    in_order = sorted(
        kept, key=lambda one: (one.supplier_name.casefold(), one.organisation.casefold(), one.until)
    )
    return MandateList(checked_at=now, mandates=tuple(in_order))
