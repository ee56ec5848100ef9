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
from acmidm.words import WHOLE, plain
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
"""Plain data, as it is saved::

    {"version": 1, "stack": "tni", "settings": {"acmidm:environment": "tni"},
     "steps": {"update ClientScopes OVO002067/loket": {"id": …, "was": …, "becomes": …}},
     "clients": {"acmidm 8b1f…": {"scopes": …}},  # None of one that its authority has not
     "keys": {"acmidm 8b1f…": "OVO002067/loket"}}
"""

_VERSION = 1
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
    """Return what would run now: the steps of a preview's JSON, and what the authorities have of
    the clients that ``plan`` changes.

    Of the clients in ``stolen`` no public keys are approved: the stolen key goes whatever else is
    uploaded, and the write refuses the rest.
    """
    steps: dict[str, Any] = {}
    touched = set[tuple[str, Platform]]()
    for step, content in _steps_to_approve(previewed):
        steps[_step_name(step)] = content
        for side in ("oldState", "newState"):  # the connection's key differs where it is renamed
            part = part_of(step.get(side) or {})
            if part is not None:
                key, platform, _ = part
                touched.add((key, platform))
    clients: dict[str, Any] = {}
    keys: dict[str, str] = {}
    for name, key, at_authority in _read_clients(plan, touched, platforms, stolen):
        clients[name], keys[name] = at_authority, key
    return {
        "version": _VERSION,
        "stack": stack,
        "settings": without(previewed.get("config") or {}, {f"{NAMESPACE}:{HANDED}"}),
        "steps": steps,
        "clients": clients,
        "keys": keys,
    }


def save_review(approved: Approved, file: Path) -> None:
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
    """Read a review that was saved for ``stack``.

    Raises:
        Failure: where the file cannot be read, or is no saved review of this version and stack.
    """
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


def unread_clients(approved: Approved) -> dict[str, str]:
    """Return a sentence for each client that could not be read, so that nothing of it is approved,
    as {"acmidm 8b1f…": "client acmidm 8b1f… could not be read at its authority: …"}."""
    sentences: dict[str, str] = {}
    for name, at_authority in approved["clients"].items():
        if at_authority and _UNREADABLE in at_authority:
            sentences[name] = tr(
                "client {client} could not be read at its authority: {error}",
                client=plain(name),
                error=plain(str(at_authority[_UNREADABLE]), WHOLE),
            )
    return sentences


def deviations_between(approved: Approved, now: Approved) -> list[Deviation]:
    """Return each way in which what would run ``now`` is not what was approved: settings, steps,
    clients that could not be read then or now, and clients that changed at their authority."""
    deviations = [
        Deviation(tr("setting {change}", change=setting.in_words()), None)
        for setting in field_changes(approved["settings"], now["settings"])
    ]
    deviations += _deviating_steps(approved["steps"], now["steps"])
    keys = {**approved["keys"], **now["keys"]}
    unread = {**unread_clients(approved), **unread_clients(now)}
    deviations += [Deviation(sentence, keys.get(name)) for name, sentence in unread.items()]
    deviations += _deviating_clients(approved["clients"], now["clients"], keys)
    return deviations


def unapproved_steps(
    approved: Approved, previewed: Mapping[str, Any], excepted: Iterable[str]
) -> list[Deviation]:
    """Return each step of a second run that was not approved; no step of the clients ``excepted``,
    such as ``OVO002067/loket``: with those that run goes on where the first one stopped, or it
    leaves them out."""
    of_excepted = tuple(f"{client}/" for client in excepted)
    steps: dict[str, Any] = {}
    for step, content in _steps_to_approve(previewed):
        name = _step_name(step)
        resource = name.split(" ", 2)[2]
        if not f"{resource}/".startswith(of_excepted):
            steps[name] = content
    # An approved step that the second run has not was done by the first.
    return list(_deviating_steps(only(approved["steps"], steps), steps))


def _deviating_steps(approved: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Deviation]:
    """Yield each step that was not approved, would not be done, or does something else now. Both
    are the ``steps`` of an ``Approved``."""
    for name, was, is_now in differing(_with_ids_known_now(approved, now), now):
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
    """Yield each client that was changed, made or removed at its authority since the review.

    Both are the ``clients`` of an ``Approved``, and ``keys`` are the keys of their connections. A
    client that only one of the two names is shown by its steps; one that could not be read, by
    ``unread_clients``.
    """
    for name, was, is_now in differing(approved, now):
        is_in_both = name in approved and name in now
        if not is_in_both or _UNREADABLE in {**(was or {}), **(is_now or {})}:
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


def _with_ids_known_now(approved: Any, now: Any) -> Any:
    """Return what was approved, with the present value where the engine had only a mark then: no
    preview knows a client-ID before its client is made."""
    if isinstance(approved, str) and has_mark(approved):
        return now
    if isinstance(approved, Mapping) and isinstance(now, Mapping):
        return {name: _with_ids_known_now(value, now.get(name)) for name, value in approved.items()}
    return approved


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
    """Return the URNs of a connection's resources, among the resources of a state or the steps of a
    preview; of a step that renames a resource both URNs."""
    urns = set[str]()
    for resource in resources:
        is_of_client = kind_of(resource) or is_password(resource)
        if is_of_client and client_of(resource)[0] == key:
            urns.add(str(resource["urn"]))
            urns.add(str((resource.get("oldState") or resource)["urn"]))
    return sorted(urns)


