"""What a run declares of an authority that only people can change: what they confirmed, and nothing
else.

Forms, leaving and gate say what is desired; the difference is ordered (``orders.py``). So a state
never has what is not there, and an open order is no drift.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import date

from acmidm_onboarding.rules.desired import Desired
from acmidm_onboarding.rules.retirement import leaving_parts
from acmidm_onboarding.values.client import (
    NOT_DECLARED,
    Client,
    ClientKey,
    Grant,
    Records,
    by_client_key,
    is_recorded,
    metadata_of,
    recorded_as,
)
from acmidm_onboarding.values.confirmation import Confirmation, Confirmations, confirmation_of
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.keys import PublicKeys, public_keys
from acmidm_onboarding.values.metadata import ClientMetadata
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.plain import flat
from acmidm_onboarding.values.terms import Platform

RecordedKeys = Callable[[Client], Mapping[str, PublicJwk] | None]
"""Read the public keys that a state has of a client, per ``kid``; None where it has none of its
own."""


def as_confirmed(
    by_forms: Desired,
    connections: Collection[Declaration],
    confirmations: Confirmations,
    records: Records,
    keys: RecordedKeys,
    by_hand: Collection[Platform],
    day: date,
    *,
    protect: bool | None,
    stays: Callable[[str], bool] | None = None,
) -> Desired:
    """Return ``by_forms`` with the clients of the platforms ``by_hand`` as people confirmed them,
    instead of as the forms want them; these are then in ``wanted``, from which orders follow.

    ``connections`` are all that the forms have. ``protect`` says whether the stack protects its
    clients: a protected client without a form is not declared, so that the engine refuses to remove
    it. Where ``protect`` is None, other forms are not known, and only these connections are
    declared. ``stays`` returns for a key whether its connection stays as it is recorded, because a
    form with a mistake may be about it: the program declares such a client by itself.
    """
    leaving = (_with_leaving(form, leaving_parts(form, day)) for form in connections)
    formed = by_client_key((*leaving, *by_forms.declared))
    wanted = tuple(form for form in by_forms.declared if form.platform in by_hand)
    declared = [form for form in by_forms.declared if form.platform not in by_hand]
    scopes_in_forms = {form.client_key: form.scopes for form in connections}
    for form in formed.values():
        if form.platform in by_hand:
            confirmed, record = confirmation_of(form, confirmations), recorded_as(form, records)
            grants = _known_grants(form, record, scopes_in_forms.get(form.client_key, {}))
            declared += _declared(form, confirmed, record, keys, grants)
    if protect is not None:
        former = set[ClientKey]()
        for form in formed.values():
            former.update(form.client_keys)
        without_form = _without_form(former, confirmations, records, keys, by_hand, protect=protect)
        declared += (client for client in without_form if stays is None or not stays(client.key))
    keys_in_order = dict.fromkeys(client.key for client in (*formed.values(), *declared))
    order = {key: index for index, key in enumerate(keys_in_order)}
    return replace(
        by_forms,
        wanted=wanted,
        declared=tuple(sorted(declared, key=lambda client: order[client.key])),
    )


def _with_leaving(form: Declaration, parts: frozenset[str]) -> Declaration:
    """Return a form's client with the parts of it that leave."""
    return replace(form, leaving=replace(form.leaving, parts=parts))


def _known_grants(
    form: Declaration, record: Client | None, in_form: Mapping[str, Grant]
) -> dict[str, Grant]:
    """Return the reason and the last day of each scope that a client may have: as declared now,
    else as recorded, else as the scopes ``in_form`` have it. No confirmation says these."""
    had = record.granted if record else {}
    return {**in_form, **had, **form.scopes}


