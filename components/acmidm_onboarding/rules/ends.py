"""What of a connection ends by itself, on the day that its form or a mandate names.

A scope has a last day. From the day after, no run declares it, whatever the state has of the
client: so the next run withdraws it. The client stays, also without scopes, and so does the
configuration of its products: a later day gives the scope back, as a new one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

from acmidm_onboarding.rules.retirement import leaving_parts
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.end import End, EndOf, after, is_over, midnight


def ended_scopes(client: Client, day: date) -> dict[str, str]:
    """Return the scopes of a client whose last day has passed before ``day``, each with that last
    day: ``{"dv_dosis_schrijven": "2027-03-31"}``."""
    ended = {}
    for scope, grant in client.granted.items():
        if grant.until and is_over(grant.until, day):
            ended[scope] = grant.until
    return ended


def without_ended_scopes(connections: Collection[Declaration], day: date) -> list[Declaration]:
    """Return the connections without the scopes whose last day has passed before ``day``."""
    remaining = []
    for connection in connections:
        if ended := ended_scopes(connection, day):
            connection = connection.without(scopes=ended)
        remaining.append(connection)
    return remaining


def past_ends(wanted: Client, real: Client, day: date) -> Iterator[End]:
    """Yield what has ended of a client before a day and is still at its authority: scopes, the
    mandate of its supplier, mandates to send, the client itself, its products.

    ``wanted`` is the client of the form, with all that it names; else the recorded one. ``real`` is
    what the authority has.
    """
    for scope, until in ended_scopes(wanted, day).items():
        if scope in real.granted:
            yield _ended(EndOf.SCOPE, scope, until)
    last_day = wanted.form.mandate.get("until")
    if last_day and is_over(last_day, day) and (real.scopes or real.keys.known):
        yield _ended(EndOf.MANDATE, wanted.form.mandate["supplier"], last_day)
    yield from _past_mandates_to_send(wanted, real, day)
    leaving = leaving_parts(wanted, day)
    for name, first_day_without in wanted.leaves.items():
        is_client = name == wanted.platform
        if name in leaving and (is_client or name in real.products):
            kind = EndOf.CLIENT if is_client else EndOf.PRODUCT
            yield End(kind, name, midnight(date.fromisoformat(first_day_without)))


def _past_mandates_to_send(wanted: Client, real: Client, day: date) -> Iterator[End]:
    """Yield the end of each mandate by which a form sent for an organisation, where the
    authority's client still does."""
    if not isinstance(wanted, Declaration):  # a state does not know the last days
        return
    names = real.acts_for
    for code, until in wanted.afzenders.items():
        if until and code in names and is_over(until, day):
            yield _ended(EndOf.MANDATE, names[code], until)


def _ended(kind: EndOf, name: str, last_day: str) -> End:
    return End(kind, name, after(date.fromisoformat(last_day)))
