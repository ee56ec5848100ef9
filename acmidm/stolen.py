"""The compromised keys that preserved clients still have: nobody manages these clients, so that no run takes a key away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from acmidm.keys import keys_of
from acmidm.report.client import states_of
from acmidm.report.compare import ConnectionChanges, client_name
from acmidm.report.drift import ClientDrift, Real
from acmidm.report.kinds import Change, Kind
from acmidm_onboarding.model.connection import Connection
from acmidm_onboarding.model.form import Platform


def stolen_keys(left: Iterable[Connection], real: Mapping[Platform, Real]) -> Iterator[ClientDrift]:
    """Yield each client of ``left`` whose authority lists a key that its form says is compromised, whoever manages it by now."""
    for connection in left:
        if not connection.compromised:
            continue
        (state,) = states_of([connection], protect=None).values()
        for snapshot in real[connection.platform].clients.values() if connection.platform in real else ():
            keys = keys_of(snapshot.jwks) if snapshot.client.metadata.software_id == connection.software_id else {}
            changes = tuple(
                Change(kind=Kind.KEY_LEFT, subject=kid, thumbprint=key.thumbprint)
                for kid, key in sorted(keys.items())
                if key.thumbprint in connection.compromised
            )
            if changes:
                named = client_name(state) | {"client_id": snapshot.client.client_id}
                yield ClientDrift(None, None, pending=ConnectionChanges(**named, environment=connection.environment, changes=changes))
