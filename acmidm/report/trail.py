"""What an authority's audit trail has of a client: what each entry changed, and by that who made a
change by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from acmidm.report.compare import Comparison
from acmidm.report.connection import ConnectionChanges
from acmidm.report.fields import field_changes
from acmidm.report.kinds import Change, Kind
from acmidm_onboarding.authorities.port import RecordedChange
from acmidm_onboarding.engine_resources import Resource
from acmidm_onboarding.values.client import Client, Grant, Secret, fields_in
from acmidm_onboarding.values.keys import PublicKeys, keys_of
from acmidm_onboarding.values.metadata import Owner, ProductDocument

_SECRET = "client_secret_updated_at"
_CREATED, _REMOVED = "client.created", "client.removed"
_MADE_BY = {
    Kind.CLIENT_REMOVED: Kind.CLIENT_REMOVED,
    Kind.CLIENT_WITHOUT_KEY: Kind.KEY_REMOVED,
    Kind.CLIENT_WITH_ONE_KEY: Kind.KEY_REMOVED,
}
"""What makes a change that is about the client, or about its keys, as a whole."""
_OF_DEFAULTS = (Kind.SCOPE_DEFAULT, Kind.SCOPE_ON_REQUEST)


def attributed(connection: ConnectionChanges, trail: Iterable[RecordedChange]) -> ConnectionChanges:
    """Return the changes of a client with who made each. ``trail`` is newest first; the newest
    entry that made the difference counts."""
    changes = list(connection.changes)
    unattributed = set(range(len(changes)))
    if not unattributed:
        return connection
    client = Client(connection.key, connection.platform, connection.environment)
    for entry in trail:
        author = {"changed_by": entry.actor, "changed_at": entry.at}
        made = changes_in(entry, client, by_hand=True)
        for number in [*unattributed]:
            if any(map(partial(_is_made_by, changes[number]), made)):
                changes[number] = changes[number].model_copy(update=author)
                unattributed.remove(number)
        if not unattributed:  # read no more pages of the trail than needed
            break
    return connection.with_changes(changes)


def changes_in(
    entry: RecordedChange, client: Client, *, by_hand: bool = False
) -> tuple[Change, ...]:
    """Return what an entry changed of a client, as reports have it: ``by_hand`` with the marks of
    the stack that manages it."""
    before = after = None
    if entry.action != _CREATED:
        before = _state(client, entry, entry.before or {})
    if entry.action != _REMOVED:
        after = _state(client, entry, entry.after or {})
    comparison = Comparison(entry.at, expiring_days=None, by_hand=by_hand)
    connection = comparison.between(before, after)
    if connection:
        return connection.changes
    # The marks alone: reviews show them as a take-over.
    fields = field_changes(before.fields, after.fields) if before and after else ()
    return (Change(kind=Kind.CLIENT_UPDATED, fields=fields),) if fields else ()


def _is_made_by(change: Change, made: Change) -> bool:
    """Return whether a change is about the same as one that an entry ``made``."""
    if change.kind in _MADE_BY:
        return made.kind is _MADE_BY[change.kind]
    if made.kind in _OF_DEFAULTS and change.kind not in _OF_DEFAULTS:
        return False
    return made.part == change.part and not _subjects_of(made).isdisjoint(_subjects_of(change))


def _subjects_of(change: Change) -> set[str | None]:
    """Return what of its part a change is about: fields of the client, a scope, a key, a
    product."""
    row = change.kind.row
    if row.field:
        return {row.field}
    if row.resource is Resource.CLIENT and change.fields:
        return {field.field for field in change.fields}
    return {change.subject}


def _state(client: Client, entry: RecordedChange, document: Mapping[str, Any]) -> Client:
    """Return a client as far as one document of the trail has it."""
    part = Client(*client.client_key)
    scopes, by_default = {}, _list_in(document, "default")
    for scope in filter(_is_text, _list_in(document, "scopes")):
        grant = client.granted.get(scope, Grant())
        scopes[scope] = replace(grant, default=scope in by_default)
    match entry.action.partition(".")[0]:
        case "scopes":
            return replace(part, scopes=scopes)
        case "jwks":
            return replace(part, keys=_keys_in(document))
        case "product":
            return replace(part, products=_product(entry.document, document))
    # Without its secret: when that was set stands for which one it is.
    secret = Secret(generation=document.get(_SECRET))
    part = replace(part, fields=fields_in(document), secret=secret)
    if entry.action not in (_CREATED, _REMOVED):
        return part
    return replace(part, scopes=scopes, keys=_keys_in(document.get("jwks") or {}))


def _product(path: str, document: Mapping[str, Any]) -> dict[str, ProductDocument]:
    """Return the configuration of ``dosis`` in ``/products/v1/dosis/configurations/…``."""
    configuration = document.get("configuration")
    if not isinstance(configuration, Mapping):
        return {}
    above, marker, _ = path.partition("/configurations/")
    product = above.rpartition("/")[2] if marker else path
    owner = Owner(*map(document.get, ("software_id", "managed_by", "incarnation")))
    return {product: ProductDocument(configuration, owner)}


def _keys_in(document: Mapping[str, Any]) -> PublicKeys:
    keys: dict[str, Any] = {}
    for key in _list_in(document, "keys"):
        if isinstance(key, Mapping) and _is_text(key.get("kid")):
            keys[key["kid"]] = key
    return PublicKeys(keys_of(keys))


def _list_in(document: Mapping[str, Any], name: str) -> list[Any]:
    """Return a list of a document that an authority recorded; an empty one where the document has
    something else."""
    value = document.get(name)
    return value if isinstance(value, list) else []


def _is_text(value: object) -> bool:
    return isinstance(value, str)
