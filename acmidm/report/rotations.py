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

_WARNED_OF = (Kind.KEY_COMPROMISED, Kind.SECOND_KEY_WITHOUT_KID, Kind.SECRET_RENEWED)


def with_keys(
    plan: Plan,
    connections: Collection[Declaration],
    declared: Iterable[Declaration],
    authorities: Authorities | None,
) -> Plan:
    """Return the plan with what the engine does not know of its clients: the form of each, the keys
    that forms say are compromised, those that are revoked by what is ``declared`` now, and whether
    the application signs without ``kid``.

    The ``authorities`` are asked about clients that get a second key, and no others; None, or where
    they cannot be reached: what the form says counts.
    """
    paths = {form.key: form.form.path for form in connections}
    before, after = _with_paths(plan.before, paths), _with_paths(plan.after, paths)
    revoked = {form.client_key: form.keys.revoked for form in declared}
    today = datetime.now(UTC).date()
    for form in connections:
        if client := after.get(form.client_key):
            former = before.get(form.client_key)
            lent = former.keys.lent if former else {}
            form_today = with_keys_taken_back(form, lent, today)
            keys = replace(
                client.keys,
                compromised=form_today.keys.compromised,
                revoked={**revoked.get(form.client_key, {}), **form_today.keys.revoked},
                signs_without_kid=form.keys.signs_without_kid,
            )
            after[form.client_key] = replace(client, keys=keys)
    with_second_key: list[Client] = []
    for old, new in paired(before, after):
        if old and new and _gets_a_second_key(old, new):
            with_id = replace(new, client_id=old.client_id)  # a preview has no client-IDs
            with_second_key.append(with_id)
    if authorities is not None and with_second_key:
        for client_key, uses in keys_in_use(authorities, with_second_key).items():
            is_without_kid = any(not use.with_kid for use in uses.values())
            keys = replace(after[client_key].keys, signs_without_kid=is_without_kid)
            after[client_key] = replace(after[client_key], keys=keys)
    extra = tuple((_with_path(client, paths), change) for client, change in plan.extra_changes)
    return replace(plan, before=before, after=after, extra_changes=extra)


def _with_paths(clients: Clients, paths: Mapping[str, str | None]) -> dict[ClientKey, Client]:
    return {client_key: _with_path(client, paths) for client_key, client in clients.items()}


def _with_path(client: Client, paths: Mapping[str, str | None]) -> Client:
    """Return a client with the path of its form; ``paths`` are by its key."""
    return replace(client, form=replace(client.form, path=paths.get(client.key)))


def warnings(review: Review) -> list[str]:
    """Return a sentence for each change of a key or secret that a deployment warns of on stderr."""
    warnings: list[str] = []
    for connection in review.connections:
        for change in connection.changes:
            if change.kind in _WARNED_OF:
                warning = tr(
                    "{key} on {environment} {change}",
                    key=connection.key,
                    environment=connection.environment,
                    change=change.text,
                )
                warnings.append(warning)
    return warnings


def _gets_a_second_key(old: Client, new: Client) -> bool:
    """Return whether a client gets a second key whose application is not known to sign without
    ``kid``."""
    return (
        not new.keys.signs_without_kid
        and len(old.keys.declared or ()) == 1
        and len(new.keys.declared or ()) > 1
    )
