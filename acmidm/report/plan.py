"""What the engine has: ``pulumi stack export`` as clients, and ``pulumi preview --json`` as clients before and after.

In the engine's documents a client is five kinds of resources, each with its inputs; what the engine does not know yet is absent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from acmidm.engine import problems_in
from acmidm.keys import keys_of
from acmidm.report.client import ClientState, HandedOver, Place, States, flat, leaving, states_of, with_exemptions_once, with_incarnation
from acmidm.report.kinds import Change, Kind, Resource
from acmidm_onboarding.authorities.port import ClientMetadata, Owner
from acmidm_onboarding.model.form import Environment, Platform
from acmidm_onboarding.model.gate import HeldBack
from acmidm_onboarding.model.problems import Failure
from acmidm_onboarding.resources.ownership import INCARNATION, OTHER
from acmidm_onboarding.resources.switching import METHOD, is_awaiting

EngineResource = Mapping[str, Any]
"""A resource as the engine's documents have it."""
Step = tuple[str, EngineResource | None, EngineResource | None]
"""What the engine does with a resource, and the resource before and after."""
_Resources = dict[tuple[Place, str], EngineResource]
"""The resources of clients, by client and part."""
_PASSWORD = "RandomPassword"
_CHANGES = frozenset({"create", "update", "delete", "replace"})
_OF_CLIENT = frozenset({Resource.CLIENT, Resource.SCOPES, Resource.KEYS})
"""The parts that go with their client alone."""


class NotAPlan(Failure):
    """What is no output of ``pulumi preview --json``, as a sentence."""


@dataclass(frozen=True)
class AtTheGate:
    """A client that is not proven on TNI, or is so now."""

    state: ClientState
    missing: tuple[str, ...] = ()
    """What is missing, and what to do; nothing where it passes now."""
    is_declared: bool = False
    """Whether it is declared all the same."""


def at_the_gate(held_back: Iterable[HeldBack]) -> tuple[AtTheGate, ...]:
    """Return what reports have of what the gate misses, a client each."""
    return tuple(
        AtTheGate(state, one.missing, one.is_declared) for one in held_back for state in states_of([one.connection], protect=None).values()
    )


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
    at_the_gate: tuple[AtTheGate, ...] = ()
    """What is reported of the gate to production, also of clients that do not change."""
    left: tuple[tuple[ClientState, Change], ...] = ()
    """What is reported of clients that have left and are preserved, which neither side has."""


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
    staying, leaving = (
        _states_in(_by_part((resource for resource in resources if bool(resource.get("delete")) is leaves), environment))
        for leaves in (False, True)
    )
    generations = dict(_generations(resources, environment))
    staying = {place: replace(state, secret_generation=generations.get(place)) for place, state in staying.items()}
    return Recorded(staying, tuple(leaving.values()), tuple(str(resource.get("urn")) for resource in pending if part_of(resource)))


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
    ours = [(step["op"], step.get("oldState"), step.get("newState")) for step in steps]
    ours = [(op, old, new) for op, old, new in ours if (part := part_of(new or old or {})) and part[2] != Resource.HAND_OVER]
    plan = _planned(ours, _by_part(resources, environment), environment, has_state=state is not None, ends_early=bool(problems or refused))
    return replace(
        plan, problems=problems, refused=refused, renewed_secrets=frozenset(_clients_of_passwords(steps, environment)), config=config
    )


def _planned(steps: Sequence[Step], recorded: _Resources, environment: Environment, *, has_state: bool, ends_early: bool) -> Plan:
    """The clients before and after the steps, over what is recorded.

    A preview that ends early shows no removals: what its program did not declare has no step at all.
    """
    before, moved = dict(recorded), dict[Place, Place]()
    for op, old, new in steps:
        if old:  # what a refresh found takes the place of what is recorded
            place, part = _where(old, environment)
            before[place, part] = (new or {}) if op == "refresh" else old
            if new and _where(new, environment)[0] != place:
                moved[place] = _where(new, environment)[0]
    before = {where: resource for where, resource in before.items() if resource}
    after = {(moved.get(place, place), part): resource for (place, part), resource in before.items()}
    removed, declared, shown, replaced = set[Place](), set[str](), set[Place](), set[Place]()
    changed: dict[Place, frozenset[str]] = {}
    for op, old, new in steps:
        place, part = _where(new or old or {}, environment)
        if op == "delete":
            place = moved.get(place, place)
            after.pop((place, part), None)
            removed |= {place} if part in _OF_CLIENT else set()
        elif op != "refresh" and new:
            after[place, part] = new
            declared |= {place[0]} if part == Resource.ONBOARDING else set()
        shown |= {place} if part == Resource.CLIENT else set()
        replaced |= {place} if part == Resource.CLIENT and op == "replace" else set()
        if op in _CHANGES and not (part == Resource.KEYS and _keys_stay(old, new)):
            changed[place] = changed.get(place, frozenset()) | {part.partition("/")[0]}
    if declared and ends_early and has_state:
        declared |= {place[0] for place in moved.values()}
        removed |= {place for place, _ in after if place[0] not in declared}
    sides = [_states_in(side, None if has_state else shown) for side in (before, after)]
    former = {new: old[0] for old, new in moved.items()}
    states = {place: replace(state, formerly=(former[place],)) if place in former else state for place, state in sides[1].items()}
    states = {place: state for place, state in states.items() if place not in removed}
    adopting = [state for place, state in states.items() if state.adopts and place not in former and place not in sides[0]]
    return Plan(
        environment,
        sides[0] | {state.place: found for state in adopting if (found := _before_adoption(state, after))},
        states,
        replaced=frozenset(replaced),
        changed=changed,
        left=tuple(_abandoned(steps, states, environment)),
        is_whole=has_state or any(op == "same" and kind_of(found or old or {}) == Resource.ONBOARDING for op, old, found in steps),
    )


