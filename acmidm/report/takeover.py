"""A client that is taken over, as it was: the resources' input ``adopt`` tells how it differs from what is declared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from acmidm.report.state import DETAILS, ClientState, Key, key_of, shown

_ADDED, _REMOVED, _INSTEAD = "added", "removed", " → "


def before_takeover(declared: ClientState, resources: Mapping[str, Mapping[str, Any]]) -> ClientState:
    """Undoes, resource by resource (``kind/product``), what the takeover changes."""
    state = replace(declared, foreign=True, client_id=declared.adopts, adopts=None, software_id=None, protected=None, exemptions={})
    for part, resource in resources.items():
        kind, _, product = part.partition("/")
        adopt = (resource.get("inputs") or {}).get("adopt")
        changes = adopt.get("changes") if isinstance(adopt, Mapping) else None
        if not isinstance(changes, Mapping):
            continue
        if kind == "OAuthClient":
            state = _client_before(state, changes)
        elif kind == "ClientScopes":
            state = replace(state, scopes=_undone(state.scopes or {}, changes))
        elif kind == "ClientJwks":
            known = _undone(state.keys or {}, changes)
            state = replace(state, keys={kid: key if isinstance(key, Key) else _key(key) for kid, key in known.items()})
        elif kind == "ProductConfiguration":
            configuration = _undone(state.products.get(product) or {}, changes)
            others = {name: known for name, known in state.products.items() if name != product}
            state = replace(state, products={**others, product: configuration} if configuration else others)
    return state


def _client_before(state: ClientState, changes: Mapping[str, str]) -> ClientState:
    details = {name: value if isinstance(value, str) else shown(value) for name, value in _undone(state.details or {}, changes).items()}
    return replace(
        state,
        details={name: value for name, value in details.items() if name in DETAILS and name != "managed_by"},
        auth_method=str(_old(changes["token_endpoint_auth_method"])) if "token_endpoint_auth_method" in changes else state.auth_method,
        enabled=_old(changes["enabled"]) is not False if "enabled" in changes else state.enabled,
    )


def _undone(after: Mapping[str, Any], changes: Mapping[str, str]) -> dict[str, Any]:
    """What was there before: without what was added, with what was removed (its value not known), old values for new ones."""
    before = {name: value for name, value in after.items() if changes.get(name) != _ADDED}
    for name, change in changes.items():
        if change == _REMOVED:
            before[name] = None
        elif change != _ADDED:
            before[name] = _old(change)
    return before


def _old(change: str) -> Any:
    """The old value of ``old → new``; JSON where it was no text."""
    text = change.partition(_INSTEAD)[0]
    try:
        return json.loads(text) if text[:1] in "[{tfn" else text
    except ValueError:
        return text


def _key(members: object) -> Key:
    return key_of(members) if isinstance(members, Mapping) else Key(None)
