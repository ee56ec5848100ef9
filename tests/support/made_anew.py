"""What Pulumi's users do that makes resources anew, and what people have of their clients
afterwards."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.support.engine import ROOT, Project, kind_of, place_of
from tests.support.forms import FormFile
from tests.support.registry import Registry

BELOW = "below a component"
DELETED_FIRST = "deleted before it is replaced"
OF_ANOTHER_TYPE = "of another type"

_PROGRAM = f"""
import json
from pathlib import Path

from acmidm_onboarding.resources.oauth_client import OAuthClient

ways = json.loads(Path("ways.json").read_text())


class Towns(pulumi.ComponentResource):
    def __init__(self):
        super().__init__("towns:index:Towns", "towns")


class Client(OAuthClient, module="acmidm", name="Client"):
    pass


def client(connection, *args):
    another = ways.get(connection.key) == "{OF_ANOTHER_TYPE}"
    return (Client if another else OAuthClient)(connection, *args)


def of_clients(args):
    way = ways.get(args.name) if args.type_.endswith("acmidm:OAuthClient") else None
    if way == "{DELETED_FIRST}":
        options = pulumi.ResourceOptions(delete_before_replace=True)
        merged = pulumi.ResourceOptions.merge(args.opts, options)
        return pulumi.ResourceTransformationResult(args.props, merged)


vars(sys.modules["acmidm_onboarding.onboarding"])["OAuthClient"] = client
pulumi.runtime.register_stack_transformation(of_clients)
below = {{"opts": pulumi.ResourceOptions(parent=Towns())}}
"""


def with_ways(project: Project, ways: Mapping[str, str]) -> None:
    """Give the program what its users may add to it: per connection's key the way in which its
    resources are made anew."""
    (project.folder / "ways.json").write_text(json.dumps(ways))
    program = (ROOT / "__main__.py").read_text()
    for plain, changed in (
        ("import pulumi\n", "import sys\n\nimport pulumi\n"),
        ("settings = read_settings()", f"{_PROGRAM}\nsettings = read_settings()"),
        (
            "Onboarding(key, args)",
            f'Onboarding(key, args, **(below if ways.get(key) == "{BELOW}" else {{}}))',
        ),
    ):
        assert plain in program
        program = program.replace(plain, changed)
    (project.folder / "__main__.py").write_text(program)


def urn_of(project: Project, place: str) -> str:
    """The URN of a resource, which is named as ``OAuthClient OVO002067/loket``."""
    resources = project.stored()["resources"]
    (urn,) = [one["urn"] for one in resources if place_of(one["urn"]) == place]
    return str(urn)


def there(registry: Registry, forms: Sequence[FormFile]) -> dict[str, Any]:
    """What people have of their connections: client-ID, scopes, keys and products."""
    found = registry.everything(*(form.application for form in forms))
    shown = ("client_id", "software_id", "managed_by", "scopes", "jwks", "products")
    return {
        application: [{name: client[name] for name in shown} for client in clients]
        for application, clients in found.items()
    }


def recorded(project: Project, *forms: FormFile) -> set[str]:
    """The client-IDs that the state has of these forms, by whatever resources."""
    resources = project.stored()["resources"]
    keys = [form.key for form in forms]
    clients = (one for one in resources if kind_of(one["urn"]) in ("OAuthClient", "Client"))
    return {
        one["outputs"]["client_id"] for one in clients if one["urn"].rpartition("::")[2] in keys
    }


def is_whole(
    project: Project, registry: Registry, forms: Sequence[FormFile], before: dict[str, Any]
) -> None:
    """All is as it was before, at the authority and in the state."""
    assert there(registry, forms) == before
    project.in_sync()
    drift = project.acmidm("drift", "--stack", "tni")
    assert drift.code == 0, drift.output
    assert recorded(project, *forms) == {clients[0]["client_id"] for clients in before.values()}
