"""Resources of this project as a state of the engine has them."""

from __future__ import annotations

from typing import Any


def resource(
    kind: str,
    name: str,
    inputs: dict[str, Any],
    parent: str = "acmidm:index:Onboarding",
    **more: Any,
) -> dict[str, Any]:
    kind = f"pulumi-python:dynamic/acmidm:{kind}"
    return {
        "urn": f"urn:pulumi:prod::acmidm::{parent}${kind}::{name}",
        "type": kind,
        "inputs": inputs,
        **more,
    }
