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
from acmidm_onboarding.rules.retirement import withdrawn_scopes
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
    """Return whether a connection's supplier may not act for it on a day: its mandate has ended or
    is gone, or it lists no key for the connection. False for a connection without supplier."""
    has_passed = is_over(connection.form.mandate.get("until", ""), day)
    return bool(connection.form.mandate) and (has_passed or connection.lacks_supplier_keys)


def _why_ended(connection: Declaration, day: date) -> str:
    """Return why a connection's supplier may not act for it, and what to do, a sentence."""
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


def by_mandate(
    connections: Iterable[Declaration],
    records: Callable[[], Records],
    day: date,
    at_authorities: Records = MappingProxyType({}),
) -> Iterator[tuple[Declaration | None, Withheld | None]]:
    """Yield per connection what a run on ``day`` declares of it (None: nothing), and what is held
    back of it, with the reason (None: nothing).

    ``records`` reads what the state has, and is called only where a mandate has ended, or another
    supplier may have lent a key. A client that the state has lost and ``at_authorities`` has loses
    its scopes and keys all the same.
    """
    for connection in connections:
        if not connection.is_leaving() and has_ended(connection, day):
            why = _why_ended(connection, day)
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

    Whose a key is, the state says. Where the state has lost that, it is the supplier that lists the
    key, if the organisation names that supplier in a mandate: a public key is public, and others
    may list it. Where the state cannot be read, no key is revoked, and each has its overlap.

    The state is not read where no other supplier has a mandate or lists a key: the provider of the
    keys remembers whose they are, and revokes them by ``keys_to_take_back`` too.
    """
    other_suppliers = connection.lenders.mandates.keys() - {connection.form.mandate.get("supplier")}
    may_have_lent_keys = connection.lenders.listed or other_suppliers
    if not may_have_lent_keys and connection.resource_name not in at_authorities:
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


def acting_suppliers(connection: Declaration, day: date) -> frozenset[str]:
    """Return the suppliers whose keys a connection may have on a day: none where its client is let
    go, for nobody could take the keys from it later."""
    if connection.lets_go():
        return frozenset()
    mandates = connection.lenders.mandates.items()
    running = {supplier for supplier, until in mandates if not is_over(until, day)}
    # The form's own supplier keeps its keys here: once its mandate ends, the scopes go first.
    return frozenset(running | {connection.form.mandate.get("supplier", "")} - {""})


def keys_to_take_back(lent: Mapping[str, str], acting: Collection[str]) -> dict[str, str]:
    """Return those of the keys that suppliers have ``lent`` whose supplier is not ``acting`` any
    more, ``{"<thumbprint>": "<supplier>"}``. They leave at once, whatever that breaks: the supplier
    has their private halves."""
    return {key: supplier for key, supplier in lent.items() if supplier not in acting}


def stolen_among(lent: Mapping[str, str], stolen: Mapping[str, Collection[str]]) -> frozenset[str]:
    """Return the thumbprints of the keys ``lent`` that their own supplier calls ``stolen``."""
    return frozenset(key for key, supplier in lent.items() if key in stolen.get(supplier, ()))


def with_keys_taken_back(
    connection: Declaration, lent: Mapping[str, str], day: date
) -> Declaration:
    """Return a connection that also names those of the keys ``lent`` to it that leave at once:
    among its revoked keys where their supplier acts no more, among its compromised keys where their
    supplier calls them stolen."""
    former = without(lent, connection.keys.thumbprints)
    acting = acting_suppliers(connection, day)
    revoked = {**connection.keys.revoked, **keys_to_take_back(former, acting)}
    stolen = connection.keys.compromised | stolen_among(former, connection.lenders.stolen)
    if (revoked, stolen) == (connection.keys.revoked, connection.keys.compromised):
        return connection
    keys = replace(connection.keys, revoked=revoked, compromised=stolen)
    return replace(connection, keys=keys)


def _withheld(connection: Declaration, why: str, *, is_new: bool = False) -> Withheld:
    return Withheld(connection, (why,), is_declared=False, is_new=is_new, lacks_mandate=True)


def _without_afzenders(connection: Declaration, afzenders: Collection[str]) -> Declaration:
    """Return a connection that no longer sends for the organisations with these codes."""
    products = {}
    for name, product in connection.products.items():
        products[name] = product.with_only(lambda code: code not in afzenders)
    return replace(connection, products=products)


def _sends_no_more(connection: Declaration, afzenders: Collection[str]) -> str:
    """Return the sentence that names the organisations for which a connection has no mandate to
    send any more, by their codes ``afzenders``, and what to do."""
    senders = connection.acts_for
    names = sorted({name for code, name in senders.items() if code in afzenders})
    return tr(
        "it does not send for {names}, without a mandate for that now; one goes into mandates.yaml"
        " of each",
        names=first_listed(names),
    )


def _as_recorded(connection: Declaration, record: Client) -> Declaration:
    """Return what a run declares of a client whose mandate has ended: as the state has it (its
    ``record``), without scopes; and without keys, once its scopes are gone."""
    # A record that was found at an authority has neither metadata nor configurations: the form's
    # then count.
    metadata, recorded_keys = connection.metadata, record.keys.thumbprints
    if record.fields:
        software_id = {"software_id": connection.software_id}
        metadata = metadata_of(record).model_copy(update=software_id)
    declared = connection.jwks or {}
    jwks = {kid: key for kid, key in declared.items() if key.thumbprint in recorded_keys}
    revoked = dict[str, str]()
    if record.scopes is not None and not record.scopes:
        thumbprints = recorded_keys | connection.keys.thumbprints
        jwks, revoked = {}, dict.fromkeys(thumbprints, connection.form.mandate["supplier"])
    return replace(
        connection,
        fields=flat(metadata.properties),
        metadata=metadata,
        scopes={},
        leaving=replace(connection.leaving, withdrawn=withdrawn_scopes(record, connection, {})),
        jwks=jwks,
        keys=replace(connection.keys, declared=public_keys(jwks), revoked=revoked),
        products=_products_as_recorded(connection, record),
    )


def _products_as_recorded(connection: Declaration, record: Client) -> dict[str, ProductDocument]:
    """Return the products that a client keeps after its mandate has ended: the recorded ones that
    its form has or does not retire. A product without a recorded configuration, as one found at an
    authority, keeps that of the form."""
    products = {}
    for name, recorded in record.products.items():
        is_of_form = name in connection.products
        if is_of_form and not recorded.configuration:
            products[name] = connection.products[name]
        elif is_of_form or (recorded.configuration and name not in connection.form.retire):
            products[name] = recorded
    return products
