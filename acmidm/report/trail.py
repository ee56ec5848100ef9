"""What an authority's audit trail has of a client: what each entry changed, and by that who made a
change by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from acmidm.report.compare import Comparison
from acmidm.report.connection import ConnectionChanges
from acmidm.report.fields import field_changes
from acmidm.report.kinds import Change, Kind
from acmidm_onboarding.authorities.port import RecordedChange
from acmidm_onboarding.engine_resources import Resource
from acmidm_onboarding.values.client import JWKS_URI, Client, Grant, Secret, fields_in
from acmidm_onboarding.values.keys import PublicKeys, keys_of
from acmidm_onboarding.values.metadata import AFZENDERS, Owner, ProductDocument
from acmidm_onboarding.values.plain import without

_SECRET_SET_AT = "client_secret_updated_at"
_CREATED, _REMOVED = "client.created", "client.removed"
_OF_DEFAULTS = (Kind.SCOPE_DEFAULT, Kind.SCOPE_ON_REQUEST)


def attributed(connection: ConnectionChanges, trail: Iterable[RecordedChange]) -> ConnectionChanges:
    """Return the changes of a client, each with who made it and when, as far as the ``trail`` of
    its authority says. That is newest first, and the newest entry that made a change counts."""
    changes = list(connection.changes)
    unattributed = set(range(len(changes)))
    if not unattributed:
        return connection
    client = Client(connection.key, connection.platform, connection.environment)
    for entry in trail:
        author = {"changed_by": entry.actor, "changed_at": entry.at}
        made = changes_in(entry, client, by_hand=True)
        for number in [*unattributed]:
            if _is_made_by(changes[number], entry, made):
                changes[number] = changes[number].model_copy(update=author)
                unattributed.remove(number)
        if not unattributed:  # read no more pages of the trail than needed
            break
    return connection.with_changes(changes)


def changes_in(
    entry: RecordedChange, client: Client, *, by_hand: bool = False
) -> tuple[Change, ...]:
    """Return what an entry of the trail changed of a client, as reports have it. ``by_hand``: its
    marks, such as ``managed_by``, are compared with the rest; else only where nothing else
    changed."""
    before = after = None
    if entry.action != _CREATED:
        before = _client_in(entry.before or {}, entry, client)
    if entry.action != _REMOVED:
        after = _client_in(entry.after or {}, entry, client)
    comparison = Comparison(entry.at, expiring_days=None, by_hand=by_hand)
    connection = comparison.between(before, after)
    if connection:
        return connection.changes
    # Only marks changed, of which reviews have no change but a take-over.
    fields = field_changes(before.fields, after.fields) if before and after else ()
    return (Change(kind=Kind.CLIENT_UPDATED, fields=fields),) if fields else ()


def _is_made_by(change: Change, entry: RecordedChange, made: Sequence[Change]) -> bool:
    """Return whether an entry of the trail made a change. ``made`` are the changes that the entry
    has by itself: one of them is about the same part and subject."""
    if entry.action == _REMOVED:
        return change.kind is Kind.CLIENT_REMOVED
    if entry.action == _CREATED:  # who gave a scope is not who took it
        return False
    match change.kind:
        case Kind.SECRET_RENEWED:
            # A change to keys or from them does not show it, though the secret may be another.
            secret_before = (entry.before or {}).get(_SECRET_SET_AT)
            secret_after = (entry.after or {}).get(_SECRET_SET_AT)
            return bool(secret_before != secret_after)
        case Kind.CLIENT_WITHOUT_KEY | Kind.CLIENT_WITH_ONE_KEY:
            kinds = [each.kind for each in made]
            return kinds.count(Kind.KEY_REMOVED) > kinds.count(Kind.KEY_ADDED)
    return any(map(partial(_is_about_the_same, change), made))


def _is_about_the_same(change: Change, made: Change) -> bool:
    """Return whether two changes are about the same part and subject. Whoever made a scope a
    default one, or no default one, neither granted nor withdrew the scope."""
    if made.kind in _OF_DEFAULTS and change.kind not in _OF_DEFAULTS:
        return False
    return made.part == change.part and not _subjects_of(made).isdisjoint(_subjects_of(change))


def _subjects_of(change: Change) -> set[str | None]:
    """Return what of its part a change is about: the names of fields of the client; else the one
    scope, key or product, by its name."""
    row = change.kind.row
    if row.field:
        return {row.field}
    if row.resource is Resource.CLIENT and change.fields:
        return {field.field for field in change.fields}
    return {change.subject}


def _client_in(document: Mapping[str, Any], entry: RecordedChange, client: Client) -> Client:
    """Return the client that a document of an entry has, before or after it: only the part that the
    entry's action is about, such as ``jwks.replaced``; all parts where the client was created or
    removed."""
    part, document = Client(*client.client_key), _readable(document)
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
            return replace(part, products=_product_in(document, entry.document))
    # No document has the secret: when that was set tells one from another.
    secret = Secret(generation=document.get(_SECRET_SET_AT))
    part = replace(part, fields=fields_in(document), secret=secret)
    if entry.action not in (_CREATED, _REMOVED):
        return part
    return replace(part, scopes=scopes, keys=_keys_in(document.get("jwks") or {}))


def _product_in(document: Mapping[str, Any], path: str) -> dict[str, ProductDocument]:
    """Return the configuration that a document of the trail has, by its product; nothing where it
    has none. ``path`` names the product: ``/products/v1/dosis/configurations/…``, or ``dosis``
    alone."""
    configuration = document.get("configuration")
    if configuration is None:
        return {}
    if not _are_senders(configuration.get(AFZENDERS)):  # an authority may record anything
        configuration = without(configuration, {AFZENDERS})
    above, marker, _ = path.partition("/configurations/")
    product = above.rpartition("/")[2] if marker else path
    owner = Owner(*map(document.get, ("software_id", "managed_by", "incarnation")))
    return {product: ProductDocument(configuration, owner)}


def _keys_in(document: Mapping[str, Any]) -> PublicKeys:
    """Return the keys of a JWK Set; a key without a ``kid`` is passed over."""
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


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _are_senders(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(sender, Mapping) and {"code", "name"} <= sender.keys() for sender in value
    )


_READ_AS: Mapping[str, Callable[[object], bool]] = {
    "token_endpoint_auth_method": _is_text,
    JWKS_URI: _is_text,
    "contacts": _are_texts,
    "jwks": _is_mapping,
    "configuration": _is_mapping,
}
"""The type that reports take for granted of a member of a document."""


def _readable(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document of the trail without the members of another type than they are read as:
    nobody knows what an authority recorded."""
    mistyped = {name for name, has_type in _READ_AS.items() if not has_type(document.get(name))}
    return without(document, mistyped)