def _declared(
    form: Declaration,
    confirmed: Confirmation | None,
    record: Client | None,
    keys: RecordedKeys,
    grants: Mapping[str, Grant],
) -> Iterator[Declaration]:
    """Yield a form's client as it is confirmed; as it is recorded, where its confirmation is
    missing; nothing where it is confirmed as gone, or neither confirmed nor recorded.

    A protected client that is confirmed as gone, or under another client-ID, is first declared
    once more, as leaving: that lifts its protection, and the next run forgets it.
    """
    if confirmed is None or confirmed.content.client_id is None:
        if is_recorded(record):
            yield _with_actual(form, record, metadata_of(record), keys(record), grants)
        return
    client = confirmed.client(form.client_key)
    is_protected = is_recorded(record) and record.is_protected
    if client and not (is_protected and is_corrected(confirmed, record)):
        yield _with_actual(form, client, confirmed.registered, confirmed.jwks, grants)
    elif is_recorded(record) and is_protected:
        leaving = _with_leaving(form, form.leaving.parts | {form.platform.value})
        yield _with_actual(leaving, record, metadata_of(record), keys(record), grants)


def _without_form(
    formed: Collection[ClientKey],
    confirmations: Confirmations,
    records: Records,
    keys: RecordedKeys,
    by_hand: Collection[Platform],
    *,
    protect: bool,
) -> Iterator[Declaration]:
    """Yield the declarations of clients that no form has, so that they stay recorded until people
    confirm that they are gone, and then as ``_declared`` says. A recorded client that the stack
    protects is not declared before: the engine must refuse to remove it. ``formed`` are the clients
    of forms."""
    clients = filter(is_recorded, records.values())
    recorded = by_client_key(client for client in clients if client.platform in by_hand)
    for client_key in {**recorded, **confirmations}.keys() - formed:
        confirmed, record = confirmations.get(client_key), recorded.get(client_key)
        if protect and record is not None and may_not_go(confirmed, record):
            continue
        if client := (confirmed and confirmed.client(client_key)) or record:
            metadata = metadata_of(client)
            organisation = Organisation.model_construct(**metadata.organisation.model_dump())
            form = Declaration(
                *client.client_key,
                keys=PublicKeys(client.keys.declared),
                metadata=metadata,
                declared_by=organisation,
                scopes={},
            )
            yield from _declared(form, confirmed, record, keys, _known_grants(form, record, {}))


def is_corrected(confirmed: Confirmation | None, record: Client | None) -> bool:
    """Return whether people confirm another client-ID by now than the state has: they had confirmed
    a wrong one."""
    if confirmed is None or record is None or not confirmed.is_there:
        return False
    return record.client_id not in (None, confirmed.content.client_id)


def may_not_go(confirmed: Confirmation | None, record: Client | None) -> bool:
    """Return whether a stack that protects its clients keeps a client that no form has: nobody
    confirmed that it is gone, and no run has lifted its protection."""
    is_gone = confirmed is not None and confirmed.content.removed is not None
    return not is_gone and (record is None or record.is_protected is not False)


def _with_actual(
    form: Declaration,
    client: Client,
    metadata: ClientMetadata,
    jwks: Mapping[str, PublicJwk] | None,
    grants: Mapping[str, Grant],
) -> Declaration:
    """Return a form's declaration with what the authority has of its ``client``, instead of what
    the form wants. ``grants`` has the reason and the last day of each scope."""
    metadata = metadata.model_copy(update={"software_id": form.software_id})
    # Keys that are left to the portal never get into the state.
    declared_jwks = None if form.keys.declared is None else jwks or {}
    scopes = {}
    for scope, grant in client.granted.items():
        scopes[scope] = replace(grants.get(scope, Grant(NOT_DECLARED)), default=grant.default)
    withdrawn = form.leaving.withdrawn - scopes.keys()
    return replace(
        form,
        client_id=client.client_id,
        fields=flat(metadata.properties),
        metadata=metadata,
        scopes=scopes,
        leaving=replace(form.leaving, withdrawn=withdrawn),
        leaves_scopes=client.scopes is None,
        jwks=declared_jwks,
        keys=replace(form.keys, declared=public_keys(declared_jwks)),
        products=dict(client.products),
        is_confirmed=True,
    )
