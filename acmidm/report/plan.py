"""What the engine is about to do: ``pulumi preview --json`` as clients before and after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from acmidm.engine.pulumi import ended_by_itself, problems_in
from acmidm.report.kinds import Change, Kind
from acmidm.words import evidence_in_words
from acmidm_onboarding.engine_resources import (
    CONFIRMED,
    KEEP,
    EngineResource,
    Resource,
    by_part,
    client_from,
    client_of,
    clients_in,
    environment_in,
    is_password,
    key_and_part,
    kind_of,
    mapping,
    part_of,
    resources_in,
)
from acmidm_onboarding.rules.gate import Withheld
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.client import Client, ClientKey, Clients
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.evidence import summary
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Environment

Step = tuple[str, EngineResource | None, EngineResource | None]
"""What the engine does with a resource, and the resource before and after."""
_Resources = dict[tuple[ClientKey, str], EngineResource]
_CHANGES = frozenset({"create", "update", "delete", "replace"})
_OF_CLIENT = frozenset({Resource.CLIENT, Resource.SCOPES, Resource.KEYS})
"""The parts that go with their client alone."""


def at_the_gate(
    held_back: Iterable[Withheld], proven: Iterable[Declaration]
) -> Iterator[tuple[Client, Change]]:
    """Yield what reports have of the gate: per client what it misses and what to do, or the
    evidence by which it passes."""
    for withheld in held_back:
        kind = Kind.UNPROVEN if withheld.is_declared else Kind.HELD_BACK
        kind = Kind.MANDATE_ENDED if withheld.lacks_mandate else kind
        yield from (
            (withheld.connection, Change(kind=kind, note=sentence)) for sentence in withheld.missing
        )
    for passed in proven:
        evidence = passed.test_evidence
        yield (
            passed,
            Change(
                kind=Kind.GATE_PASSED,
                note=evidence_in_words(summary(evidence)) if evidence else None,
            ),
        )


@dataclass(frozen=True)
class Plan:
    """A change of one environment: its clients before and after, whichever source has it."""

    environment: Environment
    before: Clients
    after: Clients
    problems: tuple[str, ...] = ()
    refused: frozenset[str] = frozenset()
    """The keys of the protected connections that the engine refuses to part with."""
    replaced: frozenset[ClientKey] = frozenset()
    renewed_secrets: frozenset[ClientKey] = frozenset()
    changed: Mapping[ClientKey, frozenset[str]] = field(default_factory=dict)
    """Per client the kinds of its resources that the engine changes."""
    is_known: bool = True
    """Whether it shows what changes: a preview whose program ended early, for a form with a
    mistake, say, shows nothing."""
    is_whole: bool = True
    """Whether it has the clients that do not change too."""
    config: Mapping[str, Any] = field(default_factory=dict)
    more: tuple[tuple[Client, Change], ...] = ()
    """What is reported beside what changes: of the gate to production, and of orders."""
    waiting: int = 0
    """How many others the gate holds back, which this change is not about."""


def read_plan(document: object, state: Mapping[str, Any] | None = None) -> Plan:
    """Read a preview's JSON; ``state`` is the stack's export, without which clients that do not
    change are not known.

    Raises:
        Failure: where it is no such document.
    """
    steps = document.get("steps") if isinstance(document, Mapping) else None
    if (
        not isinstance(document, Mapping)
        or not isinstance(steps, list)
        or not _is_well_formed(document, steps)
    ):
        raise Failure(say("report.plan.no_preview"))
    config = document.get("config") or {}
    resources = [resource for resource in resources_in(state or {}) if not resource.get("delete")]
    name = config.get("acmidm:environment")
    shown = [step.get(side) or {} for step in steps for side in ("newState", "oldState")]
    environment = (
        Environment(name) if name in list(Environment) else environment_in([*shown, *resources])
    )
    if environment is None:
        raise Failure(say("report.plan.no_environment"))
    problems, refused = problems_in(document.get("diagnostics"))
    ours = [(step["op"], step.get("oldState"), step.get("newState")) for step in steps]
    ours = [(op, old, new) for op, old, new in ours if part_of(new or old or {})]
    plan = _planned(
        ours,
        by_part(resources, environment),
        environment,
        has_state=state is not None,
        ends_early=bool(problems or refused),
    )
    return replace(
        plan,
        problems=problems,
        refused=refused,
        renewed_secrets=frozenset(
            (*client_of(step), environment)
            for step in steps
            if is_password(step) and step["op"] == "replace"
        ),
        config=config,
        is_known=not problems or shows_connections(document),
    )


def shows_connections(document: Mapping[str, Any]) -> bool:
    """Return whether a preview shows connections, and all that its program declares."""
    steps = document.get("steps") or ()
    return not ended_by_itself(document.get("diagnostics")) and any(
        kind_of(step) == Resource.ONBOARDING for step in steps
    )


def _planned(
    steps: Sequence[Step],
    recorded: _Resources,
    environment: Environment,
    *,
    has_state: bool,
    ends_early: bool,
) -> Plan:
    """Return the clients before and after the steps, over what is recorded.

    A preview that ends early shows no removals: what its program did not declare has no step at
    all.
    """
    before, moved = dict(recorded), dict[ClientKey, ClientKey]()
    for op, old, new in steps:
        if old:  # a refreshed resource replaces the recorded one
            client_key, part = key_and_part(old, environment)
            before[client_key, part] = (new or {}) if op == "refresh" else old
            if new and key_and_part(new, environment)[0] != client_key:
                moved[client_key] = key_and_part(new, environment)[0]
    before = {where: resource for where, resource in before.items() if resource}
    after = {
        (moved.get(client_key, client_key), part): resource
        for (client_key, part), resource in before.items()
    }
    removed, declared, shown, replaced = (
        set[ClientKey](),
        set[str](),
        set[ClientKey](),
        set[ClientKey](),
    )
    changed: dict[ClientKey, frozenset[str]] = {}
    for op, old, new in steps:
        client_key, part = key_and_part(new or old or {}, environment)
        if op == "delete":
            client_key = moved.get(client_key, client_key)
            after.pop((client_key, part), None)
            removed |= {client_key} if part in _OF_CLIENT else set()
        elif op != "refresh" and new:
            after[client_key, part] = new
            declared |= {client_key[0]} if part == Resource.ONBOARDING else set()
        shown |= {client_key} if part == Resource.CLIENT else set()
        replaced |= {client_key} if part == Resource.CLIENT and op == "replace" else set()
        if op in _CHANGES and not _nothing_to_say(part, old, new):
            changed[client_key] = changed.get(client_key, frozenset()) | {part.partition("/")[0]}
    if declared and ends_early and has_state:
        declared |= {client_key[0] for client_key in moved.values()}
        removed |= {client_key for client_key, _ in after if client_key[0] not in declared}
    sides = [_whole(side, None if has_state else shown) for side in (before, after)]
    former = {new: old[0] for old, new in moved.items()}
    states = {
        client_key: replace(state, formerly=(former[client_key],))
        if client_key in former
        else state
        for client_key, state in sides[1].items()
    }
    states = {
        client_key: state for client_key, state in states.items() if client_key not in removed
    }
    added = [
        state
        for client_key, state in states.items()
        if client_key not in former and client_key not in sides[0]
    ]
    adopted = {
        state.client_key: client
        for state in added
        if state.adopts and (client := _before_adoption(state, after))
    }
    return Plan(
        environment,
        sides[0] | adopted,
        states,
        replaced=frozenset(replaced),
        changed=changed,
        is_whole=has_state
        or any(
            op == "same" and kind_of(new or old or {}) == Resource.ONBOARDING
            for op, old, new in steps
        ),
    )


def _whole(resources: _Resources, shown: set[ClientKey] | None) -> dict[ClientKey, Client]:
    """Return the clients that resources make together, without those of which only parts are there.

    A preview alone shows only the parts that change: there a client that is not ``shown`` counts as
    whole.
    """
    whole = {client_key for client_key, part in resources if part == Resource.CLIENT}
    return {
        client_key: client
        for client_key, client in clients_in(resources).items()
        if client_key in whole or (shown is not None and client_key not in shown)
    }


def _nothing_to_say(part: str, old: EngineResource | None, new: EngineResource | None) -> bool:
    """Return whether all that changes is a record of a run's, and nothing at an authority."""
    records = {
        Resource.CLIENT.value: ("keys_declared", KEEP, CONFIRMED),
        Resource.PRODUCT.value: (KEEP,),
        Resource.KEYS.value: ("since", "refused", KEEP),
        Resource.SCOPES.value: ("catalogue_names", KEEP),
        Resource.ONBOARDING.value: ("withdrawn",),
    }.get(part.partition("/")[0], ())
    sides = [
        {
            name: value
            for name, value in mapping((side or {}).get("inputs")).items()
            if name not in records
        }
        for side in (old, new)
    ]
    return bool(records and old and new) and sides[0] == sides[1]


