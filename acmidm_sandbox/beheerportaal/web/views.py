"""What the pages show of a client, put together from what is stored and from the audit trail."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from acmidm_sandbox.beheerportaal.documents import AuditEntry, KeysInUse
from acmidm_sandbox.beheerportaal.jwk import thumbprint
from acmidm_sandbox.beheerportaal.settings import PortalSettings
from acmidm_sandbox.beheerportaal.store.clients import Client
from acmidm_sandbox.beheerportaal.store.users import ACTOR_PREFIX

SOON_DAYS = 30
_DAY = 24 * 3600
_NONE_IN_USE = KeysInUse(items=[])


@dataclass(frozen=True, slots=True)
class Provenance:
    """When something came, and by whom; `by_user` says whether that was someone in the web
    interface."""

    at: datetime
    actor: str

    @property
    def by_user(self) -> bool:
        """Whether the actor is a user, whose name `who` then is."""
        return self.actor.startswith(ACTOR_PREFIX)

    @property
    def who(self) -> str:
        """The user's name, or the operator's client_id."""
        return self.actor.removeprefix(ACTOR_PREFIX)


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key. `state` is valid, soon, passed or unlimited; `days` are those until it ends;
    `last_used_at` is its last token."""

    kid: str
    kind: str
    thumbprint: str
    expires: datetime | None
    state: str
    days: int
    added: Provenance | None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ScopeView:
    """A scope; `assigned` where the portal gives it to everyone, `default` where a token has it
    without being asked for it."""

    name: str
    assigned: bool
    default: bool
    granted: Provenance | None


def keys_of(
    client: Client, trail: Sequence[AuditEntry], in_use: KeysInUse = _NONE_IN_USE
) -> list[KeyView]:
    """Return the client's keys; `trail` is its audit trail, newest first."""
    keys = [_key(key, _since(trail, _keys_in, str(key["kid"]))) for key in client.jwks.keys]
    last = {use.thumbprint: datetime.fromisoformat(use.last_used_at) for use in in_use.items}
    return [replace(key, last_used_at=last.get(key.thumbprint)) for key in keys]


def scopes_of(
    client: Client, settings: PortalSettings, trail: Sequence[AuditEntry]
) -> list[ScopeView]:
    """Return the client's scopes."""
    return [
        ScopeView(
            name,
            name in settings.assigned_scopes,
            name in client.scopes.default,
            _since(trail, _scopes_in, name),
        )
        for name in client.scopes.scopes
    ]


def made(at: str, actor: str) -> Provenance:
    """Return who made a change, and when, as the audit trail has it."""
    return Provenance(datetime.fromisoformat(at), actor)


def shown(value: Any) -> str:
    """Return a value of a document as people read it."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value) or "—"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _key(key: Mapping[str, Any], added: Provenance | None) -> KeyView:
    kind = f"{key['kty']} {key['crv']}" if "crv" in key else key["kty"]
    if "alg" in key:
        kind += f", {key['alg']}"
    exp = key.get("exp")
    if exp is None:
        return KeyView(key["kid"], kind, thumbprint(key), None, "unlimited", 0, added)
    days = int((exp - time.time()) // _DAY)
    state = "passed" if exp <= time.time() else "soon" if days < SOON_DAYS else "valid"
    return KeyView(
        key["kid"], kind, thumbprint(key), datetime.fromtimestamp(exp, UTC), state, days, added
    )


def _since(
    trail: Sequence[AuditEntry], names_in: Callable[[Mapping[str, Any] | None], set[str]], name: str
) -> Provenance | None:
    """Return the last change that brought something; None where the trail does not reach back that
    far."""
    for entry in trail:
        if entry.action in ("client.created", "scopes.replaced", "jwks.replaced"):
            before, after = names_in(entry.before), names_in(entry.after)
            if name in after and name not in before:
                return made(entry.at, entry.actor)
    return None


def _scopes_in(document: Mapping[str, Any] | None) -> set[str]:
    return set((document or {}).get("scopes", []))


def _keys_in(document: Mapping[str, Any] | None) -> set[str]:
    """Return the kids in a set of keys, or in a client as lists give it."""
    keys = (document or {}).get("keys") or (document or {}).get("jwks", {}).get("keys", [])
    return {key["kid"] for key in keys}
