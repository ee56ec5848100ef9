"""What differs between declared and real: what was changed by hand, and what is declared but was not applied yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from acmidm.report.changes import Change, ConnectionChanges, connections_in_order, counted
from acmidm.report.compare import Comparison, States
from acmidm.report.headline import phrases
from acmidm.report.kinds import Kind
from acmidm.report.preview import Plan, kind_of
from acmidm.report.untold import place_of
from acmidm.report.words import plain
from acmidm.undeclared import UndeclaredClient
from components.model.form import Environment, Platform


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ExpiringKey(_Part):
    """A key of a declared client that ends soon, or has ended."""

    organisation: str
    application: str
    platform: Platform
    form: str
    client_id: str | None = None
    kid: str
    thumbprint: str | None = None
    expires: datetime
    days_left: Annotated[int, Field(description="Whole days; below zero for a key that has expired.")]


class Drift(_Part):
    """One stack: declared against real."""

    stack: str
    environment: Environment
    headline: str
    checked_at: datetime
    in_sync: Annotated[bool, Field(description="Whether nothing was changed by hand and nothing waits to be applied.")]
    clients: Annotated[int, Field(description="How many clients the stack has.")]
    by_hand: Annotated[tuple[ConnectionChanges, ...], Field(description="How what is real departs from what is declared.")]
    not_applied: Annotated[tuple[ConnectionChanges, ...], Field(description="What forms ask that no `up` has done yet.")]
    expiring: tuple[ExpiringKey, ...] = ()
    unmanaged: tuple[UndeclaredClient, ...] = ()
    counts: Annotated[dict[Kind, int], Field(description="How many changes by hand there are of each kind.")]
    healed: Annotated[bool | None, Field(description="Whether --heal repaired all that was changed by hand; absent without it.")] = None
    repaired: Annotated[tuple[ConnectionChanges, ...], Field(description="What --heal set out to repair.")] = ()
    problems: tuple[str, ...] = ()
    notes: Annotated[tuple[str, ...], Field(description="What could not be found out.")] = ()


def changed_by_hand(plan: Plan, comparison: Comparison) -> list[ConnectionChanges]:
    """How the real clients depart from what is declared, as far as somebody departed from what the last ``up`` left."""
    since_up = _told(comparison.all_between(plan.recorded, plan.real))
    return _only(comparison.all_between(plan.declared, plan.real), since_up)


def not_applied(plan: Plan, comparison: Comparison) -> list[ConnectionChanges]:
    """What the forms ask since the last ``up``, as far as nobody did it by hand."""
    asked = _told(comparison.all_between(plan.recorded, plan.declared))
    return _only(comparison.all_between(plan.real, plan.declared), asked)


def urns_to_heal(plan: Plan, connections: Iterable[ConnectionChanges]) -> list[str]:
    """The resources that repair what was changed by hand, and no others of the same clients."""
    return [
        urn for connection in connections for urn in plan.changed_urns.get(place_of(connection), ()) if _repairs(urn, connection.changes)
    ]


def expiring_keys(states: States, now: datetime, days: int) -> tuple[ExpiringKey, ...]:
    """The keys that end within ``days``, the first to end first."""
    found = [
        ExpiringKey(
            organisation=state.organisation,
            application=state.application,
            platform=state.platform,
            form=state.form,
            client_id=state.client_id,
            kid=kid,
            thumbprint=key.thumbprint,
            expires=key.expires,
            days_left=(key.expires - now).days,
        )
        for state in states.values()
        for kid, key in (state.keys or {}).items()
        if key.expires and (key.expires - now).days <= days
    ]
    return tuple(sorted(found, key=lambda key: (key.expires, key.form, key.kid)))


def drift_of(
    stack: str,
    plan: Plan,
    by_hand: Iterable[ConnectionChanges],
    waiting: Iterable[ConnectionChanges],
    now: datetime,
    *,
    expiring: tuple[ExpiringKey, ...] = (),
    **more: Any,
) -> Drift:
    """The report; ``more`` are its fields that other sources fill."""
    ordered, pending = connections_in_order(by_hand), connections_in_order(waiting)
    clients = len(plan.existing)
    said = [f"By hand on {stack}: {phrases(ordered)}"] if ordered else []
    said += (
        [f"{'1 client has' if len(pending) == 1 else f'{len(pending):,} clients have'} changes on {stack} that are not applied yet"]
        if pending
        else []
    )
    if not said:
        all_of_them = {0: "no client is declared, and there is none", 1: "its 1 client is as declared"}
        said = [f"{stack} is in sync: {all_of_them.get(clients, f'all {clients:,} clients are as declared')}"]
    said += _ending(expiring)
    return Drift(
        stack=stack,
        environment=plan.environment,
        headline="; ".join(said),
        checked_at=now,
        in_sync=not ordered and not pending,
        clients=clients,
        by_hand=ordered,
        not_applied=pending,
        expiring=expiring,
        counts=counted(ordered),
        problems=tuple(plain(problem, 600) for problem in plan.problems),
        **more,
    )


def _ending(keys: Sequence[ExpiringKey]) -> list[str]:
    """The part of a headline about keys: a client whose last key has ended is cut off, in sync or not."""
    expired = sum(key.days_left < 0 for key in keys)
    told = []
    for number, one, many in (
        (expired, "1 key has expired", "keys have expired"),
        (len(keys) - expired, "1 key ends soon", "keys end soon"),
    ):
        if number:
            told.append(one if number == 1 else f"{number:,} {many}")
    return [", ".join(told)] if told else []


def _told(connections: Iterable[ConnectionChanges]) -> set[tuple[object, ...]]:
    return {_identity(connection, change) for connection in connections for change in connection.changes}


def _only(connections: Iterable[ConnectionChanges], told: set[tuple[object, ...]]) -> list[ConnectionChanges]:
    kept = [
        connection.model_copy(update={"changes": tuple(change for change in connection.changes if _identity(connection, change) in told)})
        for connection in connections
    ]
    return [connection for connection in kept if connection.changes]


def _identity(connection: ConnectionChanges, change: Change) -> tuple[object, ...]:
    """What a change is about: a key that was added by one comparison may have changed by another."""
    about = (str(change.kind).partition("_")[0], change.subject) if change.subject else (change.kind,)
    return (connection.form, connection.platform, *about)


def _repairs(urn: str, changes: Sequence[Change]) -> bool:
    """Whether a resource is about one of the changes."""
    if any(change.kind in (Kind.CLIENT_REMOVED, Kind.CLIENT_REPLACED) for change in changes):
        return True
    kind, name = kind_of(urn), urn.rpartition("/")[2]
    of_kind: Mapping[str, str] = {"scope": "ClientScopes", "key": "ClientJwks", "product": "ProductConfiguration"}
    for change in changes:
        wanted = of_kind.get(str(change.kind).partition("_")[0], "OAuthClient")
        if change.kind in (Kind.CLIENT_WITHOUT_KEY, Kind.CLIENT_WITH_ONE_KEY):
            wanted = "ClientJwks"
        if kind == wanted and (kind != "ProductConfiguration" or name == change.subject):
            return True
    return False
