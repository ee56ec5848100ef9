"""What the engine is about to do: ``pulumi preview --json`` as clients before and after."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple

from acmidm.engine.pulumi import ended_by_itself, problems_in
from acmidm.report.compare import paired
from acmidm.report.kinds import Change, Kind
from acmidm.words import evidence_in_words
from acmidm_onboarding.engine_resources import (
    CONFIRMED,
    KEEP,
    REFUSED,
    SINCE,
    EngineResource,
    Resource,
    by_part,
    client_from,
    client_of,
    clients_in,
    environment_in,
    inputs_of,
    is_password,
    key_and_part,
    kind_of,
    kind_of_part,
    mapping,
    part_of,
    resources_in,
)
from acmidm_onboarding.rules.gate import Withheld
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.client import Client, ClientKey, Clients
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.evidence import summary
from acmidm_onboarding.values.plain import without
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Environment

Step = tuple[str, EngineResource | None, EngineResource | None]
"""What the engine does with a resource, such as ``update``, and the resource before and after."""
_Resources = dict[tuple[ClientKey, str], EngineResource]
"""By client and part, such as ``ProductConfiguration/dosis``."""
_CHANGES = frozenset({"create", "update", "delete", "replace"})
_OF_CLIENT = frozenset({Resource.CLIENT, Resource.SCOPES, Resource.KEYS})
"""The parts that are removed only together with their client."""


def at_the_gate(
    held_back: Iterable[Withheld], proven: Iterable[Declaration]
) -> Iterator[tuple[Client, Change]]:
    """Yield what reports say of the gate to production: of each client that is ``held_back`` a
    change per requirement that it misses, and of each that is ``proven`` its evidence."""
    for withheld in held_back:
        kind = Kind.UNPROVEN if withheld.is_declared else Kind.HELD_BACK
        if withheld.lacks_mandate:
            kind = Kind.MANDATE_ENDED
        for sentence in withheld.missing:
            yield withheld.connection, Change(kind=kind, note=sentence)
    for passed in proven:
        evidence = passed.test_evidence_file.evidence
        note = evidence_in_words(summary(evidence)) if evidence else None
        yield passed, Change(kind=Kind.GATE_PASSED, note=note)


@dataclass(frozen=True)
class Plan:
    """What changes in one environment: its clients before and after, by a preview of the engine or
    by the forms at two revisions."""

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
    """The settings that a preview was made with, as {"acmidm:environment": "tni"}."""
    extra_changes: tuple[tuple[Client, Change], ...] = ()
    """What is reported beside what changes: of the gate to production, and of orders."""
    waiting: int = 0
    """How many connections the gate holds back that this change is not about."""

    @cached_property
    def pairs(self) -> Sequence[tuple[Client | None, Client | None]]:
        """Each client before and after, None where it is not there; one that is renamed is one
        pair."""
        return list(paired(self.before, self.after))


def read_plan(document: object, state: Mapping[str, Any] | None = None) -> Plan:
    """Read the JSON of ``pulumi preview``. ``state`` is the stack's export; without it only the
    clients that the preview shows are known.

    Raises:
        Failure: where the document is no preview, or says of no environment.
    """
    steps = document.get("steps") if isinstance(document, Mapping) else None
    if (
        not isinstance(document, Mapping)
        or not isinstance(steps, list)
        or not _is_well_formed(document, steps)
    ):
        raise Failure(
            tr(
                "this is not the output of pulumi preview --json; make it with: pulumi preview"
                " --json > plan.json"
            )
        )
    config = document.get("config") or {}
    resources = [resource for resource in resources_in(state or {}) if not resource.get("delete")]
    environment = _environment_of(config, steps, resources)
    problems, refused = problems_in(document.get("diagnostics"))
    ours, renewed_secrets = list[Step](), set[ClientKey]()
    for step in steps:
        op, old, new = step["op"], step.get("oldState"), step.get("newState")
        if part_of(new or old or {}):
            ours.append((op, old, new))
        elif is_password(step) and op == "replace":
            renewed_secrets.add((*client_of(step), environment))
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
        renewed_secrets=frozenset(renewed_secrets),
        config=config,
        is_known=not problems or shows_connections(document),
    )


def _environment_of(
    config: Mapping[str, Any],
    steps: Iterable[Mapping[str, Any]],
    recorded: Iterable[EngineResource],
) -> Environment:
    """Return the environment of a preview: by its settings, else by the natural keys of clients in
    its steps or in the state. Raises Failure."""
    name = config.get("acmidm:environment")
    if name in list(Environment):
        return Environment(name)
    sides = chain.from_iterable((step.get("newState"), step.get("oldState")) for step in steps)
    environment = environment_in([*filter(None, sides), *recorded])
    if environment is None:
        raise Failure(
            tr(
                "the preview does not have its environment; make it in this project, with pulumi"
                " preview --json"
            )
        )
    return environment


def shows_connections(document: Mapping[str, Any]) -> bool:
    """Return whether a preview shows connections, and its program did not end before it had
    declared all of them."""
    steps = document.get("steps") or ()
    kinds = map(kind_of, steps)
    return not ended_by_itself(document.get("diagnostics")) and Resource.ONBOARDING in kinds


def _planned(
    steps: Sequence[Step],
    recorded: _Resources,
    environment: Environment,
    *,
    has_state: bool,
    ends_early: bool,
) -> Plan:
    """Return the clients before and after the steps of a preview, over the resources that are
    ``recorded``.

    ``ends_early``: the preview has problems, and so has no step for what its program did not come
    to declare. Then a recorded client without any step counts as removed, where the preview
    declares other clients.
    """
    of_clients = _Steps(steps, recorded, environment)
    # Without the state only the parts that change are known of a client.
    complete = None if has_state else of_clients.with_step({Resource.CLIENT})
    before = _clients_made_by(of_clients.before, complete)
    resources_after = of_clients.after()
    after = _clients_made_by(resources_after, complete)
    for former, key in of_clients.renamed.items():
        if key in after:
            after[key] = replace(after[key], form=replace(after[key].form, formerly=(former[0],)))
    removed = of_clients.with_step(_OF_CLIENT, "delete")
    if ends_early and has_state and of_clients.declared():
        removed |= of_clients.without_a_step(resources_after)
    after = without(after, removed)
    renamed_to = set(of_clients.renamed.values())
    adopted: dict[ClientKey, Client] = {}
    for key, client in after.items():
        is_added = key not in before and key not in renamed_to
        if is_added and client.form.adopts:
            as_it_was = _before_adoption(client, resources_after)
            if as_it_was is not None:
                adopted[key] = as_it_was
    return Plan(
        environment,
        before | adopted,
        after,
        replaced=frozenset(of_clients.with_step({Resource.CLIENT}, "replace")),
        changed=of_clients.changed(),
        is_whole=has_state or of_clients.shows_unchanged_connections(),
    )


class _StepOfClient(NamedTuple):
    """A step with the client, by its new key, and the part of it that the step is about."""

    op: str
    old: EngineResource | None
    new: EngineResource | None
    key: ClientKey
    part: str


class _Steps:
    """What steps do with the resources of clients, over those that are recorded."""

    def __init__(
        self, steps: Sequence[Step], recorded: _Resources, environment: Environment
    ) -> None:
        self._recorded, self._environment = recorded, environment
        self.renamed = dict[ClientKey, ClientKey]()
        """By the former key of a client its new one."""
        for _, old, new in steps:
            if old and new:
                former, _ = key_and_part(old, environment)
                key, _ = key_and_part(new, environment)
                if former != key:
                    self.renamed[former] = key
        self._steps = [self._step_of_client(*step) for step in steps]

    def _step_of_client(
        self, op: str, old: EngineResource | None, new: EngineResource | None
    ) -> _StepOfClient:
        key, part = key_and_part(new or old or {}, self._environment)
        if op == "delete":  # it has no new resource, which would have the new key
            key = self.renamed.get(key, key)
        return _StepOfClient(op, old, new, key, part)

    @cached_property
    def before(self) -> _Resources:
        """The resources before the steps; a refreshed one replaces the recorded one, or removes it
        where its authority has it no more."""
        before = dict(self._recorded)
        for step in self._steps:
            if not step.old:
                continue
            place = key_and_part(step.old, self._environment)
            resource = step.new if step.op == "refresh" else step.old
            if resource:
                before[place] = resource
            else:
                before.pop(place, None)
        return before

    def after(self) -> _Resources:
        """Return the resources after the steps."""
        after: _Resources = {}
        for (key, part), resource in self.before.items():
            after[self.renamed.get(key, key), part] = resource
        for step in self._steps:
            if step.op == "delete":
                after.pop((step.key, step.part), None)
            elif step.op != "refresh" and step.new:
                after[step.key, step.part] = step.new
        return after

    def with_step(self, parts: Collection[str], op: str | None = None) -> set[ClientKey]:
        """Return the clients that have a step about one of these parts; with this ``op``, or with
        any where it is None."""
        return {step.key for step in self._steps if step.part in parts and op in (None, step.op)}

    def declared(self) -> set[str]:
        """Return the keys of the connections that the program declared."""
        declared = set[str]()
        for step in self._steps:
            is_declared = step.new and step.op not in ("delete", "refresh")
            if is_declared and step.part == Resource.ONBOARDING:
                declared.add(step.key[0])
        return declared

    def without_a_step(self, after: _Resources) -> set[ClientKey]:
        """Return the clients of the resources ``after`` the steps which the program neither
        declared nor renamed."""
        declared = self.declared() | {key[0] for key in self.renamed.values()}
        return {key for key, _ in after if key[0] not in declared}

    def changed(self) -> dict[ClientKey, frozenset[str]]:
        """Return per client the kinds of its resources that the engine changes."""
        changed: dict[ClientKey, frozenset[str]] = {}
        for step in self._steps:
            if step.op in _CHANGES and not _is_only_recorded(step.part, step.old, step.new):
                kind = kind_of_part(step.part)
                changed[step.key] = changed.get(step.key, frozenset()) | {kind}
        return changed

    def shows_unchanged_connections(self) -> bool:
        """Return whether there are steps for connections that stay as they are: the preview was
        made with ``--show-sames``."""
        return any(step.op == "same" and step.part == Resource.ONBOARDING for step in self._steps)


def _clients_made_by(
    resources: _Resources, with_client_step: set[ClientKey] | None
) -> dict[ClientKey, Client]:
    """Return the clients that resources make together, without those that have no ``OAuthClient``
    among them.

    ``with_client_step`` is None where all resources are known. Else a client that is not among
    these has an ``OAuthClient`` that does not change, and is returned too.
    """
    clients = clients_in(resources)
    whole = {client_key for client_key, part in resources if part == Resource.CLIENT}
    if with_client_step is not None:
        whole |= clients.keys() - with_client_step
    return {client_key: client for client_key, client in clients.items() if client_key in whole}


def _is_only_recorded(part: str, old: EngineResource | None, new: EngineResource | None) -> bool:
    """Return whether an update changes only what a run records in the state, and nothing at an
    authority."""
    records = {
        Resource.CLIENT.value: ("keys_declared", KEEP, CONFIRMED),
        Resource.PRODUCT.value: (KEEP,),
        Resource.KEYS.value: (SINCE, REFUSED, KEEP),
        Resource.SCOPES.value: ("catalogue_names", KEEP),
        Resource.ONBOARDING.value: ("withdrawn",),
    }.get(kind_of_part(part), ())
    if not (records and old and new):
        return False
    was, becomes = (without(inputs_of(side), records) for side in (old, new))
    return was == becomes


def _before_adoption(after: Client, resources: _Resources) -> Client | None:
    """Return a client that is taken over as it was before: as the input ``adopt.before`` of its
    resources has it. None where none has, or the engine refuses the take-over."""
    seen: dict[str, EngineResource] = {}
    for (key, part), resource in resources.items():
        if key != after.client_key:
            continue
        adopted = mapping(inputs_of(resource).get("adopt"))
        if before := mapping(adopted.get("before")):
            seen[part] = {"inputs": before}
    if Resource.CLIENT not in seen:
        return None
    state = client_from(after.client_key, seen, {})
    products = {name: product for name, product in state.products.items() if product.configuration}
    scopes = state.scopes
    if scopes is not None:  # nobody knows why the client had them
        scopes = {scope: replace(grant, reason=None) for scope, grant in scopes.items()}
    return replace(
        state,
        client_id=after.form.adopts,
        leaving=replace(state.leaving, protected=None),
        scopes=scopes,
        products=products,
        record=replace(state.record, urns={}, is_taken_over=True),
    )


def _is_well_formed(document: Mapping[str, Any], steps: Iterable[object]) -> bool:
    """Return whether a preview has mappings and texts where the engine writes them."""
    return isinstance(document.get("config") or {}, Mapping) and all(map(_is_step, steps))


def _is_step(step: object) -> bool:
    if not isinstance(step, Mapping):
        return False
    is_named = isinstance(step.get("op"), str) and isinstance(step.get("urn"), str)
    sides = filter(None, (step.get("oldState"), step.get("newState")))
    return is_named and all(isinstance(side, Mapping) for side in sides)
