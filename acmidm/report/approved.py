"""A review that was saved for approval, and how what would run now differs from it.

A saved review has the engine's steps, and what the authorities had then of the clients that change,
for a preview reads no authority. Ages and warnings are left out, so that nothing depends on the
time of day. It has no secret (ADR 11).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from acmidm.report.compare import known_client_id
from acmidm.report.fields import differing, field_changes
from acmidm.report.plan import Plan
from acmidm.words import LONGEST, WHOLE, plain
from acmidm_onboarding.authorities.connected import Connected, ConnectedPlatform
from acmidm_onboarding.authorities.errors import AuthorityError
from acmidm_onboarding.command_inputs import HANDED
from acmidm_onboarding.engine_resources import (
    HAND_OVER,
    REFUSED,
    SINCE,
    Resource,
    client_of,
    is_password,
    kind_of,
    part_of,
)
from acmidm_onboarding.files import write_named
from acmidm_onboarding.settings import NAMESPACE
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.client import Client, ClientKey
from acmidm_onboarding.values.marks import has_mark
from acmidm_onboarding.values.plain import flat, only, without
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Platform

Approved = Mapping[str, Any]
"""``stack``, its ``settings``, ``steps`` per resource, ``clients`` at their authority and their
``keys``: plain data, as it is saved."""

_VERSION = 1
_NOTHING = frozenset({"same", "refresh"})
_SECRET = "[secret]"
_PASSWORD = "RandomPassword"
_UNREADABLE = "unreadable"
_OPTIONS = ("protect", "retainOnDelete")


class Deviation(NamedTuple):
    """How what would run now is not what was approved."""

    sentence: str
    key: str | None
    """The key of the connection that it is about; None: all of them."""


def approved_of(
    stack: str,
    previewed: Mapping[str, Any],
    plan: Plan,
    platforms: Connected,
    stolen: Collection[ClientKey],
) -> Approved:
    """Return what would run now: the steps of a preview, and what the authorities have of the
    clients that ``plan`` changes.

    Of those that have a ``stolen`` key the others do not count: that one goes whatever is uploaded
    beside it, and the write refuses the rest.
    """
    touched = set[tuple[str, Platform]]()
    for step in previewed.get("steps") or ():
        if _step(step) is None:
            continue
        for side in ("oldState", "newState"):  # a client may get another key
            part = part_of(step.get(side) or {})
            if part is not None:
                touched.add(part[:2])
    clients: dict[str, Any] = {}
    keys: dict[str, str] = {}
    for name, key, parts in _clients(plan, touched, platforms, stolen):
        clients[name], keys[name] = parts, key
    return {
        "version": _VERSION,
        "stack": stack,
        "settings": without(previewed.get("config") or {}, {f"{NAMESPACE}:{HANDED}"}),
        "steps": _steps(previewed),
        "clients": clients,
        "keys": keys,
    }


def save(approved: Approved, file: Path) -> None:
    """Write a review to a file, for ``acmidm deploy --approved``. Raises Failure."""
    try:
        write_named(file, json.dumps(approved, indent=1, sort_keys=True) + "\n")
    except OSError as error:
        raise Failure(
            tr(
                "{file} cannot be written: {reason}; name another file with --save",
                file=file,
                reason=error.strerror,
            )
        ) from None


def read_approved(file: Path, stack: str) -> Approved:
    """Read a review that was saved for ``stack``. Raises Failure."""
    remedy = tr(
        "save one with acmidm review --stack {stack} --save FILE, and have that approved",
        stack=stack,
    )
    try:
        document = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise Failure(
            tr(
                "{file} cannot be read: {reason}; {remedy}",
                file=file,
                reason=error.strerror,
                remedy=remedy,
            )
        ) from None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("version") != _VERSION:
        raise Failure(
            tr("{file} is no saved review of this version; {remedy}", file=file, remedy=remedy)
        )
    if document.get("stack") != stack:
        raise Failure(
            tr(
                "{file} is a review of stack {stack}; {remedy}",
                file=file,
                stack=plain(str(document.get("stack"))),
                remedy=remedy,
            )
        )
    if not _is_well_formed(document):
        raise Failure(tr("{file} is no whole review; {remedy}", file=file, remedy=remedy))
    return document


def unreadable(approved: Approved) -> dict[str, str]:
    """Return a sentence for each client that could not be read, so that nothing of it is
    approved."""
    sentences: dict[str, str] = {}
    for name, parts in approved["clients"].items():
        if parts and _UNREADABLE in parts:
            sentences[name] = tr(
                "client {client} could not be read at its authority: {error}",
                client=plain(name),
                error=plain(str(parts[_UNREADABLE]), WHOLE),
            )
    return sentences


def differences(approved: Approved, now: Approved) -> list[Deviation]:
    """Return each way in which what would run now is not what was approved."""
    deviations: list[Deviation] = []
    for setting in field_changes(approved["settings"], now["settings"]):
        change = _change_in_words(setting.field, setting.old, setting.new)
        deviations.append(Deviation(tr("setting {change}", change=change), None))
    deviations += _deviating_steps(approved["steps"], now["steps"])
    keys = {**approved["keys"], **now["keys"]}
    unread = {**unreadable(approved), **unreadable(now)}
    deviations += [Deviation(sentence, keys.get(name)) for name, sentence in unread.items()]
    deviations += _deviating_clients(approved["clients"], now["clients"], keys)
    return deviations


def not_approved(
    approved: Approved, previewed: Mapping[str, Any], but: Iterable[str]
) -> list[Deviation]:
    """Return each step of a second run that neither was approved nor goes on with one of the
    clients in ``but``."""
    going_on = tuple(f"{client}/" for client in but)
    steps: dict[str, Any] = {}
    for name, step in _steps(previewed).items():
        resource = name.split(" ", 2)[2]
        if not f"{resource}/".startswith(going_on):
            steps[name] = step
    return list(_deviating_steps(only(approved["steps"], steps), steps))


def _deviating_steps(approved: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Deviation]:
    """Yield each step that was not approved, would not be done, or does something else now."""
    for name, was, is_now in differing(_known_by_now(approved, now), now):
        if was is None:
            how = tr("was not reviewed")
        elif is_now is None:
            how = tr("was reviewed, and would not be done")
        else:
            how = _differing_in_words(was, is_now)
        yield Deviation(f"{plain(name)}: {how}", _key_in(name))


def _deviating_clients(
    approved: Mapping[str, Any], now: Mapping[str, Any], keys: Mapping[str, str]
) -> Iterator[Deviation]:
    """Yield each client that its authority has changed, got or lost since the review; none that one
    of the two lacks, or that could not be read. ``keys`` has its key by its name."""
    for name, was, is_now in differing(approved, now):
        is_known = name in approved and name in now
        if not is_known or _UNREADABLE in {**(was or {}), **(is_now or {})}:
            continue
        if was is None:
            how = tr("is there now")
        elif is_now is None:
            how = tr("is gone")
        else:
            how = tr("has other {fields}", fields=_differing_in_words(was, is_now))
        yield Deviation(
            tr(
                "client {client} was changed at its authority since the review: {how}",
                client=plain(name),
                how=how,
            ),
            keys.get(name),
        )


def _known_by_now(was: Any, is_now: Any) -> Any:
    """Return what was approved; a value that no preview knew then, such as a new client-ID, is as
    it is now."""
    if isinstance(was, str) and has_mark(was):
        return is_now
    if isinstance(was, Mapping) and isinstance(is_now, Mapping):
        return {name: _known_by_now(value, is_now.get(name)) for name, value in was.items()}
    return was


def _is_well_formed(document: Mapping[str, Any]) -> bool:
    """Return whether a saved review has all parts of an ``Approved``, each of the right type."""
    if not all(isinstance(document.get(part), dict) for part in ("settings", "keys")):
        return False
    for part in (document.get("steps"), document.get("clients")):
        if not isinstance(part, dict):
            return False
        if not all(isinstance(value, dict | None) for value in part.values()):
            return False
    return True


def urns_of(key: str, resources: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the URNs of the resources of a connection, among resources or steps; of a step the
    earlier URN too."""
    urns = set[str]()
    for step in resources:
        is_client = kind_of(step) or is_password(step)
        if is_client and client_of(step)[0] == key:
            urns.add(str(step["urn"]))
            urns.add(str((step.get("oldState") or step)["urn"]))
    return sorted(urns)


