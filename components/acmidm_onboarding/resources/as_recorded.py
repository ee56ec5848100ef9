"""A connection whose form has a mistake, or the resources of one whose client is gone, declared as
the state has it.

The engine removes what a program does not declare, so that each recorded resource is declared
again: by its type and name, without a value. The engine then takes every input from its state
(``ignoreChanges``), secrets too, and finds nothing to do. What ends all the same is declared with
its new value. The resources of a client that is gone are declared without protection: the engine
removes nothing that is protected in its state.
"""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_random

from acmidm_onboarding.engine_resources import (
    LENT,
    REFUSED,
    SINCE,
    WITHDRAWN,
    EngineResource,
    Resource,
    client_of,
    inputs_of,
    is_password,
    kind_of,
    mapping,
    name_of,
    part_of,
)
from acmidm_onboarding.recorded import AsRecorded
from acmidm_onboarding.resources import overlap
from acmidm_onboarding.values.declaration import PROOF_OPTIONS
from acmidm_onboarding.values.jwk import without_keys
from acmidm_onboarding.values.metadata import ProductDocument

_OF_KEYS = frozenset({LENT, SINCE, REFUSED, overlap.BLOCKED})
"""What the provider finds out anew where keys change."""


def component_inputs(recorded: AsRecorded) -> dict[str, Any]:
    """Return the recorded inputs of the component, with the scopes that this run withdraws added to
    its input ``withdrawn``: ``{"acmidm": {"dv_dosis_lezen": True}}``."""
    inputs = dict(inputs_of(recorded.resources[0]))
    withdrawn = {}
    for platform, ending in recorded.ending.items():
        if ending.takes_scopes:
            withdrawn[platform.value] = dict.fromkeys(sorted(ending.withdrawn), True)
    if not withdrawn:
        return inputs
    return {**inputs, WITHDRAWN: {**mapping(inputs.get(WITHDRAWN)), **withdrawn}}


def declare_below(
    component: pulumi.ComponentResource, recorded: AsRecorded
) -> dict[str, pulumi.Output[str]]:
    """Declare all resources that the state has below a component, and return the client secrets per
    platform, ``{"acmidm": …}``."""
    secrets: dict[str, pulumi.Output[str]] = {}
    recorded_component, *below = recorded.resources
    made: dict[str, pulumi.Resource] = {recorded_component["urn"]: component}
    for resource in below:
        changed = _changed_inputs(resource, recorded)
        anew = {*changed, *_OF_KEYS} if changed else set[str]()
        options = pulumi.ResourceOptions(
            parent=made[resource["parent"]],
            protect=bool(resource.get("protect")) and not recorded.is_without_client,
            retain_on_delete=bool(resource.get("retainOnDelete")),
            depends_on=[made[urn] for urn in resource.get("dependencies") or () if urn in made],
            ignore_changes=sorted(inputs_of(resource).keys() - anew),
        )
        if is_password(resource):
            password = _password(resource, options)
            secrets[client_of(resource)[1].value] = pulumi.Output.secret(password.result)
            made[resource["urn"]] = password
        else:
            made[resource["urn"]] = pulumi.CustomResource(
                resource["type"], name_of(resource), changed, options
            )
    return secrets


def _password(
    resource: EngineResource, options: pulumi.ResourceOptions
) -> pulumi_random.RandomPassword:
    """Declare the resource of a secret by its own class, which knows the version of its plugin."""
    options.additional_secret_outputs = ["result"]
    length = int(inputs_of(resource)["length"])
    return pulumi_random.RandomPassword(name_of(resource), length=length, opts=options)


def _changed_inputs(resource: EngineResource, recorded: AsRecorded) -> dict[str, Any]:
    """Return the inputs of a resource from which this run takes something that has ended, with
    their new values: scopes, organisations that the client sends for, or keys; {} for a resource
    that stays as it is."""
    part, inputs = part_of(resource), inputs_of(resource)
    ending = recorded.ending.get(part[1]) if part else None
    if ending is None:
        return {}
    kind = kind_of(resource)
    if kind == Resource.SCOPES and ending.takes_scopes:
        return {"scopes": {}, "default_scopes": {}}
    if kind == Resource.PRODUCT and ending.afzenders:
        sent, ended = ProductDocument(mapping(inputs.get("configuration"))), ending.afzenders
        staying = sent.with_only(lambda code: code not in ended)
        return {"configuration": staying.configuration}
    if kind == Resource.KEYS and ending.keys:
        lenders = set(mapping(inputs.get(LENT)).values())
        rotation = {
            "form": recorded.key,
            "stack": pulumi.get_stack(),
            "compromised": sorted(ending.keys),
            "acting": sorted(lenders),  # which lent keys end is decided: they count as stolen
            "stolen": {supplier: sorted(ending.keys) for supplier in lenders},
            "evidence_refused": None,
            "proof_options": PROOF_OPTIONS,
        }
        if inputs.get("jwks") is None:
            return {overlap.INPUT: rotation}
        keys = without_keys(mapping(inputs["jwks"]), ending.keys)
        return {"jwks": keys, overlap.INPUT: rotation}
    return {}
