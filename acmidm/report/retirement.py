"""What a change does to a client that leaves: announced for a day to come, taken down from that day
on, or let go."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from acmidm.report.fields import field_changes
from acmidm.report.kinds import Change, Kind
from acmidm_onboarding.rules.retirement import leaving_parts
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.client import Client


def retirement(before: Client, after: Client, today: date) -> Iterator[Change]:
    """Yield what a form announces to leave, and what of it leaves with this change: the client as a
    whole, or else products."""
    if before.announced != after.announced:
        kind = Kind.RETIREMENT_ANNOUNCED if after.announced else Kind.RETIREMENT_CALLED_OFF
        fields = field_changes(before.announced, after.announced)
        yield Change(kind=kind, fields=fields)
    elif after.announced:
        days: list[str] = []
        for name, day in sorted(after.leaves.items()):  # a product or the platform: 2027-03-31
            if day > today.isoformat():
                days.append(tr("{name} from {day}", name=name, day=day))
        if days:
            yield Change(kind=Kind.RETIREMENT_COMING, note=", ".join(days))
    if after.leaving.is_let_go and not before.leaving.is_let_go:
        yield Change(kind=Kind.CLIENT_LET_GO)
    elif is_leaving(after, today):
        # A run takes it down, the next one removes it: then it has no scope and no protection.
        is_taken_down = before.platform in before.leaving.parts
        if not is_taken_down or before.scopes or before.leaving.protected:
            yield Change(kind=Kind.CLIENT_RETIRED, note=after.leaves.get(after.platform))
    else:
        kept = before.products.keys() & after.products.keys()
        for product in sorted(kept & leaving_parts(after, today)):
            day = after.leaves[product]
            yield Change(kind=Kind.PRODUCT_RETIRED, subject=product, note=day)


def is_leaving(client: Client, today: date) -> bool:
    """Return whether the next run after this one removes a declared client, or lets it go."""
    is_due = client.platform in leaving_parts(client, today)
    return client.leaving.is_let_go or (is_due and not client.form.keep)
