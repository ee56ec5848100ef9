"""Who made a change by hand, and when: found in the authority's audit trail, where it has one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from acmidm.report.changes import Change, ConnectionChanges
from acmidm.report.kinds import Kind
from components.authorities.port import RecordedChange


def attributed(connection: ConnectionChanges, trail: Iterable[RecordedChange]) -> ConnectionChanges:
    """The changes of a client with who made each. ``trail`` is newest first; the newest entry that made the difference counts."""
    entries = list(trail)
    return connection.model_copy(update={"changes": tuple(_attributed(change, entries) for change in connection.changes)})


def _attributed(change: Change, entries: Sequence[RecordedChange]) -> Change:
    found = next((entry for entry in entries if _made(entry, change)), None)
    return change.model_copy(update={"changed_by": found.actor, "changed_at": found.at}) if found else change


def _made(entry: RecordedChange, change: Change) -> bool:
    """Whether this entry made the change."""
    part, _, action = entry.action.partition(".")
    before, after = entry.before or {}, entry.after or {}
    match change.kind:
        case Kind.CLIENT_REMOVED:
            return entry.action == "client.removed"
        case Kind.SCOPE_GRANTED | Kind.SCOPE_WITHDRAWN:
            return part == "scopes" and (change.subject in _names(before)) != (change.subject in _names(after))
        case Kind.KEY_ADDED | Kind.KEY_REMOVED | Kind.KEY_CHANGED:
            return part == "jwks" and _keys(before).get(change.subject) != _keys(after).get(change.subject)
        case Kind.CLIENT_WITHOUT_KEY | Kind.CLIENT_WITH_ONE_KEY:
            return part == "jwks" and len(_keys(after)) < len(_keys(before))
        case Kind.PRODUCT_CHANGED | Kind.PRODUCT_CONFIGURED | Kind.PRODUCT_REMOVED:
            return part == "product" and f"/{change.subject}/" in entry.document and before != after
        case Kind.AUTHENTICATION_WEAKENED | Kind.AUTHENTICATION_CHANGED:
            return part == "client" and action == "replaced" and _differs("token_endpoint_auth_method", before, after)
        case Kind.SECRET_RENEWED:
            return part == "client" and action == "replaced" and _differs("client_secret_updated_at", before, after)
        case Kind.CLIENT_DISABLED | Kind.CLIENT_ENABLED:
            return part == "client" and action == "replaced" and _differs("enabled", before, after)
        case Kind.CLIENT_UPDATED:
            return (
                part == "client"
                and action == "replaced"
                and any(_differs(_WIRE.get(one.field, one.field), before, after) for one in change.fields)
            )
    return False


_WIRE = {"organisation_name": "organisation", "ovo_code": "organisation", "kbo_number": "organisation"}
"""Fields that the authority's documents name otherwise."""


def _differs(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return bool(before.get(name) != after.get(name))


def _names(document: Mapping[str, Any]) -> list[Any]:
    scopes = document.get("scopes")
    return scopes if isinstance(scopes, list) else []


def _keys(document: Mapping[str, Any]) -> dict[Any, Any]:
    keys = document.get("keys")
    return {key.get("kid"): key for key in keys if isinstance(key, Mapping)} if isinstance(keys, list) else {}
