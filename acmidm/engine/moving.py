"""Connections go from the state of one stack to that of another, with the record of what their
organisations were mailed.

The engine's own ``state move`` refuses two stacks whose providers have settings of their own,
leaves that record behind, and cannot go on after it was killed. Here the destination is written
first: a connection that is in both states is changed by neither stack, and the same command goes
on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from acmidm_onboarding.engine_resources import (
    HAND_OVER,
    EngineResource,
    Resource,
    client_of,
    kind_of,
    mapping,
    name_of,
    resources_in,
)
from acmidm_onboarding.settings import NAMESPACE
from acmidm_onboarding.values.hand_over_outcome import record_name

State = Mapping[str, Any]
"""An export of a state."""
_SEPARATE = ("inputs", "outputs", "dependencies", "propertyDependencies")


def with_connections(
    destination: State, source: State, keys: Collection[str], stacks: tuple[str, str]
) -> State:
    """Return the state of ``destination`` with some connections of ``source``, whose secrets are in
    the clear; ``stacks`` are the names of the two, source and destination."""
    going = _of(source, keys)
    arriving = [_renamed(resource, *stacks) for resource in going]
    urns = {resource["urn"] for resource in arriving}
    there = [resource for resource in resources_in(destination) if resource["urn"] not in urns]
    lacking = _lacking(source, going, {resource["urn"] for resource in there}, stacks)
    there += lacking
    ids = {resource["urn"]: resource.get("id") for resource in there}
    for resource in (*lacking, *arriving):
        if (urn := str(resource.get("provider")).rpartition("::")[0]) in ids:
            resource["provider"] = f"{urn}::{ids[urn]}"
    names = {
        record_name(client_of(each)[1], each.get("id"))
        for each in going
        if kind_of(each) == Resource.CLIENT
    }
    records = {
        name: record for name, record in _mailed(resources_in(source)).items() if name in names
    }
    # Hand-overs are at the end, for they may depend on what arrives.
    others, mails = (
        [each for each in there if (kind_of(each) == HAND_OVER) is of_mails]
        for of_mails in (False, True)
    )
    mails = [
        {**each, "outputs": {**each["outputs"], "records": {**_mailed([each]), **records}}}
        for each in mails
    ]
    return {
        **destination,
        "deployment": {**destination["deployment"], "resources": [*others, *arriving, *mails]},
    }


def without_connections(source: State, keys: Collection[str]) -> State:
    """Return the state of a stack without some connections, on which its hand-over depends. The
    record of their mails stays, and harms nobody."""
    urns = {resource["urn"] for resource in _of(source, keys)}
    staying = list[EngineResource]()
    for resource in (each for each in resources_in(source) if each["urn"] not in urns):
        dependencies = [urn for urn in resource.get("dependencies") or () if urn not in urns]
        of_properties = mapping(resource.get("propertyDependencies")).items()
        left = {
            name: [urn for urn in of_one or () if urn not in urns] for name, of_one in of_properties
        }
        staying.append({**resource, "dependencies": dependencies, "propertyDependencies": left})
    return {**source, "deployment": {**source["deployment"], "resources": staying}}


def _of(state: State, keys: Collection[str]) -> list[EngineResource]:
    """Return the components of some connections, and all that is below them."""
    found, urns = list[EngineResource](), set[str]()
    for resource in resources_in(state):  # a parent is before its children
        if resource.get("parent") in urns or (
            kind_of(resource) == Resource.ONBOARDING and name_of(resource) in keys
        ):
            found.append(resource)
            urns.add(resource["urn"])
    return found


def _lacking(
    source: State,
    going: Collection[EngineResource],
    there: Collection[str],
    stacks: tuple[str, str],
) -> list[dict[str, Any]]:
    """Return what connections need and the destination lacks, for no run was there yet: parents,
    providers, the hand-over. They get no settings and no outputs: the first run gives them its
    own."""
    urns, wanted, lacking = (
        {resource["urn"] for resource in going},
        set[object](),
        list[dict[str, Any]](),
    )
    for resource in reversed(resources_in(source)):
        is_going, is_hand_over = resource["urn"] in urns, kind_of(resource) == HAND_OVER
        if not (is_going or is_hand_over or resource["urn"] in wanted):
            continue
        wanted |= {resource.get("parent"), str(resource.get("provider")).rpartition("::")[0]}
        renamed = _renamed(resource, *stacks)
        if is_going or renamed["urn"] in there:
            continue
        inputs = mapping(resource.get("inputs"))
        inputs = {
            name: value for name, value in inputs.items() if not name.startswith(f"{NAMESPACE}:")
        }
        bare = {name: value for name, value in renamed.items() if name not in _SEPARATE}
        if is_hand_over:  # its ID is the stack's full name
            bare["id"] = "".join(str(bare["id"]).rpartition("/")[:2]) + stacks[1]
            inputs |= {"stack": bare["id"], "connections": {}}
        lacking.append({**bare, "inputs": inputs, "outputs": inputs if is_hand_over else {}})
    return lacking[::-1]


def _mailed(resources: Collection[EngineResource]) -> dict[str, Any]:
    """Return the records of what was mailed."""
    outputs = (
        mapping(resource.get("outputs")) for resource in resources if kind_of(resource) == HAND_OVER
    )
    return {
        name: record for each in outputs for name, record in mapping(each.get("records")).items()
    }


def _renamed(resource: EngineResource, source: str, destination: str) -> dict[str, Any]:
    """Return a resource as the same one of another stack."""
    text = json.dumps(
        {name: value for name, value in resource.items() if name not in ("inputs", "outputs")}
    )
    text = text.replace(f'"urn:pulumi:{source}::', f'"urn:pulumi:{destination}::')
    text = re.sub(
        rf'(::pulumi:pulumi:Stack::[^":]*-){re.escape(source)}"', rf'\g<1>{destination}"', text
    )
    return {**resource, **json.loads(text)}
