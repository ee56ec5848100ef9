"""What a plan says of keys once the forms and the authorities have been asked: the engine knows
neither."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from acmidm.engine.stacks import keys_in_use
from acmidm.report.compare import paired
from acmidm.report.kinds import Kind
from acmidm.report.plan import Plan
from acmidm.report.review import Review
from acmidm_onboarding.rules.mandates import with_keys_taken_back
from acmidm_onboarding.stack.authorities import Authorities
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.client import Client, ClientKey, Clients
from acmidm_onboarding.values.declaration import Declaration

_TOLD = (Kind.KEY_COMPROMISED, Kind.SECOND_KEY_WITHOUT_KID, Kind.SECRET_RENEWED)


def with_keys(
    plan: Plan,
    connections: Collection[Declaration],
    declared: Iterable[Declaration],
    authorities: Authorities | None,
) -> Plan:
    """Return the plan with the form of each client, the keys that forms say are compromised, those
    that are revoked by what is ``declared`` now, and the clients whose applications sign without
    ``kid``.

    The ``authorities`` are asked about clients that get a second key, and no others; where
    they cannot be reached, nothing is known.
    """
    forms = {form.key: form.form.path for form in connections}
    before, after = _of_forms(plan.before, forms), _of_forms(plan.after, forms)
    revoked = {form.client_key: form.keys.revoked for form in declared}
    today = datetime.now(UTC).date()
    for form in connections:
        if state := after.get(form.client_key):
            had = before.get(form.client_key)
            lent = had.keys.lent if had else {}
            now = with_keys_taken_back(form, lent, today)
            keys = replace(
                state.keys,
                compromised=now.keys.compromised,
                revoked={**revoked.get(form.client_key, {}), **now.keys.revoked},
                signs_without_kid=form.keys.signs_without_kid,
            )
            after[form.client_key] = replace(state, keys=keys)
    second: list[Client] = []
    for old, new in paired(before, after):
        if old and new and _gets_a_second_key(old, new):
            with_id = replace(new, client_id=old.client_id)  # a preview has no ids
            second.append(with_id)
    if authorities is not None and second:
        for client_key, uses in keys_in_use(authorities, second).items():
            is_without_kid = any(not use.with_kid for use in uses.values())
            keys = replace(after[client_key].keys, signs_without_kid=is_without_kid)
            after[client_key] = replace(after[client_key], keys=keys)
    extra = tuple((_of_form(client, forms), change) for client, change in plan.extra_changes)
    return replace(plan, before=before, after=after, extra_changes=extra)


def _of_forms(clients: Clients, forms: Mapping[str, str | None]) -> dict[ClientKey, Client]:
    return {client_key: _of_form(client, forms) for client_key, client in clients.items()}


def _of_form(client: Client, forms: Mapping[str, str | None]) -> Client:
    """Return a client with the path of its form, by its key."""
    return replace(client, form=replace(client.form, path=forms.get(client.key)))


def warnings(review: Review) -> list[str]:
    """Return a sentence for each change of keys and secrets that whoever deploys should hear of."""
    warnings: list[str] = []
    for connection in review.connections:
        for change in connection.changes:
            if change.kind in _TOLD:
                warning = tr(
                    "{key} on {environment} {change}",
                    key=connection.key,
                    environment=connection.environment,
                    change=change.text,
                )
                warnings.append(warning)
    return warnings


def _gets_a_second_key(old: Client, new: Client) -> bool:
    return (
        not new.keys.signs_without_kid
        and len(old.keys.declared or ()) == 1
        and len(new.keys.declared or ()) > 1
    )
