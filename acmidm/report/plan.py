"""What the engine has: ``pulumi stack export`` as clients, and ``pulumi preview --json`` as clients before and after."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from acmidm.report.client import (
    ClientState,
    EngineResource,
    Place,
    States,
    before_adoption,
    kind_of,
    part_of,
    resource_state,
    states_in,
    states_of_parts,
)
from acmidm.report.kinds import Resource
from components.model.form import Environment, Platform
from components.model.problems import Failure

_PASSWORD = "RandomPassword"
_CHANGES = frozenset({"create", "update", "delete", "replace"})
_OF_CLIENT = frozenset({Resource.CLIENT, Resource.SCOPES, Resource.KEYS})
"""The parts that go with their client alone."""
_CLASS = re.compile(r"^(?:\w+\.)*[A-Z]\w+: ")
"""The exception's class, which the engine puts before a sentence."""
_ATTEMPTS = re.compile(r" \(tried .*?\)")
_SAYS_NOTHING = ("preview failed", "update failed", "an unhandled error occurred", "Resource monitor has terminated")
_PROTECTED = re.compile(r"unable to replace|cannot be deleted\s+because it is protected")


class NotAPlan(Failure):
    """What is no output of ``pulumi preview --json``, as a sentence."""


@dataclass(frozen=True)
class Plan:
    """A change of one environment: its clients before and after, whichever source has it."""

    environment: Environment
    before: States
    after: States
    problems: tuple[str, ...] = ()
    refused: frozenset[str] = frozenset()
    """The keys of the protected connections that the engine refuses to part with."""
    replaced: frozenset[Place] = frozenset()
    renewed_secrets: frozenset[Place] = frozenset()
    changed: Mapping[Place, frozenset[str]] = field(default_factory=dict)
    """Per client the kinds of its resources that the engine changes."""
    is_whole: bool = True
    """Whether it has the clients that do not change too."""
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recorded:
    """What the state has."""

    states: States
    leaving: tuple[ClientState, ...] = ()
    """Clients marked for deletion: the next ``up`` removes them."""
    cut_off: tuple[str, ...] = ()
    """The URNs of the resources that a run was working on when it was cut off."""


def recorded_in(document: Mapping[str, Any], environment: Environment | None = None) -> Recorded:
    """Read an export of the state; ``environment`` is the stack's, where it is known."""
    deployment = document.get("deployment") or {}
    resources = deployment.get("resources") or []
    environment = environment or _environment(resources) or Environment.TNI
    pending = [operation.get("resource") or {} for operation in deployment.get("pending_operations") or []]
    leaving = states_in((resource for resource in resources if resource.get("delete")), environment)
    return Recorded(
        states=states_in((resource for resource in resources if not resource.get("delete")), environment),
        leaving=tuple(leaving.values()),
        cut_off=tuple(str(resource.get("urn")) for resource in pending if part_of(resource)),
    )


def read_plan(document: object, state: Mapping[str, Any] | None = None) -> Plan:
    """Read a preview's JSON; ``state`` is the stack's export, without which clients that do not change are not known.

    Raises:
        NotAPlan: where it is no such document.
    """
    steps = document.get("steps") if isinstance(document, Mapping) else None
    if not isinstance(document, Mapping) or not isinstance(steps, list) or not _is_well_formed(document, steps):
        raise NotAPlan("this is not the output of pulumi preview --json; make it with: pulumi preview --json > plan.json")
    config = document.get("config") or {}
    resources = [resource for resource in ((state or {}).get("deployment") or {}).get("resources") or [] if not resource.get("delete")]
    said = config.get("acmidm:environment")
    shown = [step.get(side) or {} for step in steps for side in ("newState", "oldState")]
    environment = Environment(said) if said in list(Environment) else _environment([*shown, *resources])
    if environment is None:
        raise NotAPlan("the preview does not have its environment; make it in this project, with pulumi preview --json")
    problems, refused = problems_in(document.get("diagnostics"))
    sides = _Sides(environment, resources, is_whole=state is not None)
    sides.take(steps, is_cut_short=bool(problems or refused))
    before, after = sides.states()
    return Plan(
        environment=environment,
        before=before,
        after=after,
        problems=problems,
        refused=refused,
        replaced=frozenset(sides.replaced),
        renewed_secrets=frozenset(_clients_of_passwords(steps, environment)),
        changed={place: frozenset(kinds) for place, kinds in sides.changed.items()},
        is_whole=state is not None or any(step["op"] == "same" and kind_of(step) == Resource.ONBOARDING for step in steps),
        config=config,
    )


