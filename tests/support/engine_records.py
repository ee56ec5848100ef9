"""What the engine says of a stack: resources of its state, steps and previews."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

CLIENT = "pulumi-python:dynamic/acmidm:OAuthClient"
PASSWORD = "random:index/randomPassword:RandomPassword"
ONBOARDING = "acmidm:index:Onboarding"

ENDED_BY_ITSELF = "error: an unhandled error occurred: program exited with non-zero exit code: 1"
"""What the engine says of a program that raises an error."""


def resource(name: str, kind: str = CLIENT) -> dict[str, Any]:
    parent = f"urn:pulumi:tni::acmidm::{ONBOARDING}::{name}"
    if kind == ONBOARDING:
        return {"urn": parent, "type": kind, "inputs": {}}
    inputs = {
        "platform": "acmidm",
        "software_id": f"acmidm/tni/{name}",
        "application": name.rpartition("/")[2],
    }
    return {
        "urn": f"urn:pulumi:tni::acmidm::{ONBOARDING}${kind}::{name}",
        "type": kind,
        "id": name,
        "parent": parent,
        "inputs": inputs,
    }


def steps(op: str, *names: str) -> list[dict[str, Any]]:
    """Those of the components and their clients."""
    found = [resource(name, kind) for name in names for kind in (ONBOARDING, CLIENT)]
    old, new = op != "create", op != "delete"
    return [
        {
            "op": op,
            "urn": one["urn"],
            **({"oldState": one} if old else {}),
            **({"newState": one} if new else {}),
        }
        for one in found
    ]


def plan(*steps: dict[str, Any], refused: Iterable[str] = ()) -> dict[str, Any]:
    diagnostics = [{"severity": "error", "message": sentence} for sentence in refused]
    return {
        "config": {"acmidm:environment": "tni"},
        "steps": list(steps),
        "diagnostics": diagnostics,
    }
