"""What each version left in a state, brought up by this one: nothing of it changes.

A version that changes what a state has adds its own, see ``tests/support/written_state.py``.
"""

from __future__ import annotations

import json
import pickle
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import pytest

from acmidm_onboarding.installed import VERSION
from acmidm_onboarding.recorded import VERSION as OUTPUT
from acmidm_onboarding.recorded import recorded_in
from tests.support.engine import Project, place_of
from tests.support.portal import RunningPortal
from tests.support.written_state import FOLDER, STATE, put_back

VERSIONS = sorted(folder.name for folder in FOLDER.iterdir())
KINDS = {
    "Onboarding",
    "OAuthClient",
    "ClientScopes",
    "ClientJwks",
    "ProductConfiguration",
    "HandOver",
    "RandomPassword",
}
_SEEN_ANEW = ("__provider", OUTPUT)
"""What each run writes anew: the path of a provider, and the version."""


@pytest.mark.usefixtures("random_plugin")
@pytest.mark.parametrize("version", VERSIONS)
def test_a_state_of_a_version_stays_as_it_is(
    version: str, project: Project, portal: RunningPortal
) -> None:
    """By the program, the forms and the settings of that version: a run changes no resource, and
    lists show each connection."""
    put_back(FOLDER / version, project, portal)
    before = resources_of(project)
    assert {place.split()[0] for place in before} >= KINDS

    done = project.succeed("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert "warning" not in done.output, done.output
    after = resources_of(project)
    assert after.keys() == before.keys()
    assert {place: one for place, one in after.items() if one != before[place]} == {}
    assert {
        one["outputs"][OUTPUT]
        for one in project.stored()["resources"]
        if one["type"] == "acmidm:index:Onboarding"
    } == {VERSION}

    status = project.acmidm("status", "--stack", "tni", "--output", "json")
    listed = {
        (one["key"], one["platform"]): one["client_id"]
        for one in json.loads(status.stdout)["connections"]
    }
    assert listed == {
        (key_of(place), one["inputs"]["platform"]): one["id"]
        for place, one in before.items()
        if place.startswith("OAuthClient ")
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_version_recorded_is_still_read(version: str) -> None:
    """Outputs are not compared by a preview: the marks by which a resource knows its own, when a
    secret was set, what was mailed, and who may act for whom."""
    clients = recorded_in(state_of(version)).parts
    assert len(clients) == len({client.client_id for client in clients.values()}) >= 7
    for client in clients.values():
        assert client.fields["incarnation"]
        assert all(product.owner.incarnation for product in client.products.values())
        assert client.record.handed_over
        assert bool(client.record.handed_over.sent_at) != bool(client.form.adopts)
    by_name = {name.partition("/")[2]: client for name, client in clients.items()}
    secret = by_name["geheim"]
    assert (secret.secret.generation, secret.secret.is_there) == (2, True)
    assert secret.secret.updated_at
    assert by_name["meldingen/geosecure"].client_id == "40001"
    assert by_name["meldingen"].products.keys() == {"notificaties", "dosis"}
    assert set(by_name["van-leverancier"].keys.lent.values()) == {"leverancier"}
    assert by_name["van-leverancier"].form.mandate["supplier"] == "leverancier"
    assert (by_name["vertrekt"].form.retire, by_name["vertrekt"].form.keep) == (
        {"acmidm": "2999-12-31"},
        True,
    )
    assert by_name["in-het-portaal"].keys.declared is None


@pytest.mark.parametrize("version", VERSIONS)
def test_each_provider_in_a_state_is_still_there(version: str) -> None:
    """The engine loads the provider that a state names to remove or read what it made."""
    resources = state_of(version)["deployment"]["resources"]
    providers = {
        one["inputs"]["__provider"] for one in resources if "__provider" in one.get("inputs", {})
    }
    assert len(providers) == len(KINDS - {"Onboarding", "RandomPassword"})
    for provider in providers:
        assert pickle.loads(b64decode(provider))  # noqa: S301 - a file of the tests


def state_of(version: str) -> dict[str, Any]:
    """The export that a version left."""
    return dict(json.loads((FOLDER / version / STATE).read_text()))


def resources_of(project: Project) -> dict[str, dict[str, Any]]:
    """What the state has of each resource, but for the stack, its providers, and secrets."""
    return {
        place_of(one["urn"]): {
            "id": one.get("id"),
            "protect": one.get("protect"),
            **{side: compared(one.get(side) or {}) for side in ("inputs", "outputs")},
        }
        for one in project.stored()["resources"]
        if not one["type"].startswith("pulumi:")
    }


def compared(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Properties without what each run writes anew, and without ciphertexts."""
    return {
        name: value
        for name, value in properties.items()
        if name not in _SEEN_ANEW and "ciphertext" not in str(value)
    }


def key_of(place: str) -> str:
    """The key of the connection in the name of a resource."""
    return "/".join(place.split(" ")[1].split("/")[:2])