def _key_in(name: str) -> str | None:
    """Return the key of a step's connection; None where the step is about a resource of another
    program."""
    _, kind, resource = name.split(" ", 2)
    return "/".join(resource.split("/")[:2]) if kind else None


def _differing_in_words(was: Mapping[str, Any], is_now: Mapping[str, Any]) -> str:
    """Return the fields that differ, from what was reviewed to what is now."""
    changes: list[str] = []
    for change in field_changes(flat(was), flat(is_now)):
        old, new = change.values(LONGEST)
        changes.append(_change_in_words(plain(change.field), old, new))
    return ", ".join(changes)


def _change_in_words(field: str, old: str | None, new: str | None) -> str:
    return f"{field} {old or tr('none')} → {new or tr('none')}"


def _steps(previewed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what each step of a preview does, by its name; no step that does nothing."""
    steps = {}
    for step in previewed.get("steps") or ():
        content = _step(step)
        if content is not None:
            steps[_named(step)] = content
    return steps


def _step(step: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a step does; None where it does nothing.

    The engine has no operation for a protection that is lifted. A mail that another run has sent
    meanwhile stops nothing: nobody approves mails.
    """
    if kind_of(step) == HAND_OVER:
        return None
    was, becomes = (_resource(step.get(side) or {}) for side in ("oldState", "newState"))
    # An update of unchanged keys only records that their evidence counts.
    does_nothing = step["op"] in _NOTHING or (
        step["op"] == "update" and kind_of(step) == Resource.KEYS
    )
    if step["op"] == "refresh" or (does_nothing and was == becomes):
        return None
    return {"id": (step.get("oldState") or {}).get("id") or "", "was": was, "becomes": becomes}


def _resource(resource: Mapping[str, Any]) -> dict[str, Any]:
    options = dict.fromkeys(filter(resource.get, _OPTIONS), True)
    # Nobody approves since when a key is there, which is the time of the run, nor why a key stays.
    inputs = without(resource.get("inputs") or {}, (SINCE, REFUSED))
    return {"inputs": _without_secrets(inputs), **options}


def _without_secrets(value: Any) -> Any:
    """Return a value without what the engine marks as secret, encrypted or not, and without the
    name of its provider."""
    if isinstance(value, Mapping):
        if any(isinstance(name, str) and has_mark(name) for name in value):
            return _SECRET
        shown = {name: _without_secrets(part) for name, part in value.items()}
        if value.get("client_secret"):
            shown["client_secret"] = _SECRET
        return shown
    return [_without_secrets(part) for part in value] if isinstance(value, list) else value


def _named(step: Mapping[str, Any]) -> str:
    """``update ClientScopes OVO002067/loket``."""
    kind = _PASSWORD if is_password(step) else kind_of(step)
    op = "(un)protect" if step["op"] == "same" else step["op"]
    return f"{op} {kind} {step['urn'].rpartition('::')[2]}"


def _clients(
    plan: Plan,
    touched: Collection[tuple[str, Platform]],
    platforms: Connected,
    stolen: Collection[ClientKey],
) -> Iterator[tuple[str, str, Any]]:
    """Yield each ``touched`` client: its platform with its client-ID (or key, where it is new), its
    key, and what the authority has of it."""
    for old, new in plan.pairs:
        sides = list(filter(None, (old, new)))
        state = sides[-1]
        client_id = known_client_id(old, new)
        platform = platforms.get(state.platform)
        if platform is None or not any(side.client_key[:2] in touched for side in sides):
            continue
        try:
            client = _read_client(platform, client_id, sides, is_stolen=state.client_key in stolen)
        except AuthorityError as error:  # the other clients can be approved all the same
            client = {_UNREADABLE: str(error)}
        yield f"{state.platform} {client_id or state.key}", state.key, client


def _read_client(
    platform: ConnectedPlatform, client_id: str | None, sides: Sequence[Client], *, is_stolen: bool
) -> dict[str, Any] | None:
    """Read what an authority has of a client, which it finds by its natural key where nobody knows
    its client-ID; None where it has no such client. Raises AuthorityError."""
    if client_id:
        registered = platform.clients.get(client_id)
    else:
        key = sides[-1].fields.get("software_id")
        clients = platform.authority.clients()
        same = (client for client in clients if client.metadata.software_id == key)
        registered = next(same, None)
    if registered is None:
        return None
    # Where keys are left to the portal, an organisation may upload some after the review.
    has_keys = not is_stolen and any(side.keys.declared is not None for side in sides)
    products = set[str]().union(*(side.products for side in sides))
    state = platform.client(sides[-1].client_key, registered, products)
    scopes: dict[str, str] = {}
    for scope, grant in state.granted.items():
        scopes[scope] = "by default" if grant.default else "on request"
    keys: dict[str, str] = {}
    if has_keys and state.keys.declared:
        keys = {kid: key.digest for kid, key in state.keys.declared.items()}
    configured: dict[str, Any] = {}
    for name, product in state.products.items():
        configured[name] = {**flat(product.configuration), **asdict(product.owner)}
    return {
        "client": dict(state.fields),
        "secret set at": state.secret.updated_at or 0,
        "scopes": scopes,
        "keys": keys,
        "products": configured,
    }
