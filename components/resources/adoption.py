"""Taking over a client that exists already: what that would change is shown by the preview, and stays in the state.

A form names the client-ID once. ``check``, which previews run too, compares the client as it is with what the form asks
for and puts the difference into the input ``adopt``. Changes of that input are ignored, so it stays what it was then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi

ASKED_ONCE = pulumi.ResourceOptions(ignore_changes=["adopt"])


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


def client_to_adopt(props: Mapping[str, Any]) -> str | None:
    """The client-ID to take over by a create; None for one that replaces a client adopted under another natural key."""
    adopt = props.get("adopt")
    if isinstance(adopt, Mapping) and adopt.get("software_id") == props.get("software_id"):
        return str(adopt["client_id"])
    return None


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