def _before_adoption(after: Client, resources: _Resources) -> Client | None:
    """Return the client that is taken over as it was: its resources' ``adopt.before``; None where
    none is, or its take-over is refused."""
    inputs = {
        part: mapping(resource.get("inputs"))
        for (key, part), resource in resources.items()
        if key == after.client_key
    }
    seen = {
        part: {"inputs": before}
        for part, own in inputs.items()
        if (before := mapping(mapping(own.get("adopt")).get("before")))
    }
    if Resource.CLIENT not in seen:
        return None
    state = client_from(after.client_key, seen, {})
    products = {product: fields for product, fields in state.products.items() if fields}
    scopes = (
        None
        if state.scopes is None
        else {scope: replace(grant, reason=None) for scope, grant in state.scopes.items()}
    )
    return replace(
        state,
        client_id=after.adopts,
        foreign=True,
        protected=None,
        scopes=scopes,
        products=products,
        urns={},
    )


def _is_well_formed(document: Mapping[str, Any], steps: Iterable[object]) -> bool:
    """Return whether all that is read is of the kind that the engine writes."""
    return isinstance(document.get("config") or {}, Mapping) and all(
        isinstance(step, Mapping)
        and all(isinstance(step.get(name), str) for name in ("op", "urn"))
        and all(isinstance(step.get(name) or {}, Mapping) for name in ("oldState", "newState"))
        for step in steps
    )
