"""Taking over a client that exists already: what that would change is shown by the preview, and stays in the state.

A form names the client-ID once. ``check``, which previews run too, compares the client as it is with what the form asks
for and puts the difference into the input ``adopt``. From then on the input stays as it was, whether the form still names
the client-ID or not: the adoption is done, and nothing is compared again.

What cannot be taken over stands in the same place, as ``refused``. A failed ``check`` would end the whole run, with the changes
of every other organisation; so an ``up`` fails at the one resource, and a preview is made to fail by ``components.refusals``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from components.authorities.port import ClientMetadata
from components.model.connection import Connection
from components.model.problems import quoted


def asked(connection: Connection, managed_by: str) -> dict[str, str] | None:
    """What the program gives as ``adopt``: which client, for which natural key, by which resource; None where nothing is adopted."""
    if connection.adopt is None:
        return None
    return {"client_id": connection.adopt, "software_id": connection.software_id, "managed_by": managed_by}


def record(client_id: str, software_id: str | None, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The value of the input ``adopt``: which client, for which natural key, and what changes by it."""
    return {"client_id": client_id, "software_id": software_id, "changes": differences(before, after)}


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, str]:
    """Per name: ``added``, ``removed``, or the old value and the new one."""
    changes = dict.fromkeys(before.keys() - after.keys(), "removed")
    changes |= dict.fromkeys(after.keys() - before.keys(), "added")
    changes |= {
        name: f"{_shown(before[name])} → {_shown(after[name])}" for name in before.keys() & after.keys() if before[name] != after[name]
    }
    return dict(sorted(changes.items()))


def refusal(wanted: Mapping[str, str], sentence: str) -> dict[str, str]:
    """The value of the input ``adopt`` where the client cannot be taken over: why, and which form asks for it."""
    return {"client_id": wanted["client_id"], "refused": f"{wanted['managed_by'].partition(':')[2]}: {sentence}"}


def refused(props: Mapping[str, Any]) -> str | None:
    """Why what a resource asks to take over is refused; None where it is not."""
    adopt = props.get("adopt")
    return adopt.get("refused") if isinstance(adopt, Mapping) else None


def is_spent(wanted: Mapping[str, str], client: ClientMetadata) -> bool:
    """Whether this very resource took the client over before, under another natural key.

    Organisation, application or environment have changed since, which asks for a new client: taking the old one over again
    would give the organisation's keys and scopes to another, and the replacement would remove it right after.
    """
    return client.managed_by == wanted["managed_by"] and client.software_id != wanted["software_id"]


def kept(wanted: Mapping[str, str] | None, before: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The record of what was taken over, whatever the form says by now; a refusal where it names another client."""
    if wanted is None or (before or {}).get("client_id") == wanted["client_id"]:
        return before
    return refusal(
        wanted,
        f"client {quoted(wanted['client_id'])} cannot be taken over, for this connection has a client already; "
        "remove adopt from the form, or see docs/adoption.md for how to change clients",
    )


def client_to_adopt(props: Mapping[str, Any]) -> str | None:
    """The client-ID to take over by a create; None for one that replaces a client adopted under another natural key."""
    adopt = props.get("adopt")
    if isinstance(adopt, Mapping) and adopt.get("software_id") == props.get("software_id"):
        return str(adopt["client_id"])
    return None


def is_adopted(props: Mapping[str, Any]) -> bool:
    """Whether a create is for the very client that ``check`` compared, so that what it saw there may be overwritten, and no more."""
    adopt = props.get("adopt")
    return isinstance(adopt, Mapping) and adopt.get("client_id") == props["client_id"]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
