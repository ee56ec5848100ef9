"""What a stack's state has of each connection, read with the engine while a program or a command
runs.

The state is read and not the outputs, which any program may write as it likes. Nothing is decrypted
and no lock is needed: a run reads its own stack as it was before the run. One read costs about 0.2
s, and happens only on request.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any

from acmidm_onboarding import installed
from acmidm_onboarding.engine_resources import (
    HAND_OVER,
    EngineResource,
    Resource,
    by_part,
    clients_in,
    environment_in,
    generations_in,
    handed_over_in,
    is_stack,
    kind_of,
    mapping,
    name_of,
    outputs_of,
    part_of,
    resources_in,
)
from acmidm_onboarding.rules.mistaken import Ending
from acmidm_onboarding.values.client import Client, Clients
from acmidm_onboarding.values.hand_over_outcome import record_name
from acmidm_onboarding.values.problems import Failure, on_one_line, quoted
from acmidm_onboarding.values.terms import Environment, Platform

VERSION = "acmidm_onboarding"
"""The output of a component that says which version of this package declared it last."""
_SECONDS = 60
"""How long the engine may take to read a state for a program."""


class UnreadableState(Failure):
    """A state that could not be read, and why."""

    exit_code = 3


class MissingStack(UnreadableState):
    """There is no such stack."""


@dataclass(frozen=True)
class Recorded:
    """What a state has."""

    parts: Mapping[str, Client]
    """By resource name (``OVO002067/mijn-gent``, ``…/geosecure``); also parts without a client,
    which a rename that failed has left."""
    leaving: tuple[Client, ...] = ()
    """Clients marked for deletion: the next ``up`` removes them."""
    cut_off: tuple[str, ...] = ()
    """The URNs of the resources that a run was working on when it was cut off."""

    @cached_property
    def clients(self) -> Clients:
        return {client.client_key: client for client in self.parts.values() if client.client_id}


@dataclass(frozen=True)
class AsRecorded:
    """A connection that a run declares as the state has it, whatever its form says."""

    key: str
    resources: Sequence[EngineResource]
    """The component, and all that is below it, each after what it is below."""
    ending: Mapping[Platform, Ending] = field(default_factory=dict)
    """What ends of its clients all the same."""
    is_without_client: bool = False
    """Whether its client is gone, so that nothing of it is protected any more."""


def onboardings_in(document: Mapping[str, Any]) -> dict[str, list[EngineResource]]:
    """Return per key of a connection its component and all that is below it, in the order of the
    state; without what is marked for deletion."""
    onboardings, keys = defaultdict[str, list[EngineResource]](list), dict[str, str]()
    for resource in resources_in(document):
        if resource.get("delete"):
            continue
        is_component = kind_of(resource) == Resource.ONBOARDING
        key = name_of(resource) if is_component else keys.get(str(resource.get("parent")))
        if key is not None:
            keys[str(resource.get("urn"))] = key
            onboardings[key].append(resource)
    return onboardings


def recorded_in(document: Mapping[str, Any], environment: Environment | None = None) -> Recorded:
    """Return what an export of a state has. ``environment`` is the stack's; None: that of the
    clients in it."""
    resources = resources_in(document)
    environment = environment or environment_in(resources) or Environment.TNI
    pending = mapping(document.get("deployment")).get("pending_operations") or ()
    deleted = [resource for resource in resources if resource.get("delete")]
    kept = [resource for resource in resources if not resource.get("delete")]
    staying = clients_in(by_part(kept, environment))
    leaving = clients_in(by_part(deleted, environment))
    generations = dict(generations_in(resources))
    hand_over = handed_over_in(resources)
    parts = {}
    for client_key, client in staying.items():
        handed_over = hand_over.get(record_name(client.platform, client.client_id))
        parts[client.resource_name] = replace(
            client,
            secret=replace(client.secret, generation=generations.get(client_key[:2])),
            record=replace(client.record, handed_over=handed_over),
        )
    cut_off = []
    for operation in pending:
        resource = mapping(operation.get("resource"))
        if part_of(resource):
            cut_off.append(str(resource.get("urn")))
    whole = tuple(client for client in leaving.values() if client.client_id)
    return Recorded(parts, whole, tuple(cut_off))


def require_not_older(stack: str, document: Mapping[str, Any]) -> None:
    """Refuse an export of a stack's state that a later version of this package wrote.

    Components have the version among their outputs, which no preview shows as a change. The outputs
    of the stack are the program's own, and those of a run that fails half-way are not all there.

    Raises:
        OtherVersion
    """
    written = []
    for resource in resources_in(document):
        version = outputs_of(resource).get(VERSION)
        if kind_of(resource) == Resource.ONBOARDING and isinstance(version, str):
            written.append(version)
    installed.require_not_older(stack, installed.newest(written))


def version_of(document: Mapping[str, Any]) -> str:
    """Return what tells an export of a state from an earlier one: a digest of its resources.

    The stack itself does not count: the engine may write it before a run's program begins.
    """
    resources = [resource for resource in resources_in(document) if not is_stack(resource)]
    return hashlib.sha256(json.dumps(resources, sort_keys=True).encode()).hexdigest()


@cache
def recorded(stack: str) -> Recorded | None:
    """Return what a stack's state has; read once per process.

    None where there is no such stack, or where its state cannot be read: ``unreadable`` has the
    reason.
    """
    state = _read(stack)
    return None if isinstance(state, UnreadableState) else recorded_in(state)


def unreadable(stack: str) -> str | None:
    """Return why the state of a stack cannot be read, None where it can."""
    reason = _read(stack)
    return str(reason) if isinstance(reason, UnreadableState) else None


def is_missing(stack: str) -> bool:
    """Return whether there is no such stack."""
    return isinstance(_read(stack), MissingStack)


def handed_over(stack: str) -> Mapping[str, Any]:
    """Return the outputs of the resource ``HandOver`` in a stack's state; none where the state has
    no such resource, or cannot be read."""
    state = _read(stack)
    if isinstance(state, UnreadableState):
        return {}
    outputs: Mapping[str, Any] = {}
    for resource in resources_in(state):
        if kind_of(resource) == HAND_OVER:
            outputs = outputs_of(resource)
    return outputs


def own_state(stack: str) -> Mapping[str, Any]:
    """Return the export of the state of the stack that the engine runs the program for.

    Raises:
        UnreadableState: where it cannot be read: whoever decides by it must not go on as if it were
        empty.
    """
    state = _read(stack)
    if isinstance(state, UnreadableState):
        raise UnreadableState(
            "the state of this stack cannot be read, so that nobody knows what is in production:"
            f" {state}; run this again"
        )
    return state


def full_name(stack: str) -> str:
    """Return the full name of a stack of the program's own project and organisation, by which the
    engine finds it from anywhere."""
    import pulumi

    organisation = pulumi.get_organization()
    if "/" in stack or not organisation:
        return stack
    return f"{organisation}/{pulumi.get_project()}/{stack}"


def state_in(exported: str) -> Mapping[str, Any]:
    """Return the document in what ``pulumi stack export`` printed. Raises UnreadableState where
    that is no JSON object."""
    with suppress(ValueError):
        document = json.loads(exported)
        if isinstance(document, Mapping):
            return document
    raise UnreadableState("what the engine exports is no state")


@cache
def _read(stack: str) -> Mapping[str, Any] | UnreadableState:
    """Return the export of a stack's state, or why it cannot be read; read once per process."""
    try:
        return state_in(_exported(stack))
    except UnreadableState as error:
        return error


def _exported(stack: str) -> str:
    """Return the engine's export of a stack's state. Raises UnreadableState, or MissingStack where
    there is no such stack."""
    try:
        done = subprocess.run(
            ["pulumi", "stack", "export", "--non-interactive", "--stack", stack],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise UnreadableState("pulumi is not on PATH") from None
    except subprocess.TimeoutExpired:
        raise UnreadableState(f"the engine took more than {_SECONDS} s") from None
    if done.returncode == 0:
        return done.stdout
    reason = done.stderr.strip().rpartition("\n")[2].removeprefix("error: ")
    if reason.startswith("no stack named"):
        raise MissingStack(f"there is no stack {quoted(stack)}")
    raise UnreadableState(on_one_line(reason or "the engine said nothing"))