class _Sides:
    """The resources before and after, by client and part: what the state has, and over it what the steps show."""

    def __init__(self, environment: Environment, resources: Iterable[EngineResource], *, is_whole: bool) -> None:
        self._environment = environment
        self._is_whole = is_whole
        self._before: dict[Place, dict[str, EngineResource]] = defaultdict(dict)
        self._after: dict[Place, dict[str, EngineResource]] = defaultdict(dict)
        self._former: dict[Place, Place] = {}
        """Per client its earlier place, where ``formerly`` moved it."""
        self._removed: set[Place] = set()
        self._shows_client: set[Place] = set()
        self.replaced: set[Place] = set()
        self.changed: dict[Place, set[str]] = defaultdict(set)
        for resource in resources:
            if part_of(resource):
                place, part = self._where(resource)
                self._before[place][part] = resource

    def take(self, steps: Iterable[Mapping[str, Any]], *, is_cut_short: bool) -> None:
        """Take the steps. A preview that ends in a refusal shows no removals: what its program did not declare has no step at all."""
        ours = [(step["op"], step.get("oldState"), step.get("newState")) for step in steps]
        ours = [(op, old, new) for op, old, new in ours if part_of(new or old or {})]
        self._take_before(ours)
        moved = {old: new for new, old in self._former.items()}
        for place, parts in self._before.items():
            self._after[moved.get(place, place)] |= parts
        declared: set[str] = set()
        for op, old, new in ours:
            place, part = self._where(new or old or {})
            if op == "delete":
                place = moved.get(place, place)
                self._after[place].pop(part, None)
                self._removed |= {place} if part in _OF_CLIENT else set()
            elif op != "refresh" and new:
                self._after[place][part] = new
                declared |= {place[0]} if part == Resource.ONBOARDING else set()
            self._shows_client |= {place} if part == Resource.CLIENT else set()
            self.replaced |= {place} if part == Resource.CLIENT and op == "replace" else set()
            if op in _CHANGES:
                self.changed[place].add(part.partition("/")[0])
        if declared and is_cut_short and self._is_whole:
            self._removed |= {place for place in self._after if place[0] not in declared | {new[0] for new in self._former}}

    def _take_before(self, steps: Iterable[tuple[str, EngineResource | None, EngineResource | None]]) -> None:
        """What a refresh found takes the place of what is recorded."""
        for op, old, new in steps:
            if old:
                place, part = self._where(old)
                self._before[place].pop(part, None)
                if found := new if op == "refresh" else old:
                    self._before[place][part] = found
                if new and self._where(new)[0] != place:
                    self._former[self._where(new)[0]] = place

    def states(self) -> tuple[dict[Place, ClientState], dict[Place, ClientState]]:
        """The clients that are there; without the state also those of which a preview shows some parts alone."""
        before, after = states_of_parts(self._before), states_of_parts(self._after)
        for states, clients in ((before, self._before), (after, self._after)):
            for place, parts in clients.items() if not self._is_whole else ():
                if place not in states and place not in self._shows_client and parts.keys() - {Resource.ONBOARDING}:
                    states[place] = resource_state(place, parts)
        after = {place: state for place, state in after.items() if place not in self._removed}
        for place, state in after.items():
            if place in self._former:
                after[place] = replace(state, formerly=(self._former[place][0],))
            elif place not in before and (found := before_adoption(state, self._after[place])):
                before[place] = found
        return before, after

    def _where(self, resource: EngineResource) -> tuple[Place, str]:
        key, platform, part = part_of(resource) or ("", Platform.ACMIDM, "")
        return (key, platform, self._environment), part


def problems_in(diagnostics: object) -> tuple[tuple[str, ...], frozenset[str]]:
    """What the engine reports, a sentence each, without the names of exceptions; and the keys whose protection it meets."""
    found: dict[str, str] = {}
    refused: set[str] = set()
    for diagnostic in diagnostics if isinstance(diagnostics, list) else []:
        if not isinstance(diagnostic, Mapping) or diagnostic.get("severity") != "error":
            continue
        urn, message = str(diagnostic.get("urn", "")), str(diagnostic.get("message", "")).strip()
        if _PROTECTED.search(message):
            refused.add("/".join(urn.rpartition("::")[2].split("/")[:2]))
            continue
        sentence = message.split("\n\n")[-1].strip().removeprefix("error: ").removeprefix("Preview failed: ")
        sentence = _CLASS.sub("", sentence)
        if sentence and not sentence.startswith(_SAYS_NOTHING):
            found.setdefault(_ATTEMPTS.sub("", sentence), sentence)
    return tuple(found.values()), frozenset(refused)


def sentences_in(output: str) -> tuple[str, ...]:
    """The errors in what an ``up`` wrote, a sentence each."""
    lines = [line.strip() for line in output.splitlines()]
    return problems_in([{"severity": "error", "message": line} for line in lines if line.startswith("error: ")])[0]


def _is_well_formed(document: Mapping[str, Any], steps: Iterable[object]) -> bool:
    """Whether all that is read is of the kind that the engine writes."""
    return isinstance(document.get("config") or {}, Mapping) and all(
        isinstance(step, Mapping)
        and all(isinstance(step.get(name), str) for name in ("op", "urn"))
        and all(isinstance(step.get(name) or {}, Mapping) for name in ("oldState", "newState"))
        for step in steps
    )


def _clients_of_passwords(steps: Iterable[Mapping[str, Any]], environment: Environment) -> Iterable[Place]:
    """The clients whose secret is made anew: a password has the name of its client."""
    for step in steps:
        if kind_of(step) == _PASSWORD and step["op"] == "replace":
            *key, last = step["urn"].rpartition("::")[2].split("/")
            platform = Platform.GEOSECURE if last == Platform.GEOSECURE else Platform.ACMIDM
            yield "/".join(key if platform is Platform.GEOSECURE else [*key, last]), platform, environment


def _environment(resources: Iterable[EngineResource]) -> Environment | None:
    for resource in resources:
        parts = str((resource.get("inputs") or {}).get("software_id", "")).split("/")
        if len(parts) > 2 and parts[1] in list(Environment):
            return Environment(parts[1])
    return None
