"""A state that somebody edited by hand, with pulumi stack export and import: no client pays for a
slip in it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.engine import Project
from tests.support.forms import PLAIN, write_form
from tests.support.made_anew import there
from tests.support.registry import Registry


@pytest.mark.parametrize(
    "outputs",
    [pytest.param(False, marks=pytest.mark.exhaustive), True],
    ids=["its id", "its output too"],
)
def test_the_client_id_of_another_client_writes_nothing_into_that(
    project: Project, registry: Registry, outputs: bool
) -> None:
    """It got the first one's keys and scopes, with exit code 0: its own application was locked out,
    and another one let in."""
    own, other = forms = [
        write_form(project.forms, f"gent/{name}", scopes=(PLAIN,)) for name in ("own", "other")
    ]
    project.apply()
    before = there(registry, forms)

    def confuse(deployment: dict[str, Any]) -> None:
        clients = {
            one["urn"].rpartition("::")[2]: one
            for one in deployment["resources"]
            if one["type"].endswith(":OAuthClient")
        }
        clients[own.key]["id"] = clients[other.key]["id"]
        if outputs:
            clients[own.key]["outputs"]["client_id"] = clients[other.key]["id"]

    project.change_state(confuse)
    refused = project.up()
    client_id = before[other.application][0]["client_id"]
    assert (refused.code, there(registry, forms)) == (1, before), refused.output
    assert (
        f"client {client_id} is that of acmidm/tni/{other.key} in acmidm/tni, and nothing of"
        f" acmidm/tni/{own.key}" in refused.output
    )
    own.remove()
    project.up()
    assert there(registry, forms) == before, "nor does the form's removal take anything"
