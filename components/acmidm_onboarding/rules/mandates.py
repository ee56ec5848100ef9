"""What becomes of a connection whose supplier has no mandate any more, or lists no keys any more.

One that is taken out has ended, as one whose last day has passed. From then on, nothing of the form
is carried out: its client stays as it is recorded. One run withdraws the scopes, and the next one
the keys, whatever that breaks: the supplier has their private halves. A later mandate gives back
what the form has. A client or a product that leaves goes on to leave. A form that keeps its client
has no mandate: the loader refuses both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from datetime import date
from types import MappingProxyType

from acmidm_onboarding.rules.gate import Withheld
from acmidm_onboarding.rules.retirement import withdrawn_of
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.client import (
    Client,
    Records,
    afzenders_of,
    is_recorded,
    known,
    metadata_of,
    with_only,
)
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.keys import public_keys
from acmidm_onboarding.values.plain import flat
from acmidm_onboarding.values.problems import Failure, first_listed


def has_ended(connection: Declaration, day: date) -> bool:
    """Return whether a connection has a supplier that does not act for it on a day."""
    until = connection.mandate.get("until", "")
    is_over = until < day.isoformat() or connection.lacks_supplier_keys
    return bool(connection.mandate) and is_over


def _why(connection: Declaration, day: date) -> str:
    """Return why a supplier does not act for a connection on a day."""
    facts = {
        "name": connection.organisation,
        "application": connection.application,
        "environment": connection.environment,
        **connection.mandate,
    }
    if "until" not in connection.mandate:
        return say("rules.no_mandate", **facts)
    has_passed = connection.mandate["until"] < day.isoformat()
    return say("rules.mandate_ended" if has_passed else "rules.no_supplier_keys", **facts)


def without_mandate(
    connections: Iterable[Declaration],
    records: Callable[[], Records],
    day: date,
    at_authorities: Records = MappingProxyType({}),
) -> Iterator[tuple[Declaration | None, Withheld | None]]:
    """Yield what a run on ``day`` declares of each connection, and what it holds back.

    ``records`` reads what the state has, and is called only where a mandate has ended. What the
    state has lost and ``at_authorities`` has, loses its scopes and keys all the same.
    """
    for connection in connections:
        if not connection.is_leaving() and has_ended(connection, day):
            why = _why(connection, day)
            record = known(connection, records(), at_authorities)
            if is_recorded(record):
                yield _as_recorded(connection, record), _withheld(connection, why)
            else:
                yield None, _withheld(connection, why, is_new=True)
            continue
        now = _without_former(connection, records, day, at_authorities)
        ended = {code for code, until in connection.afzenders.items() if until < day.isoformat()}
        if connection.is_leaving() or not ended:
            yield now, None
        else:
            yield _without(ended, now), _withheld(connection, _sends_no_more(connection, ended))


def _without_former(
    connection: Declaration,
    records: Callable[[], Records],
    day: date,
    at_authorities: Records,
) -> Declaration:
    """Return a connection with what it revokes of suppliers that it had before: their keys, where
    they may act for it no more.

    A key is of the supplier that lists it, where the organisation names that one in a mandate: a
    public key is public, and others may list it. Any other key is of the supplier that the state
    names, whose keys the client has until the next run. Where the state cannot be read, each key
    has its overlap.
    """
    present = connection.mandate.get("supplier")
    if not connection.lent and not connection.mandates.keys() - {present}:
        return connection
    try:
        record = known(connection, records(), at_authorities)
    except Failure:
        return connection
    if not is_recorded(record):
        return connection
    revoked = {}
    for thumbprint in record.thumbprints - connection.thumbprints:
        supplier = connection.lent.get(thumbprint)
        if supplier not in connection.mandates:
            supplier = record.mandate.get("supplier")
        if supplier in (None, present):
            continue
        if connection.mandates.get(supplier, "") < day.isoformat():
            revoked[thumbprint] = supplier
    return replace(connection, revoked=revoked) if revoked else connection


def _withheld(connection: Declaration, why: str, *, is_new: bool = False) -> Withheld:
    return Withheld(connection, (why,), is_declared=False, is_new=is_new, lacks_mandate=True)


def _without(afzenders: Collection[str], connection: Declaration) -> Declaration:
    """Return a connection that sends no more for these organisations, by their codes."""
    products = {
        name: with_only(configuration, lambda code: code not in afzenders)
        for name, configuration in connection.products.items()
    }
    return replace(connection, products=products)


def _sends_no_more(connection: Declaration, afzenders: Collection[str]) -> str:
    senders = map(afzenders_of, connection.products.values())
    names = sorted({name for each in senders for code, name in each.items() if code in afzenders})
    return say("rules.afzenders_ended", names=first_listed(names))


def _as_recorded(connection: Declaration, record: Client) -> Declaration:
    # What was found at an authority has neither metadata nor configurations: the form's then count.
    metadata = (
        metadata_of(record).model_copy(update={"software_id": connection.software_id})
        if record.fields
        else connection.metadata
    )
    jwks = {
        kid: key
        for kid, key in (connection.jwks or {}).items()
        if key.thumbprint in record.thumbprints
    }
    revoked = dict[str, str]()
    if record.scopes is not None and not record.scopes:
        thumbprints = record.thumbprints | connection.thumbprints
        jwks, revoked = {}, dict.fromkeys(thumbprints, connection.mandate["supplier"])
    return replace(
        connection,
        fields=flat(metadata.properties),
        metadata=metadata,
        scopes={},
        withdrawn=withdrawn_of(record, connection, {}),
        jwks=jwks,
        keys=public_keys(jwks),
        revoked=revoked,
        products={
            name: configuration or connection.products[name]
            for name, configuration in record.products.items()
            if name in connection.products
            or (configuration and name not in connection.retire)  # else it has left
        },
    )