def _key_in(name: str) -> str | None:
    """Return the key in a step's name, ``OVO002067/loket`` of ``update ClientScopes
    OVO002067/loket``; None where the step has no kind, for the resource is no type of ours."""
    _, kind, resource = name.split(" ", 2)
    return "/".join(resource.split("/")[:2]) if kind else None


def _differing_in_words(was: Mapping[str, Any], is_now: Mapping[str, Any]) -> str:
    """Return ``becomes.inputs.scopes.dv_kbo SD-4711 → SD-4820``, for each field that differs."""
    return ", ".join(change.in_words() for change in field_changes(flat(was), flat(is_now)))


def _steps_to_approve(
    previewed: Mapping[str, Any],
) -> Iterator[tuple[Mapping[str, Any], dict[str, Any]]]:
    """Yield each step in a preview's JSON that somebody has to approve, and what it does."""
    for step in previewed.get("steps") or ():
        content = _content_of_step(step)
        if content is not None:
            yield step, content


def _content_of_step(step: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a step of the engine does, as {"id": …, "was": …, "becomes": …}; None where
    nobody has to approve it."""
    if kind_of(step) == HAND_OVER:  # a mail, which another run may have sent meanwhile
        return None
    if step["op"] == "refresh":
        return None
    was, becomes = (_approved_resource(step.get(side) or {}) for side in ("oldState", "newState"))
    # An update of unchanged keys only records that their evidence counts. The engine has no
    # operation for a protection that is lifted: then a "same" step differs.
    may_do_nothing = step["op"] == "same" or (
        step["op"] == "update" and kind_of(step) == Resource.KEYS
    )
    if may_do_nothing and was == becomes:
        return None
    return {"id": (step.get("oldState") or {}).get("id") or "", "was": was, "becomes": becomes}


def _approved_resource(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is approved of a resource, as {"inputs": {…}, "protect": True}: inputs without
    secrets, and the options that are set."""
    options = dict.fromkeys(filter(resource.get, _OPTIONS), True)
    # Nobody approves since when a key is there, which is the time of the run, nor why a key stays.
    inputs = without(resource.get("inputs") or {}, (SINCE, REFUSED))
    return {"inputs": _without_secrets(inputs), **options}


def _without_secrets(value: Any) -> Any:
    """Return a value in which ``[secret]`` stands for what the engine marks as secret, encrypted or
    not, and for each client secret."""
    if isinstance(value, Mapping):
        if any(isinstance(name, str) and has_mark(name) for name in value):
            return _SECRET
        shown = {name: _without_secrets(part) for name, part in value.items()}
        if value.get("client_secret"):
            shown["client_secret"] = _SECRET
        return shown
    return [_without_secrets(part) for part in value] if isinstance(value, list) else value


def _step_name(step: Mapping[str, Any]) -> str:
    """Return ``update ClientScopes OVO002067/loket``."""
    kind = _PASSWORD if is_password(step) else kind_of(step)
    op = "(un)protect" if step["op"] == "same" else step["op"]
    return f"{op} {kind} {step['urn'].rpartition('::')[2]}"


def _read_clients(
    plan: Plan,
    touched: Collection[tuple[str, Platform]],
    platforms: Connected,
    stolen: Collection[ClientKey],
) -> Iterator[tuple[str, str, Any]]:
    """Yield the name, the key and the content of each client of the plan whose key and platform are
    ``touched``: ``acmidm 8b1f…`` (its key instead of a client-ID where it is new),
    ``OVO002067/loket``, and what ``_read_client`` returns, or {"unreadable": …}."""
    for old, new in plan.pairs:
        views = list(filter(None, (old, new)))
        latest = views[-1]
        client_id = known_client_id(old, new)
        platform = platforms.get(latest.platform)
        if platform is None or not any((view.key, view.platform) in touched for view in views):
            continue
        try:
            client = _read_client(platform, client_id, views, is_stolen=latest.client_key in stolen)
        except AuthorityError as error:  # the other clients can be approved all the same
            client = {_UNREADABLE: str(error)}
        yield f"{latest.platform} {client_id or latest.key}", latest.key, client


def _read_client(
    platform: ConnectedPlatform, client_id: str | None, views: Sequence[Client], *, is_stolen: bool
) -> dict[str, Any] | None:
    """Read what an authority has of a client that the plan has in these ``views``, before and
    after; None where the authority has no such client.

    A client whose client-ID nobody knows yet is found by its natural key, ``software_id``.

    Raises:
        AuthorityError: where the authority does not answer.
    """
    if client_id:
        registered = platform.clients.get(client_id)
    else:
        key = views[-1].fields.get("software_id")
        clients = platform.authority.clients()
        same = (client for client in clients if client.metadata.software_id == key)
        registered = next(same, None)
    if registered is None:
        return None
    # Where keys are left to the portal, an organisation may upload some after the review.
    has_keys = not is_stolen and any(view.keys.declared is not None for view in views)
    products = set[str]().union(*(view.products for view in views))
    state = platform.client(views[-1].client_key, registered, products)
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
