"""What the engine says: the steps of ``pulumi preview --json`` as clients before and after, with or without a refresh."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from acmidm.report.assemble import COMPONENT, Assembly
from acmidm.report.compare import Place
from acmidm.report.state import ClientState
from acmidm.report.takeover import before_takeover
from components.authorities.errors import AuthorityError
from components.model.form import Environment

KINDS = ("OAuthClient", "ClientScopes", "ClientJwks", "ProductConfiguration")
PASSWORD = "RandomPassword"
_STACK = "pulumi:pulumi:Stack"
_CHANGES = frozenset({"create", "update", "delete", "replace"})
_REFRESH = "refresh"
_EXCEPTION = re.compile(rf"^(?:\w+\.)*(?:{'|'.join(kind.__name__ for kind in AuthorityError.__subclasses__())}): ")
"""The class that the engine names before an error's own sentence."""
_ATTEMPTS = re.compile(r" \(tried .*?\)")
_SAYS_NOTHING = ("preview failed", "update failed", "an unhandled error occurred", "Resource monitor has terminated")
PROTECTED = "its client is protected: it can be neither removed nor replaced; see docs/operations.md on how to part with one"
_PROTECTED = re.compile(r"unable to replace|cannot be deleted\s+because it is protected")


class NotAPlan(Exception):
    """What is no output of ``pulumi preview --json``, as a sentence."""


@dataclass(frozen=True)
class Plan:
    """One preview. ``recorded`` is what the state had, ``real`` what the authorities have, ``declared`` what the forms ask.

    Without a refresh ``real`` is what the state had. Clients that nothing happens to are in ``existing`` alone.
    """

    environment: Environment
    recorded: Mapping[Place, ClientState]
    real: Mapping[Place, ClientState]
    declared: Mapping[Place, ClientState]
    renewed_secrets: frozenset[Place]
    existing: Mapping[Place, ClientState]
    """The clients in the stack's outputs: what the last ``up`` left."""
    changed_urns: Mapping[Place, tuple[str, ...]]
    """Per client the resources that an ``up`` would change."""
    problems: tuple[str, ...]
    catalogue_folder: str | None


def read_plan(document: object) -> Plan:
    """The plan in a preview's JSON document. Raises NotAPlan."""
    steps = document.get("steps") if isinstance(document, Mapping) else None
    if not isinstance(document, Mapping) or not isinstance(steps, list) or not _is_well_formed(document, steps):
        raise NotAPlan("this is not the output of pulumi preview --json; make it with: pulumi preview --json > plan.json")
    outputs = _outputs(steps)
    environment = _environment(document, outputs, steps)
    recorded, real, declared = (Assembly(environment, outputs) for _ in range(3))
    changed: dict[Place, list[str]] = {}
    refreshed = any(step["op"] == _REFRESH for step in steps)
    for step in steps:
        _take(step, recorded, real, declared)
        present = step.get("oldState") or step.get("newState") or {}
        if kind_of(str(step.get("urn", ""))) in KINDS and step["op"] in _CHANGES:
            changed.setdefault(real.place(present), []).append(step["urn"])
    real.fill_from(recorded)
    declared.fill_from(recorded)
    if not refreshed:
        recorded = real
    real_states, declared_states = real.states(), declared.states()
    for place, state in declared_states.items():
        if state.adopts and place not in real_states and not refreshed:
            real_states[place] = before_takeover(state, declared.resources(place))
    return Plan(
        environment=environment,
        recorded=recorded.states(),
        real=real_states,
        declared=declared_states,
        renewed_secrets=_renewed_secrets(steps, environment),
        existing=recorded.outputs(),
        changed_urns={place: tuple(urns) for place, urns in changed.items()},
        problems=problems_in(document.get("diagnostics")),
        catalogue_folder=(document.get("config") or {}).get("acmidm:catalogueFolder"),
    )