def _abandoned(steps: Iterable[Step], after: States, environment: Environment) -> Iterator[tuple[ClientState, Change]]:
    """Yield the clients that were left to themselves and that no form names any more; those that are taken back are in ``after``."""
    for op, old, new in steps:
        if op in _CHANGES and old and kind_of(old) == Resource.ONBOARDING:
            was, still = (_mapping(_mapping((side or {}).get("inputs")).get("left")) for side in (old, new))
            for platform in was.keys() - still.keys():
                (key, *_), _ = _where(new or old, environment)
                state = ClientState(key, Platform(platform), environment, fields={"organisation.name": was[platform]})
                if state.place not in after:
                    yield state, Change(kind=Kind.CLIENT_ABANDONED)


def part_of(resource: EngineResource) -> tuple[str, Platform, str] | None:
    """The key, the platform and the part of a client that one of the resources is, or the component above them."""
    kind, inputs = kind_of(resource), _mapping(resource.get("inputs"))
    name = str(resource.get("urn" if kind == Resource.ONBOARDING else "parent", "")).rpartition("::")[2]
    if kind not in list(Resource) or not name:
        return None
    platform = inputs.get("platform")
    part = product_part(str(inputs.get("product"))) if kind == Resource.PRODUCT else kind
    return name, Platform(platform) if platform in list(Platform) else Platform.ACMIDM, part


def product_part(product: str) -> str:
    return f"{Resource.PRODUCT}/{product}"


def kind_of(resource: EngineResource) -> str:
    """The last word of a resource's type."""
    urn = str(resource.get("urn", "")).split("::")
    return urn[2].rpartition("$")[2].rpartition(":")[2] if len(urn) > 3 else ""


def _where(resource: EngineResource, environment: Environment) -> tuple[Place, str]:
    key, platform, part = part_of(resource) or ("", Platform.ACMIDM, "")
    return (key, platform, environment), part


def _by_part(resources: Iterable[EngineResource], environment: Environment) -> _Resources:
    return {_where(resource, environment): resource for resource in resources if part_of(resource)}


def _states_in(resources: _Resources, shown: set[Place] | None = None) -> dict[Place, ClientState]:
    """The clients that resources make together. One without an ``OAuthClient`` is left out.

    But where a preview is all there is, that is one of which it shows some parts alone, and not in ``shown``.
    """
    clients: dict[Place, dict[str, EngineResource]] = defaultdict(dict)
    components: dict[str, Mapping[str, Any]] = {}
    for (place, part), resource in resources.items():
        if part == Resource.ONBOARDING:
            components[place[0]] = _mapping(resource.get("inputs"))
        else:
            clients[place][part] = resource
    return with_exemptions_once(
        _with_component(_state(place, parts), components.get(place[0], {}))
        for place, parts in clients.items()
        if Resource.CLIENT in parts or (shown is not None and place not in shown)
    )


def _with_component(state: ClientState, inputs: Mapping[str, Any]) -> ClientState:
    """A client with what its form says of all its clients."""
    said = leaving(_mapping(inputs.get("retire")), state.platform, state.products, preserve=inputs.get("preserve") is True)
    return replace(state, exemptions=_mapping(inputs.get("exemptions")), **said)


