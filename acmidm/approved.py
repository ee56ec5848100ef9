"""What a person approved is what runs: a review that was saved, and how what would run now differs from it.

A saved review has the engine's own steps, and what the authorities had then of the clients that change, since a preview reads none.
Nothing of it depends on the time of day: ages and warnings are no part of it. No secret is in it (ADR 11).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from acmidm.report.compare import field_changes, paired
from acmidm.report.plan import Plan
from acmidm.words import LONGEST, plain
from acmidm.writing import write_named
from acmidm_onboarding.engine_resources import Resource, client_of, is_password, kind_of, part_of
from acmidm_onboarding.handed import HANDED
from acmidm_onboarding.model.client import Client, Place
from acmidm_onboarding.model.form import Platform
from acmidm_onboarding.model.marks import has_mark
from acmidm_onboarding.model.plain import flat
from acmidm_onboarding.model.problems import Failure
from acmidm_onboarding.resources.overlap import REFUSED, SINCE
from acmidm_onboarding.settings import NAMESPACE

if TYPE_CHECKING:
    from acmidm_onboarding.authorities.connected import Connected, ConnectedPlatform
    from acmidm_onboarding.authorities.port import ClientSnapshot

Approved = Mapping[str, Any]
"""``stack``, its ``settings``, ``steps`` per resource, ``clients`` at their authority and their ``keys``: plain data, as it is saved."""

_VERSION = 1
_NOTHING = frozenset({"same", "refresh"})
_SECRET = "[secret]"
_PASSWORD = "RandomPassword"
_OPTIONS = ("protect", "retainOnDelete")


class Difference(NamedTuple):
    """How what would run now is not what was approved."""

    sentence: str
    key: str | None
    """The key of the connection that it is about; None: all of them."""


class NotApproved(Failure):
    """A file that is no saved review of the stack."""


def approved_of(stack: str, previewed: Mapping[str, Any], plan: Plan, platforms: Connected) -> Approved:
    """Return what would run now: the steps of a preview, and what the authorities have of the clients that ``plan`` changes.

    Raises:
        AuthorityError: where an authority cannot be read.
    """
    touched = {part[:2] for step in previewed.get("steps") or () if _step(step) is not None for part in _parts(step)}
    clients = list(_clients(plan, touched, platforms))
    return {
        "version": _VERSION,
        "stack": stack,
        "settings": {name: value for name, value in (previewed.get("config") or {}).items() if name != f"{NAMESPACE}:{HANDED}"},
        "steps": _steps(previewed),
        "clients": {name: found for name, _, found in clients},
        "keys": {name: key for name, key, _ in clients},
    }


def save(approved: Approved, file: Path) -> None:
    """Write a review to a file, for ``acmidm deploy --approved``. Raises NotApproved."""
    try:
        write_named(file, json.dumps(approved, indent=1, sort_keys=True) + "\n")
    except OSError as error:
        raise NotApproved(f"{file} cannot be written: {error.strerror}; name another file with --save") from None


def read_approved(file: Path, stack: str) -> Approved:
    """Read a review that was saved for ``stack``. Raises NotApproved."""
    remedy = f"save one with acmidm review --stack {stack} --save FILE, and have that approved"
    try:
        document = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise NotApproved(f"{file} cannot be read: {error.strerror}; {remedy}") from None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("version") != _VERSION:
        raise NotApproved(f"{file} is no saved review of this version; {remedy}")
    if document.get("stack") != stack:
        raise NotApproved(f"{file} is a review of stack {plain(str(document.get('stack')))}; {remedy}")
    parts = {part: document.get(part) for part in ("steps", "clients", "settings", "keys")}
    of_maps = all(isinstance(one, dict | None) for part in ("steps", "clients") for one in (parts[part] or {}).values())
    if not all(isinstance(part, dict) for part in parts.values()) or not of_maps:
        raise NotApproved(f"{file} is no whole review; {remedy}")
    return document


def differences(approved: Approved, now: Approved) -> list[Difference]:
    """Return each way in which what would run now is not what was approved."""
    settings = [
        Difference(f"setting {change.field} {change.old or 'none'} → {change.new or 'none'}", None)
        for change in field_changes(approved["settings"], now["settings"])
    ]
    keys = {**approved["keys"], **now["keys"]}
    return [*settings, *_of_steps(approved["steps"], now["steps"]), *_of_clients(approved["clients"], now["clients"], keys)]


def not_approved(approved: Approved, previewed: Mapping[str, Any], but: Iterable[str]) -> list[str]:
    """Return a sentence for each step of a second run that neither was approved nor goes on with one of the clients in ``but``."""
    going_on = tuple(f"{client}/" for client in but)
    steps = {name: step for name, step in _steps(previewed).items() if not f"{name.split(' ', 2)[2]}/".startswith(going_on)}
    return [one.sentence for one in _of_steps({name: step for name, step in approved["steps"].items() if name in steps}, steps)]


def _of_steps(approved: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    for name in sorted(approved.keys() | now.keys()):
        was, is_now, shown, key = approved.get(name), now.get(name), plain(name), _key_in(name)
        if was is None and is_now is not None:
            yield Difference(f"{shown}: was not reviewed", key)
        elif is_now is None and was is not None:
            yield Difference(f"{shown}: was reviewed, and would not be done", key)
        elif was is not None and is_now is not None and was != is_now:
            yield Difference(f"{shown}: {_said(was, is_now)}", key)


def _of_clients(approved: Mapping[str, Any], now: Mapping[str, Any], keys: Mapping[str, str]) -> Iterator[Difference]:
    for name in sorted(approved.keys() & now.keys()):
        was, is_now = approved[name], now[name]
        if was != is_now:
            said = "is there now" if was is None else "is gone" if is_now is None else f"has other {_said(was, is_now)}"
            yield Difference(f"client {plain(name)} was changed at its authority since the review: {said}", keys.get(name))


def urns_of(key: str, resources: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the URNs of the resources of a connection, among resources or steps; also those that a step has had before."""
    own = [one for one in resources if (kind_of(one) or is_password(one)) and client_of(one)[0] == key]
    return sorted({str(one["urn"]) for step in own for one in (step, step.get("oldState") or step)})


