"""Who made a change by hand: by the audit trail of the authority."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from acmidm.report.connection import ConnectionChanges
from acmidm.report.kinds import Change, Kind
from acmidm_onboarding.authorities.port import RecordedChange
from acmidm_onboarding.engine_resources import Resource


def attributed(connection: ConnectionChanges, trail: Iterable[RecordedChange]) -> ConnectionChanges:
    """Return the changes of a client with who made each. ``trail`` is newest first; the newest
    entry that made the difference counts."""
    changes = list(connection.changes)
    left = set(range(len(changes)))
    if not left:
        return connection
    for entry in trail:
        author = {"changed_by": entry.actor, "changed_at": entry.at}
        for number in [*left]:
            if _made(entry, changes[number]):
                changes[number] = changes[number].model_copy(update=author)
                left.remove(number)
        if not left:  # read no more pages of the trail than needed
            break
    return connection.with_changes(changes)


_ACTIONS = {
    Resource.CLIENT: "client.replaced",
    Resource.SCOPES: "scopes.",
    Resource.KEYS: "jwks.",
    Resource.PRODUCT: "product.",
}


def _made(entry: RecordedChange, change: Change) -> bool:
    """Return whether an entry of the audit trail made a change: what it is about differs before and
    after."""
    resource = change.kind.row.resource
    if change.kind is Kind.CLIENT_REMOVED:
        return entry.action == "client.removed"
    if resource not in _ACTIONS or not entry.action.startswith(_ACTIONS[resource]):
        return False
    if resource is Resource.PRODUCT and f"/{change.subject}/" not in entry.document:
        return False
    return bool(_about(change, entry.before or {}) != _about(change, entry.after or {}))


def _about(change: Change, document: Mapping[str, Any]) -> Any:
    """Return what of an authority's document a change is about."""
    row = change.kind.row
    match row.resource:
        case Resource.CLIENT:
            names = [changed.field.partition(".")[0] for changed in change.fields]
            if row.field:
                names = [row.field]
            return [document.get(name) for name in names]
        case Resource.SCOPES:
            lists = ["scopes"]
            if change.kind in (Kind.SCOPE_DEFAULT, Kind.SCOPE_ON_REQUEST):
                lists.append("default")
            return [change.subject in _list_in(document, name) for name in lists]
        case Resource.KEYS:
            keys: dict[str | None, Any] = {}
            for key in _list_in(document, "keys"):
                if isinstance(key, Mapping) and isinstance(key.get("kid"), str):
                    keys[key["kid"]] = key
            return keys.get(change.subject) if change.kind.entry.parts else len(keys)
    return document


def _list_in(document: Mapping[str, Any], name: str) -> list[Any]:
    """Return a list of a document that an authority recorded; an empty one where the document has
    something else."""
    value = document.get(name)
    return value if isinstance(value, list) else []