def _is_well_formed(document: Mapping[str, Any], steps: Iterable[object]) -> bool:
    """Whether all that is looked at is of the kind that the engine writes."""
    if not isinstance(document.get("config") or {}, Mapping):
        return False
    return all(
        isinstance(step, Mapping)
        and all(isinstance(step.get(name), str) for name in ("op", "urn"))
        and all(isinstance(step.get(name) or {}, Mapping) for name in ("oldState", "newState"))
        for step in steps
    )


def _take(step: Mapping[str, Any], recorded: Assembly, real: Assembly, declared: Assembly) -> None:
    """What one step tells of a client as it was recorded, as it is and as it is to be."""
    kind, op, old, new = kind_of(str(step.get("urn", ""))), step["op"], step.get("oldState"), step.get("newState")
    if kind in KINDS and op == _REFRESH:
        recorded.take(kind, old)
    elif kind in KINDS and (op == "same" or op in _CHANGES):
        real.take(kind, old, of=new)
        declared.take(kind, new if op != "delete" else None, of=old)
    elif kind == COMPONENT and op in _CHANGES:
        # No authority knows of what is in it.
        recorded.take(kind, old, of=new)
        real.take(kind, old, of=new)
        declared.take(kind, new if op != "delete" else None, of=old)


def _renewed_secrets(steps: Iterable[Mapping[str, Any]], environment: Environment) -> frozenset[Place]:
    passwords = (step for step in steps if kind_of(str(step.get("urn", ""))) == PASSWORD and step.get("op") == "replace")
    return frozenset(Assembly.place_of_password(step.get("oldState") or {}, environment) for step in passwords)


def problems_in(diagnostics: object) -> tuple[str, ...]:
    """What the engine refused, a sentence each, without the names of exceptions."""
    found: dict[str, str] = {}
    for diagnostic in diagnostics if isinstance(diagnostics, list) else []:
        if not isinstance(diagnostic, Mapping) or diagnostic.get("severity") != "error":
            continue
        urn, message = str(diagnostic.get("urn", "")), str(diagnostic.get("message", "")).strip()
        if _PROTECTED.search(message):
            sentence = f"{urn.rpartition('::')[2]}: {PROTECTED}"
            found[sentence] = sentence
            continue
        sentence = _EXCEPTION.sub("", message.split("\n\n")[-1].strip().removeprefix("error: ").removeprefix("Preview failed: "))
        if sentence and not sentence.startswith(_SAYS_NOTHING):
            found.setdefault(_ATTEMPTS.sub("", sentence), sentence)
    return tuple(found.values())


def sentences_in(output: str) -> tuple[str, ...]:
    """The errors in what an ``up`` wrote, a sentence each."""
    lines = [line.strip() for line in output.splitlines()]
    return problems_in([{"severity": "error", "message": line} for line in lines if line.startswith("error: ")])


def kind_of(urn: str) -> str:
    """The last word of a resource's type."""
    parts = urn.split("::")
    return parts[2].rpartition("$")[2].rpartition(":")[2] if len(parts) > 3 else ""


def _outputs(steps: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The outputs of the stack as the last ``up`` left them: they name the clients that nothing happens to."""
    for step in steps:
        state = step.get("oldState")
        if isinstance(state, Mapping) and state.get("type") == _STACK:
            return state.get("outputs") or {}
    return {}


def _environment(document: Mapping[str, Any], outputs: Mapping[str, Any], steps: Iterable[Mapping[str, Any]]) -> Environment:
    said = (document.get("config") or {}).get("acmidm:environment") or outputs.get("environment")
    if said in list(Environment):
        return Environment(said)
    for step in steps:
        state = step.get("newState") or step.get("oldState") or {}
        parts = str((state.get("inputs") or {}).get("software_id", "")).split("/")
        if len(parts) == 4 and parts[1] in list(Environment):
            return Environment(parts[1])
    raise NotAPlan("the preview does not say its environment; make it in this project, with pulumi preview --json")