def _key_in(name: str) -> str | None:
    """The key of the connection that a step is about; None where it is no connection's: the resource of a program of somebody's own."""
    _, kind, resource = name.split(" ", 2)
    return "/".join(resource.split("/")[:2]) if kind in (*Resource, _PASSWORD) else None


def _said(was: Mapping[str, Any], is_now: Mapping[str, Any]) -> str:
    """The fields that differ, from what was reviewed to what is now."""
    sides = ((one.field, *one.values(LONGEST)) for one in field_changes(flat(was), flat(is_now)))
    return ", ".join(f"{plain(field)} {old or 'none'} → {new or 'none'}" for field, old, new in sides)


def _steps(previewed: Mapping[str, Any]) -> dict[str, Any]:
    return {_named(step): found for step in previewed.get("steps") or () if (found := _step(step)) is not None}


def _step(step: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a step does, None where it does nothing. A protection that is lifted is in no operation of the engine's.

    Nobody approves a mail by itself: one that another run has sent meanwhile stops nothing.
    """
    if kind_of(step) == Resource.HAND_OVER:
        return None
    was, becomes = (_resource(step.get(side) or {}) for side in ("oldState", "newState"))
    if step["op"] == "refresh" or (step["op"] in _NOTHING and was == becomes):
        return None
    return {"id": (step.get("oldState") or {}).get("id") or "", "was": was, "becomes": becomes}


def _resource(resource: Mapping[str, Any]) -> dict[str, Any]:
    options = {name: True for name in _OPTIONS if resource.get(name)}
    # Since when a key is there is the time of the run that writes it, and nothing that somebody could approve; nor is why one stays.
    inputs = {name: value for name, value in (resource.get("inputs") or {}).items() if name not in (SINCE, REFUSED)}
    return {"inputs": _without_secrets(inputs), **options}


def _without_secrets(value: Any) -> Any:
    """A value without what the engine marks as secret, encrypted or not, and without the name of its provider."""
    if isinstance(value, Mapping):
        if any(isinstance(name, str) and has_mark(name) for name in value):
            return _SECRET
        return {name: _SECRET if name == "client_secret" and part else _without_secrets(part) for name, part in value.items()}
    return [_without_secrets(part) for part in value] if isinstance(value, list) else value


def _named(step: Mapping[str, Any]) -> str:
    """``update ClientScopes OVO002067/loket``."""
    kind = _PASSWORD if is_password(step) else kind_of(step)
    return f"{'(un)protect' if step['op'] == 'same' else step['op']} {kind} {step['urn'].rpartition('::')[2]}"


def _parts(step: Mapping[str, Any]) -> Iterator[tuple[str, Platform, str]]:
    """The clients that a step is about, before and after: a client may get another key."""
    for side in ("oldState", "newState"):
        if (part := part_of(step.get(side) or {})) is not None:
            yield part


def _clients(plan: Plan, touched: Collection[tuple[str, Platform]], platforms: Connected) -> Iterator[tuple[str, str, Any]]:
    """What the authorities have of each client that is ``touched``, by platform and client-ID, or key where it is new; and its key."""
    for old, new in paired(plan.before, plan.after):
        state = new or old
        if state is None or not any(side is not None and side.place[:2] in touched for side in (old, new)):
            continue
        platform, client_id = platforms.get(state.platform), (old and old.client_id) or (new and new.adopts)
        if platform is None:
            continue
        snapshot = platform.clients.get(client_id) if client_id else _by_key(platform, str(state.fields.get("software_id")))
        products = {product for side in (old, new) if side for product in side.products}
        found = _at_authority(platform, state.place, snapshot, products, has_keys=_has_keys(old, new))
        yield f"{state.platform} {client_id or state.key}", state.key, found


def _has_keys(old: Client | None, new: Client | None) -> bool:
    """Whether its keys are ours to change: what its organisation uploads in the meantime is none of this."""
    return any(side is not None and side.keys is not None for side in (old, new))


def _by_key(platform: ConnectedPlatform, software_id: str) -> ClientSnapshot | None:
    return next((one for one in platform.authority.clients() if one.client.metadata.software_id == software_id), None)


def _at_authority(
    platform: ConnectedPlatform, place: Place, snapshot: ClientSnapshot | None, products: Iterable[str], *, has_keys: bool
) -> dict[str, Any] | None:
    if snapshot is None:
        return None
    found = {product: document for product in products if (document := platform.configurations(product).get(snapshot.client.client_id))}
    state = snapshot.as_client(place, found, platform.assigned)
    return {
        "client": dict(state.fields),
        "secret set at": state.secret_updated_at or 0,
        "scopes": {scope: "by default" if grant.default else "on request" for scope, grant in (state.scopes or {}).items()},
        "keys": {kid: key.digest for kid, key in (state.keys or {}).items()} if has_keys else {},
        "products": {name: {**flat(fields), **asdict(state.owners[name])} for name, fields in state.products.items()},
    }
