"""Taking over a client that somebody made by hand: the preview shows what it had, and that stays in
the state.

A form names the client-ID once. ``check``, which previews run too, reads the client and puts what
it has into the input ``adopt``. From then on the input stays as it was, whether the form still
names the client-ID or not: the adoption is done. ``create`` overwrites what ``check`` saw, and
nothing else.

What cannot be taken over has its reason in the same place, as ``refused``. A failed ``check`` would
end the whole run, with the changes of every other organisation; so an ``up`` fails at the one
resource, and ``acmidm_onboarding.refusals`` makes a preview fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from acmidm_onboarding.authorities.port import RegisteredClient, Reserved
from acmidm_onboarding.resources.ownership import owner_of
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.problems import quoted

_NOT_THIS = "correct the client-ID under adopt in the form, or remove it"


def wanted(connection: Declaration, managed_by: str) -> dict[str, Any] | None:
    """Return the input ``adopt`` as the program gives it, for ``check``: the client-ID that the
    form names, and what tells whether that client is the organisation's; None where the form names
    none."""
    if connection.form.adopts is None:
        return None
    return {
        "client_id": connection.form.adopts,
        "software_id": connection.software_id,
        "managed_by": managed_by,
        "form": connection.form.path,
        "codes": list(connection.codes),
        "shared_codes": _shared_codes(connection),
        "is_named": connection.form.adopts in connection.declared_by.adopts,
    }


def record(wanted: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the input ``adopt`` as the state has it from then on: the client-ID, and the inputs
    that the client had before it was taken over."""
    return {"client_id": wanted["client_id"], "before": dict(before)}


def refusal(wanted: Mapping[str, Any], sentence: str) -> dict[str, str]:
    """Return the input ``adopt`` of a client that cannot be taken over: under ``refused`` why, with
    the form that names it. A preview shows it, and a run fails at the resource."""
    return {"client_id": wanted["client_id"], "refused": f"{wanted['form']}: {sentence}"}


def refused(props: Mapping[str, Any]) -> str | None:
    """Return why ``check`` refused the client that a resource should take over, a sentence; None
    where it did not, or there is none."""
    adopt = props.get("adopt")
    return adopt.get("refused") if isinstance(adopt, Mapping) else None


def _shared_codes(connection: Declaration) -> list[str]:
    """Return the organisation's KBO number where other organisations have it too, so that it proves
    nothing; else []."""
    kbo = connection.declared_by.kbo
    return [kbo] if kbo and kbo not in connection.codes else []


def obstacle(
    wanted: Mapping[str, Any], client: RegisteredClient | None, reserved: Reserved | None
) -> str | None:
    """Return why a client cannot be taken over, a sentence; None where it can: it is this
    organisation's and bears no marks, or bears this connection's since a run that was cut off.

    ``wanted`` is the input ``adopt`` of the program, ``client`` what the authority has (None:
    nothing), ``reserved`` why its authority lets no form have the client.
    """
    named = f"client {quoted(wanted['client_id'])}"
    if client is None or client.client_id != wanted["client_id"]:
        return f"{named} does not exist; {_NOT_THIS}"
    if reserved is not None:
        remedy = _NOT_THIS if reserved.is_certain else f"else {_NOT_THIS}"
        return f"{named} {reserved.why}; {remedy}"
    metadata = client.metadata
    if metadata.owner.is_connection_of(owner_of(wanted)):
        return None
    if metadata.managed_by == wanted["managed_by"]:
        return (
            f"{named} is that of {metadata.software_id} in this stack; write formerly to keep"
            " it under another name"
        )
    if metadata.managed_by is not None:
        return f"{named} is managed by {metadata.managed_by} already; {_NOT_THIS}"
    if metadata.software_id not in (None, wanted["software_id"]):
        return (
            f'{named} is that of "{metadata.software_id}", by a tool that is not this project;'
            f" {_NOT_THIS}"
        )
    is_organisations = metadata.organisation.is_of(wanted["codes"], wanted["shared_codes"])
    if is_organisations is False:
        known = filter(None, (metadata.organisation.ovo, metadata.organisation.kbo))
        codes = ", ".join(map(quoted, known))
        return (
            f"{named} is that of {quoted(metadata.organisation.name)} ({codes}), and of no"
            f" code in organisation.yaml; {_NOT_THIS}"
        )
    if is_organisations is None and not wanted["is_named"]:  # no code, and no word of its owners
        return (
            f"{named} has no code of an organisation at its authority, so that nobody can"
            " tell whose it is; have it named under adopts in organisation.yaml, or given its"
            f" codes there; else {_NOT_THIS}"
        )
    return None


def sentence_on_second_client(wanted: Mapping[str, Any]) -> str:
    """Return the sentence that refuses a client for a connection that has a client already."""
    return (
        f"client {quoted(wanted['client_id'])} cannot be taken over, for this connection has a"
        " client already; remove adopt from the form, or see docs/adoption.md for how to change"
        " clients"
    )


def before(props: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the inputs that ``check`` saw of the client that a create takes over, such as
    ``{"scopes": {…}}``; None where the create takes none over."""
    adopt = props.get("adopt")
    if not isinstance(adopt, Mapping):
        return None
    if props.get("client_id") not in (None, adopt["client_id"]):
        return None  # the record of a part that is made anew, for another client
    seen = adopt.get("before")
    return seen if isinstance(seen, Mapping) else None