def _state(place: Place, parts: Mapping[str, EngineResource]) -> ClientState:
    inputs = {part: _mapping(resource.get("inputs")) for part, resource in parts.items()}
    client, own = parts.get(Resource.CLIENT), inputs.get(Resource.CLIENT, {})
    outputs = _mapping((client or {}).get("outputs"))
    if awaits := is_awaiting(outputs):  # what is in force is not what the inputs say
        own = {**own, METHOD: outputs.get(METHOD)}
    jwks = inputs.get(Resource.KEYS, {"jwks": {}}).get("jwks")
    products = {part.partition("/")[2]: part for part in parts if part.startswith(product_part(""))}
    return ClientState(
        *place,
        fields=with_incarnation(flat({name: own[name] for name in ClientMetadata.model_fields if name in own}), _incarnation(client)),
        client_id=None if client is None else client.get("id") or None,
        has_secret=None if client is None else own.get("client_secret") is not None,
        secret_updated_at=outputs.get("client_secret_updated_at"),
        awaits_key=awaits,
        adopts=_mapping(own.get("adopt")).get("client_id"),
        protected=None if client is None else bool(client.get("protect")),
        retained=bool(client and client.get("retainOnDelete")),
        protected_products=frozenset(product for product, part in products.items() if parts[part].get("protect")),
        scopes=_mapping(inputs[Resource.SCOPES].get("scopes")) if Resource.SCOPES in parts else None,
        default_scopes=frozenset(_mapping(inputs.get(Resource.SCOPES, {}).get("default_scopes"))),
        keys=None if jwks is None else keys_of({kid: _mapping(members) for kid, members in _mapping(jwks).items()}),
        proven=frozenset(_mapping(inputs.get(Resource.KEYS, {}).get("proven"))),
        products={product: flat(_mapping(inputs[part].get("configuration"))) for product, part in products.items()},
        owners={
            product: Owner(inputs[part].get("software_id"), inputs[part].get("managed_by"), _incarnation(parts[part]))
            for product, part in products.items()
        },
        without_marks=frozenset(part for part, own in inputs.items() if OTHER in own),
        handed_over=_handed_over(parts.get(Resource.HAND_OVER)),
        urns={part: str(resource.get("urn", "")) for part, resource in parts.items() if part != Resource.HAND_OVER},
    )


def _incarnation(resource: EngineResource | None) -> str | None:
    """The mark by which a resource knows what it has at its authority; None in what a preview is about to make."""
    return _mapping((resource or {}).get("outputs")).get(INCARNATION)


def _handed_over(resource: EngineResource | None) -> HandedOver | None:
    """What a hand-over recorded; None where there is none."""
    if resource is None:
        return None
    outputs = _mapping(resource.get("outputs"))
    sent_at, not_sent = outputs.get("sent_at"), outputs.get("not_sent")
    return HandedOver(datetime.fromisoformat(sent_at) if sent_at else None, str(not_sent) if not_sent else None)


def _keys_stay(old: EngineResource | None, new: EngineResource | None) -> bool:
    """Whether all that changes is since when a key is declared, as after a run that was cut off."""
    sides = [{name: value for name, value in _mapping((side or {}).get("inputs")).items() if name != "since"} for side in (old, new)]
    return bool(old and new) and sides[0] == sides[1]


def _before_adoption(after: ClientState, resources: _Resources) -> ClientState | None:
    """The client that is taken over, as it is before: its resources' ``adopt.before``. None where none is, or it is refused."""
    inputs = {part: _mapping(resource.get("inputs")) for (place, part), resource in resources.items() if place == after.place}
    seen = {part: {"inputs": before} for part, own in inputs.items() if (before := _mapping(_mapping(own.get("adopt")).get("before")))}
    if Resource.CLIENT not in seen:
        return None
    state = _state(after.place, seen)
    products = {product: fields for product, fields in state.products.items() if fields}
    scopes = None if state.scopes is None else dict.fromkeys(state.scopes)
    return replace(state, client_id=after.adopts, foreign=True, protected=None, scopes=scopes, products=products, urns={})


def _is_well_formed(document: Mapping[str, Any], steps: Iterable[object]) -> bool:
    """Whether all that is read is of the kind that the engine writes."""
    return isinstance(document.get("config") or {}, Mapping) and all(
        isinstance(step, Mapping)
        and all(isinstance(step.get(name), str) for name in ("op", "urn"))
        and all(isinstance(step.get(name) or {}, Mapping) for name in ("oldState", "newState"))
        for step in steps
    )


def _clients_of_passwords(steps: Iterable[Mapping[str, Any]], environment: Environment) -> Iterable[Place]:
    """The clients whose secret is made anew."""
    return (_of_password(step, environment) for step in steps if kind_of(step) == _PASSWORD and step["op"] == "replace")


def _generations(resources: Iterable[EngineResource], environment: Environment) -> Iterable[tuple[Place, int]]:
    """Which of its secrets each client has, as its password says; one without a number is the first."""
    for resource in resources:
        if kind_of(resource) == _PASSWORD and not resource.get("delete"):
            number = str(_mapping(_mapping(resource.get("inputs")).get("keepers")).get("generation", 1))
            yield _of_password(resource, environment), int(number) if number.isdecimal() else 1


def _of_password(resource: Mapping[str, Any], environment: Environment) -> Place:
    """The client of a password, which has its name."""
    *key, last = str(resource["urn"]).rpartition("::")[2].split("/")
    platform = Platform.GEOSECURE if last == Platform.GEOSECURE else Platform.ACMIDM
    return "/".join(key if platform is Platform.GEOSECURE else [*key, last]), platform, environment


def _environment(resources: Iterable[EngineResource]) -> Environment | None:
    for resource in resources:
        parts = str((resource.get("inputs") or {}).get("software_id", "")).split("/")
        if len(parts) > 2 and parts[1] in list(Environment):
            return Environment(parts[1])
    return None


def _mapping(value: Any) -> Mapping[str, Any]:
    """A mapping as it is; whatever else there is, the engine's marker of what it does not know yet too, is none."""
    return value if isinstance(value, Mapping) else {}
