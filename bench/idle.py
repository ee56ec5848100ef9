"""A program with as many dynamic resources as this project has, nested alike, whose provider does
nothing."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider


class _Nothing(ResourceProvider):
    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(props.get("name", "part"), props)


class _Idle(Resource, module="bench", name="Idle"):
    def __init__(self, name: str, props: dict[str, Any], parent: pulumi.Resource) -> None:
        super().__init__(_Nothing(), name, props, pulumi.ResourceOptions(parent=parent))


class _Connection(pulumi.ComponentResource):
    def __init__(self, name: str, scopes: int) -> None:
        super().__init__("bench:index:Connection", name)
        client = _Idle(name, {"name": name}, self)
        for part in range(3):
            _Idle(f"{name}/{part}", {"client_id": client.id, "scopes": scopes}, self)


def run(connections: int, scopes_of_first: int) -> None:
    """Declare that many connections. Another number of scopes makes one change, in the first."""
    for number in range(connections):
        scopes = 1 if number else scopes_of_first
        _Connection(f"connection-{number}", scopes)
