"""What becomes of a connection whose supplier has no mandate any more.

From the day after its end, nothing of the form is carried out: its client stays as it is recorded. One run withdraws
the scopes, and the next one the keys, whatever that breaks: the supplier has their private halves. A later mandate
gives back what the form has. What of a form leaves goes on to leave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date

from acmidm_onboarding.rules.gate import Withheld
from acmidm_onboarding.rules.retirement import withdrawn_of
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.client import Client, Records, metadata_of, recorded_as
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.keys import public_keys
from acmidm_onboarding.values.plain import flat


def has_ended(connection: Declaration, day: date) -> bool:
    """Return whether a supplier acted for a connection, and may not on a day."""
    return bool(connection.mandate) and connection.mandate["until"] < day.isoformat()


def without_mandate(
    connections: Iterable[Declaration], records: Callable[[], Records], day: date
) -> Iterator[tuple[Declaration | None, Withheld | None]]:
    """Yield what a run on ``day`` declares of each connection, and what it holds back. ``records`` reads what the state
    has, and is called only where a mandate has ended."""
    for connection in connections:
        if not has_ended(connection, day) or connection.leaving:
            yield connection, None
            continue
        record = recorded_as(connection, records())
        is_made = record is not None and record.client_id is not None
        why = say("rules.mandate_ended", **connection.mandate)
        withheld = Withheld(connection, (why,), is_declared=False, is_new=not is_made, lacks_mandate=True)
        yield (_as_recorded(connection, record) if record and is_made else None), withheld


def _as_recorded(connection: Declaration, record: Client) -> Declaration:
    metadata = metadata_of(record).model_copy(update={"software_id": connection.software_id})
    jwks = {kid: key for kid, key in (connection.jwks or {}).items() if key.thumbprint in record.thumbprints}
    revoked = frozenset[str]()
    if record.scopes is not None and not record.scopes:
        jwks, revoked = {}, record.thumbprints | connection.thumbprints
    return replace(
        connection,
        fields=flat(metadata.properties),
        metadata=metadata,
        scopes={},
        withdrawn=withdrawn_of(record, connection, {}),
        jwks=jwks,
        keys=public_keys(jwks),
        revoked=revoked,
        products=dict(record.products),
    )
