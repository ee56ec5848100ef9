"""For whom one run is not enough: what an ``up`` can do only after another one."""

from __future__ import annotations

from collections.abc import Iterator

from acmidm_onboarding.engine_resources import (
    METHOD,
    Resource,
    inputs_of,
    kind_of,
    name_of,
    outputs_of,
    resources_in,
)
from acmidm_onboarding.rules.retirement import last_step, leaving_parts
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.values.client import recorded_as


def unfinished(stack: Stack) -> frozenset[str]:
    """Return the resource names of the clients, such as ``OVO002067/loket``, for which another
    ``up`` has something to do, by the present state. ``acmidm deploy`` runs once more for those
    that were not among them before its run."""
    leaving = last_step(stack.forms.connections, stack.state.recorded.parts, stack.now.date())
    corrected = (client.resource_name for client, _ in stack.corrected if not client.is_protected)
    return frozenset(
        (
            *leaving,
            *corrected,
            *_waiting_for_a_key(stack),
            *_removed_by_somebody(stack),
            *_with_withdrawn_scopes_again(stack),
        )
    )


def _waiting_for_a_key(stack: Stack) -> Iterator[str]:
    """Yield the clients whose method in force is not yet the declared one: they keep a secret until
    their authority has a key."""
    for resource in resources_in(stack.state.document):
        if resource.get("delete") or kind_of(resource) != Resource.CLIENT:
            continue
        declared = inputs_of(resource).get(METHOD)
        if declared != outputs_of(resource).get(METHOD):
            yield name_of(resource)


def _removed_by_somebody(stack: Stack) -> Iterator[str]:
    """Yield the clients that somebody removed and whose other resources the engine no longer
    protects: another run removes these from the state."""
    for parts in stack.without_client(stack.desired.declared):
        if not parts.leaving.protected:
            yield parts.resource_name


def _with_withdrawn_scopes_again(stack: Stack) -> Iterator[str]:
    """Yield the clients that have got back every scope that the state records as withdrawn: another
    run takes that record away."""
    today = stack.now.date()
    for form in stack.forms.connections:
        if leaving_parts(form, today):
            continue
        record = recorded_as(form, stack.state.recorded.parts)
        withdrawn = record and record.leaving.withdrawn
        if record and withdrawn and withdrawn <= record.granted.keys():
            yield form.resource_name
