"""Whose a client or a configuration is at its authority, and how a resource knows its own.

Both bear three marks there (``Owner``): natural key, stack, and an **incarnation**, which is made
at random in each create. The engine makes a resource anew before it removes the old one
(``--replace``, ``state taint``, another parent or type): the new resource finds the client by key
and stack, takes it over and writes its own incarnation. The old resource then finds another
incarnation, and removes nothing.

The incarnation is an output, for no program knows it. **A read never copies marks into the state**:
a refresh also reads a resource that waits for its deletion, which would then bear the marks of its
successor. The marks of others are an input that only a read sets, and so a difference: the next
update puts the own marks back.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import pulumi

from acmidm_onboarding.authorities.errors import Rejected
from acmidm_onboarding.engine_resources import INCARNATION, OTHER
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.metadata import OrganisationMetadata, Owner
from acmidm_onboarding.values.plain import only
from acmidm_onboarding.values.problems import on_one_line, quoted

FORMERLY = "formerly"
"""The input with the earlier natural keys of the connection: a create takes over what bears one of
them."""

CONNECTION = "connection"
"""The input of what lives inside a client: the marks, without incarnation, that the client must
bear in a create."""
PARTS = "parts"
"""The input of a client with the scopes and keys that it is registered with, where its authority
wants them along."""
OF_A_CREATE = (FORMERLY, CONNECTION, PARTS)

Properties = Mapping[str, Any]


def with_incarnation(props: Properties, before: Properties | None = None) -> dict[str, Any]:
    """Return the properties with an incarnation: that of the resource ``before``, which an update
    keeps, or a new random one for a create."""
    return {**props, INCARNATION: (before or {}).get(INCARNATION) or uuid.uuid4().hex}


def owner_of(props: Properties) -> Owner:
    """Return the marks that a resource with these properties writes to its authority."""
    return Owner(props.get("software_id"), props.get("managed_by"), props.get(INCARNATION))


def outputs(props: Properties) -> dict[str, Any]:
    """Return the outputs that a read adds to the inputs: the recorded incarnation, if there is
    one."""
    return {INCARNATION: props[INCARNATION]} if INCARNATION in props else {}


def known_owner(props: Properties) -> Owner:
    """Return the marks that the authority had when the resource was last written or read: its own,
    or those that a refresh found in their place."""
    return Owner(**props[OTHER]) if OTHER in props else owner_of(props)


def compared(props: Properties, current: Owner) -> dict[str, Any]:
    """Return the inputs that a read gives about marks: those of the resource itself, and under
    ``other_owner`` the ``current`` ones of the authority where these are others, so that they show
    as a change."""
    marks = only(props, ("software_id", "managed_by"))
    if current == owner_of(props):
        return marks
    return {**marks, OTHER: current.marks}


def is_this_connection(owner: Owner, props: Properties) -> bool:
    """Return whether an owner is the connection of ``props`` in this stack, under its key or an
    earlier one. The incarnation does not count: any resource of the connection may have written it.
    """
    keys = (props.get("software_id"), *(props.get(FORMERLY) or ()))
    return (
        owner.managed_by is not None
        and owner.managed_by == props.get("managed_by")
        and owner.software_id in keys
    )


def refuse_client_of_another(client_id: str, olds: Properties, news: Properties) -> None:
    """Raise Rejected, before anything is written, for an update of a client that a refresh found
    with the marks of another connection: an authority that was restored from a backup gives a
    client-ID out twice.

    A client that bears this connection's key and stack, or this resource's incarnation, passes. So
    does one without marks that is not known to be another organisation's: somebody took them off,
    and the update puts them back.
    """
    found, written = known_owner(olds), owner_of(olds)
    if found.is_connection_of(written):
        return
    if written.incarnation is not None and found.incarnation == written.incarnation:
        return
    codes = [code for code in map(news["organisation"].get, ("ovo", "kbo")) if code]
    organisation = OrganisationMetadata.model_validate(olds["organisation"])
    is_other_organisations = organisation.is_of(codes) is False  # None: no code tells
    if found.is_nobody and found.software_id is None and not is_other_organisations:
        return
    whose = (
        found.managed_by
        or found.software_id
        or f"{olds['organisation'].get('name')}, and managed by nobody"
    )
    raise Rejected(
        f"client {client_id} is that of {quoted(whose)} by now, and nothing was written; where it"
        " is this connection's after all, take those marks away at its authority, else take the"
        " client out of the state with pulumi state delete"
    )


def former_keys(connection: Declaration) -> list[str] | None:
    """Return the value of the input ``formerly``: the earlier natural keys of a connection; None
    without any."""
    return list(connection.natural_keys[1:]) or None


def marks(connection: Declaration, managed_by: str) -> dict[str, Any]:
    """Return the value of the input ``connection``: the marks that its client bears, but for the
    incarnation."""
    return {"software_id": connection.software_id, "managed_by": managed_by}


def require_own(owner: Owner | None, props: Properties) -> None:
    """Raise Rejected, before anything is written, for a part of a client whose ``owner`` is another
    connection: somebody put a wrong client-ID into the state. None: the client is gone."""
    declared = Owner(**props.get(CONNECTION) or {})
    if owner is None or owner.is_nobody or declared.is_nobody or owner.is_connection_of(declared):
        return
    raise Rejected(
        f"client {props['client_id']} is that of {owner.software_id} in {owner.managed_by}, and"
        f" nothing of {declared.software_id} is written into it; put the client-ID right in the"
        " state: pulumi stack export, then import"
    )


def warn_of_other_owner(what: str) -> None:
    """Warn in the run that a delete did not remove ``what``, which is not this resource's any
    more."""
    pulumi.log.warn(
        on_one_line(
            f"{what} is left where it is, for it bears the mark of another resource or of nobody by"
            " now: what took it over goes on with it, and acmidm drift names it where nothing did"
        )
    )
