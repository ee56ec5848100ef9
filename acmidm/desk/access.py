"""Who has access to an API: each client with one of its scopes, and the last day of that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from acmidm.desk.status import ListedConnection
from acmidm.report.kinds import Part


class Api(Part):
    """A product of the catalogue, or one of its scopes."""

    name: str
    product: str | None = None
    """None where the catalogue has neither."""
    scopes: frozenset[str]
    """Its scopes, by each name that a platform has for one."""
    remedy: str = ""
    """Which one may be meant, where the catalogue has neither."""

    def is_of(self, connection: ListedConnection) -> bool:
        """Return whether a client has access to it, or is configured for it."""
        return bool(self.scopes.intersection(connection.scopes)) or (
            self.name == self.product and self.product in connection.products
        )

    def accesses(self, connection: ListedConnection) -> Iterator[ListedConnection]:
        """Yield the connection with each of its scopes of the API alone; without any where it is
        configured for the product, and has none of its scopes."""
        scopes = [scope for scope in connection.scopes if scope in self.scopes]
        for kept in [{scope} for scope in scopes] or [set[str]()]:
            reasons = connection.reasons.items()
            access = {
                "scopes": tuple(kept),
                "reasons": {scope: why for scope, why in reasons if scope in kept},
                "scopes_until": tuple(
                    ends for ends in connection.scopes_until if ends.scope in kept
                ),
            }
            narrowed = connection.model_copy(update=access)
            yield narrowed.model_copy(update={"last_day": last_day(narrowed, self.product)})


def last_day(access: ListedConnection, product: str | None) -> date | None:
    """Return the last day on which a client has its scope of a product: by the scope's own end, by
    its supplier's mandate and by what its form retires; None where none says one."""
    mandate, leaves = access.mandate, access.leaves
    days = [ends.until for ends in access.scopes_until]
    if mandate and mandate.until:
        days.append(mandate.until)
    first_without = [leaves[name] for name in (access.platform, product) if name in leaves]
    days += [date.fromisoformat(first) - timedelta(days=1) for first in first_without]
    return min(days, default=None)
