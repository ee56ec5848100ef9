"""What the pages show of a client, put together from what is stored and from the audit trail."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
FIELDS = (
    "client_name",
    "organisation",
    "application",
    "grant_types",
    "token_endpoint_auth_method",
    "contacts",
    "enabled",
)
"""What people see of a client, each with its label among the texts."""


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


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that a change added (`+`), removed (`-`) or altered (`±`); `label` names the
    field."""

    sign: str
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class ChangeView:
    """An entry of the audit trail."""

    action: str
    made: Provenance
    subject: str
    lines: Sequence[Line]


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


def changes(trail: Iterable[AuditEntry]) -> list[ChangeView]:
    """Return the audit trail as it is shown."""
    return [
        ChangeView(entry.action, made(entry.at, entry.actor), _subject(entry), list(_lines(entry)))
        for entry in trail
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
    return set(_by_kid(document))


def _by_kid(document: Mapping[str, Any] | None) -> dict[str, Any]:
    keys = (document or {}).get("keys") or (document or {}).get("jwks", {}).get("keys", [])
    return {key["kid"]: key for key in keys}


def _subject(entry: AuditEntry) -> str:
    """Return the product that a change is about, or the API with the reason of a refusal."""
    if entry.action.startswith("coupling."):
        coupling = entry.after or {}
        return ": ".join(filter(None, (coupling["referentie"], coupling["refusal"])))
    return entry.document.split("/")[3] if entry.action.startswith("product.") else ""


def _lines(entry: AuditEntry) -> Iterator[Line]:
    before, after = entry.before or {}, entry.after or {}
    if entry.action == "scopes.replaced":
        for members, label in (("scopes", ""), ("default", "default")):
            yield from _names(
                dict.fromkeys(before.get(members, ())), dict.fromkeys(after.get(members, ())), label
            )
    elif entry.action == "jwks.replaced":
        yield from _names(_by_kid(before), _by_kid(after))
    elif entry.action == "product.replaced":
        yield from _differences(before.get("configuration", {}), after.get("configuration", {}))
    elif entry.action == "client.replaced":
        yield from _differences(_for_people(before), _for_people(after))


def _for_people(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a client's document says to people, with each attribute by itself: no mark of a
    stack."""
    shown = {name: value for name, value in document.items() if name in FIELDS}
    if organisation := document.get("organisation"):
        shown["organisation"] = (
            f"{organisation['name']} ({organisation.get('ovo') or organisation.get('kbo')})"
        )
    return {**shown, **document.get("attributes", {})}


def _names(before: Mapping[str, Any], after: Mapping[str, Any], label: str = "") -> Iterator[Line]:
    return (Line(line.sign, label, line.label) for line in _differences(before, after))


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Line]:
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            yield Line("+", name, shown(after[name]))
        elif name not in after:
            yield Line("-", name, "")
        elif before[name] != after[name]:
            yield Line("±", name, f"{shown(before[name])} → {shown(after[name])}")
