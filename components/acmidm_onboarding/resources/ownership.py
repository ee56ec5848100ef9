"""Whose a client or a configuration is at its authority, and how a resource knows that it still is its own.

Both bear three marks there (``Owner``): natural key, stack, and an **incarnation**, which is made at random in each
create. The engine makes a resource anew before it removes the old one (``--replace``, ``state taint``, another parent
or type): the new one finds what is there by key and stack, takes it over and writes its own incarnation. The old one
then finds another's, and removes nothing.

The incarnation is an output, for no program knows it. **A read never copies marks into the state**: a refresh also
reads what waits for its deletion, and would teach it the marks of its successor. Marks that are others' are an input
that only a read sets, and so a difference: the next update puts the own ones back.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pulumi

from acmidm_onboarding.authorities.errors import Rejected
from acmidm_onboarding.engine_resources import INCARNATION, OTHER
from acmidm_onboarding.rules.retirement import natural_keys
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.metadata import OrganisationMetadata, Owner
from acmidm_onboarding.values.problems import on_one_line, quoted

FORMERLY = "formerly"
"""The input with the natural keys that the connection had before: what bears one of them is found too. It counts for a
create alone."""

CONNECTION = "connection"
"""The input of what lives inside a client: the marks that the client has to bear where it is made, but for the
incarnation."""
PARTS = "parts"
"""The input of a client with the scopes and keys that it is registered with, where its authority wants them along."""
OF_A_CREATE = (FORMERLY, CONNECTION, PARTS)

Properties = Mapping[str, Any]


def with_incarnation(props: Properties, before: Properties | None = None) -> dict[str, Any]:
    """Return the properties with the incarnation of the resource ``before`` an update, or a new one."""
    return {**props, INCARNATION: (before or {}).get(INCARNATION) or uuid.uuid4().hex}


def owner_of(props: Properties) -> Owner:
    """Return the marks that a resource writes."""
    return Owner(props.get("software_id"), props.get("managed_by"), props.get(INCARNATION))


def outputs(props: Properties) -> dict[str, Any]:
    """Return what a read gives back beside the inputs."""
    return {INCARNATION: props[INCARNATION]} if INCARNATION in props else {}


def known_owner(props: Properties) -> Owner:
    """Return the marks that were at the authority when the resource was last written or read."""
    return Owner(**props[OTHER]) if OTHER in props else owner_of(props)


def compared(props: Properties, found: Owner) -> dict[str, Any]:
    """Return the inputs that a read gives for whose it is: the own marks, and beside them those that are ``found``
    instead."""
    own = owner_of(props)
    marks = {name: props[name] for name in ("software_id", "managed_by") if name in props}
    return (
        marks
        if found == own
        else {**marks, OTHER: {name: value for name, value in asdict(found).items() if value is not None}}
    )


def is_own(found: Owner, props: Properties) -> bool:
    """Say whether something is this connection's in this stack, under its key or an earlier one; whichever resource has
    it."""
    keys = (props.get("software_id"), *(props.get(FORMERLY) or ()))
    return found.managed_by is not None and found.managed_by == props.get("managed_by") and found.software_id in keys


def require_not_anothers(client_id: str, olds: Properties, news: Properties) -> None:
    """Refuse a client that a refresh has found with another's marks: an authority that was restored gives a number out
    twice.

    Marks that are gone, on a client that is still the organisation's, are put back.

    Raises:
        Rejected: before anything is written.
    """
    found, own = known_owner(olds), owner_of(olds)
    if found.is_connection_of(own) or (own.incarnation is not None and found.incarnation == own.incarnation):
        return
    codes = [code for name in ("ovo", "kbo") if (code := news["organisation"].get(name))]
    is_theirs = OrganisationMetadata.model_validate(olds["organisation"]).is_of(codes) is not False
    if found.is_nobody and found.software_id is None and is_theirs:
        return
    whose = found.managed_by or found.software_id or f"{olds['organisation'].get('name')}, and managed by nobody"
    raise Rejected(
        f"client {client_id} is that of {quoted(whose)} by now, and nothing was written; where it is this connection's"
        " after all, take those marks away at its authority, else take the client out of the state with pulumi state"
        " delete"
    )


def former_keys(connection: Declaration) -> list[str] | None:
    """Return the value of the input ``formerly``; None where there are none."""
    return list(natural_keys(connection)[1:]) or None


def marks(connection: Declaration, managed_by: str) -> dict[str, Any]:
    """Return the value of the input ``connection``."""
    return {"software_id": connection.software_id, "managed_by": managed_by}


def require_own(found: Owner | None, props: Properties) -> None:
    """Refuse to write into a client that bears another's marks: a state that was edited by hand has its client-ID.

    Raises:
        Rejected: before anything is written.
    """
    own = Owner(**props.get(CONNECTION) or {})
    if found is None or found.is_nobody or own.is_nobody or found.is_connection_of(own):
        return
    raise Rejected(
        f"client {props['client_id']} is that of {found.software_id} in {found.managed_by}, and nothing of"
        f" {own.software_id} is written into it; put the client-ID right in the state: pulumi stack export, then import"
    )


def say_left(what: str) -> None:
    """Warn that a removal has left something at its authority."""
    pulumi.log.warn(
        on_one_line(
            f"{what} is left where it is, for it bears the mark of another resource or of nobody by now: "
            "what took it over goes on with it, and acmidm drift names it where nothing did"
        )
    )
