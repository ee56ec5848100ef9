"""Two environments of one project: two stacks, two authorities, nothing shared."""

from __future__ import annotations

import copy
from pathlib import Path

from tests.support.engine import Project
from tests.support.forms import SEND, write_form
from tests.support.offered import offered
from tests.support.portal import RunningPortal, running_portal
from tests.support.registry import Registry


def test_environments_are_independent(tmp_path: Path, portal: RunningPortal, registry: Registry) -> None:
    """A form without prod is not in prod; what is in both has two clients; destroying one leaves the other."""
    with running_portal(tmp_path / "prod-portal", environment="prod", **offered()) as other, other.operator() as http:
        in_prod = Registry(http)
        tni, prod = Project(tmp_path / "project"), Project(tmp_path / "project", stack="prod")
        tni.connect(portal)
        prod.connect(other)
        only_tni = write_form(tni.forms, "gent/alleen-tni")
        both = write_form(tni.forms, "gent/beide")
        both.document["environments"]["prod"] = {"scopes": {SEND: {}}, "products": copy.deepcopy(both.request()["products"])}
        both.add_key("prod-key", "prod")
        both.save()

        tni.apply()
        prod.apply()

        assert in_prod.clients(only_tni.application) == []
        assert set(tni.outputs()["connections"]) == {only_tni.key, both.key}
        assert set(prod.outputs()["connections"]) == {both.key}
        here, there = registry.client(both.application), in_prod.client(both.application)
        assert (here["software_id"], there["software_id"]) == tuple(
            f"acmidm/{environment}/OVO002067/{both.application}" for environment in ("tni", "prod")
        )
        assert [key["kid"] for key in there["jwks"]["keys"]] == ["prod-key"]

        tni.succeed("destroy", "--yes", "--suppress-progress")
        assert registry.clients(both.application) == []
        assert in_prod.client(both.application) == there
        prod.in_sync()
