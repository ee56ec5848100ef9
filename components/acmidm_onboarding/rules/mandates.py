"""What becomes of a connection whose supplier has no mandate any more, or lists no keys any more.

One that is taken out has ended, as one whose last day has passed. From then on, nothing of the form
is carried out: its client stays as it is recorded. One run withdraws the scopes, and the next one
the keys, whatever that breaks: the supplier has their private halves. A later mandate gives back
what the form has. A client or a product that leaves goes on to leave. A form that keeps its client
has no mandate: the loader refuses both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType

from acmidm_onboarding.rules.gate import Withheld
from acmidm_onboarding.rules.retirement import withdrawn_of
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.client import (
    Client,
    Records,
    is_recorded,
    known_client,
    metadata_of,
)
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.end import is_over
from acmidm_onboarding.values.keys import public_keys
from acmidm_onboarding.values.metadata import ProductDocument
from acmidm_onboarding.values.plain import flat, without
from acmidm_onboarding.values.problems import Failure, first_listed


def has_ended(connection: Declaration, day: date) -> bool:
    """Return whether a connection has a supplier that does not act for it on a day."""
    has_passed = is_over(connection.form.mandate.get("until", ""), day)
    return bool(connection.form.mandate) and (has_passed or connection.lacks_supplier_keys)


def _why(connection: Declaration, day: date) -> str:
    """Return why a supplier does not act for a connection on a day."""
    supplier, until = connection.form.mandate["supplier"], connection.form.mandate.get("until")
    if until is None:
        return tr(
            "{name} has no mandate that lets {supplier} act in application {application}: nothing"
            " of the form is carried out, and the client's scopes and then its keys are withdrawn;"
            " have its owners add one in mandates.yaml",
            name=connection.organisation,
            supplier=supplier,
            application=connection.application,
        )
    if is_over(until, day):
        return tr(
            "the mandate of {supplier} ended on {until}: nothing of the form is carried out, and"
            " the client's scopes and then its keys are withdrawn; a later mandate goes into"
            " mandates.yaml",
            supplier=supplier,
            until=until,
        )
    return tr(
        "{supplier} has no keys of {environment} for others: nothing of the form is carried out,"
        " and the client's scopes and then its keys are withdrawn; have its owners list them in"
        " its keys.yaml",
        supplier=supplier,
        environment=connection.environment,
    )


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
            record = known_client(connection, records(), at_authorities)
            if is_recorded(record):
                yield _as_recorded(connection, record), _withheld(connection, why)
            else:
                yield None, _withheld(connection, why, is_new=True)
            continue
        now = _with_keys_of_former_suppliers(connection, records, day, at_authorities)
        ended = {code for code, until in connection.afzenders.items() if is_over(until, day)}
        if connection.is_leaving() or not ended:
            yield now, None
        else:
            withheld = _withheld(connection, _sends_no_more(connection, ended))
            yield _without_afzenders(now, ended), withheld


def _with_keys_of_former_suppliers(
    connection: Declaration,
    records: Callable[[], Records],
    day: date,
    at_authorities: Records,
) -> Declaration:
    """Return a connection that also revokes the keys of its former suppliers, where these may act
    for it no more.

    A key is of the supplier that the state names. Of one that the state has lost, it is of the
    supplier that lists it, where the organisation names that one in a mandate: a public key is
    public, and others may list it. Where the state cannot be read, each key has its overlap.

    Where no form and no command has a reason to, the state is not read: the provider of the keys
    remembers by itself whose they are, and asks ``taken_back`` too.
    """
    other_suppliers = connection.lenders.mandates.keys() - {connection.form.mandate.get("supplier")}
    has_lenders = connection.lenders.listed or other_suppliers
    if not has_lenders and connection.resource_name not in at_authorities:
        return connection
    try:
        record = known_client(connection, records(), at_authorities)
    except Failure:
        return connection
    if not is_recorded(record):
        return connection
    lent = dict[str, str]()
    for thumbprint, supplier in connection.lenders.listed.items():
        if thumbprint in record.keys.thumbprints and supplier in connection.lenders.mandates:
            lent[thumbprint] = supplier
    return with_keys_taken_back(connection, {**lent, **record.keys.lent}, day)


def acting(connection: Declaration, day: date) -> frozenset[str]:
    """Return the suppliers whose keys a connection may have on a day. Nobody could take them from a
    client that is let go."""
    if connection.lets_go():
        return frozenset()
    mandates = connection.lenders.mandates.items()
    running = {supplier for supplier, until in mandates if not is_over(until, day)}
    # What becomes of the present one's is decided by all of its mandate: the scopes go first.
    return frozenset(running | {connection.form.mandate.get("supplier", "")} - {""})


def taken_back(lent: Mapping[str, str], acting_now: Collection[str]) -> dict[str, str]:
    """Return which of the keys that suppliers have lent leave at once, for their supplier does not
    act any more, whatever that breaks: it has their private halves."""
    return {key: supplier for key, supplier in lent.items() if supplier not in acting_now}


def stolen_of(lent: Mapping[str, str], stolen: Mapping[str, Collection[str]]) -> frozenset[str]:
    """Return the thumbprints of the keys ``lent`` that their supplier calls ``stolen``."""
    return frozenset(key for key, supplier in lent.items() if key in stolen.get(supplier, ()))


def with_keys_taken_back(
    connection: Declaration, lent: Mapping[str, str], day: date
) -> Declaration:
    """Return a connection that also names those of the keys ``lent`` to it that leave at once:
    among its revoked keys where their supplier acts no more, among its compromised keys where their
    supplier calls them stolen."""
    former = without(lent, connection.keys.thumbprints)
    revoked = {**connection.keys.revoked, **taken_back(former, acting(connection, day))}
    stolen = connection.keys.compromised | stolen_of(former, connection.lenders.stolen)
    if (revoked, stolen) == (connection.keys.revoked, connection.keys.compromised):
        return connection
    keys = replace(connection.keys, revoked=revoked, compromised=stolen)
    return replace(connection, keys=keys)


def _withheld(connection: Declaration, why: str, *, is_new: bool = False) -> Withheld:
    return Withheld(connection, (why,), is_declared=False, is_new=is_new, lacks_mandate=True)


def _without_afzenders(connection: Declaration, afzenders: Collection[str]) -> Declaration:
    """Return a connection that sends no more for these organisations, by their codes."""
    products = {}
    for name, product in connection.products.items():
        products[name] = product.with_only(lambda code: code not in afzenders)
    return replace(connection, products=products)


def _sends_no_more(connection: Declaration, afzenders: Collection[str]) -> str:
    """Return the sentence that names the organisations for which a connection sends no more."""
    senders = connection.acts_for
    names = sorted({name for code, name in senders.items() if code in afzenders})
    return tr(
        "it does not send for {names}, without a mandate for that now; one goes into mandates.yaml"
        " of each",
        names=first_listed(names),
    )


def _as_recorded(connection: Declaration, record: Client) -> Declaration:
    """Return what a run declares of a client whose mandate has ended: as the state has it, without
    scopes; and without keys, once its scopes are gone."""
    # What was found at an authority has neither metadata nor configurations: the form's then count.
    metadata, there = connection.metadata, record.keys.thumbprints
    if record.fields:
        software_id = {"software_id": connection.software_id}
        metadata = metadata_of(record).model_copy(update=software_id)
    declared = connection.jwks or {}
    jwks = {kid: key for kid, key in declared.items() if key.thumbprint in there}
    revoked = dict[str, str]()
    if record.scopes is not None and not record.scopes:
        thumbprints = there | connection.keys.thumbprints
        jwks, revoked = {}, dict.fromkeys(thumbprints, connection.form.mandate["supplier"])
    return replace(
        connection,
        fields=flat(metadata.properties),
        metadata=metadata,
        scopes={},
        leaving=replace(connection.leaving, withdrawn=withdrawn_of(record, connection, {})),
        jwks=jwks,
        keys=replace(connection.keys, declared=public_keys(jwks), revoked=revoked),
        products=_products_as_recorded(connection, record),
    )


def _products_as_recorded(connection: Declaration, record: Client) -> dict[str, ProductDocument]:
    """Return the products that a client is to keep: those that its form has, as they are recorded,
    and those that its form does not retire."""
    products = {}
    for name, recorded in record.products.items():
        is_of_form = name in connection.products
        if is_of_form and not recorded.configuration:
            products[name] = connection.products[name]
        elif is_of_form or (recorded.configuration and name not in connection.form.retire):
            products[name] = recorded
    return products
