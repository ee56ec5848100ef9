"""What ends of a connection whose form has a mistake, as the inputs that a run changes; the rest is
as the state has it, which ``deployments/test_mistakes_on_main`` has on the real engine."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from acmidm_onboarding.recorded import AsRecorded
from acmidm_onboarding.resources import as_recorded
from acmidm_onboarding.resources.client_jwks import ClientJwksProvider
from acmidm_onboarding.rules.mistaken import Ending
from acmidm_onboarding.values.terms import Platform
from tests.resources.world import World
from tests.support.portal import new_key, public_jwk
from tests.support.registry import Registry

LENT, OWN = new_key("lent"), new_key("own")
URN = "urn:pulumi:tni::acmidm::acmidm:index:Onboarding${}::OVO002067/loket"


@pytest.mark.parametrize("in_portal", [False, True])
def test_a_lent_key_goes_and_no_other(
    world: World,
    registry: Registry,
    client_id: str,
    monkeypatch: pytest.MonkeyPatch,
    in_portal: bool,
) -> None:
    """From a list, or out of the portal that the keys were left to: there nothing is declared."""
    monkeypatch.setattr(pulumi, "get_stack", lambda: "tni")
    registry.set_keys(client_id, [LENT, OWN])
    jwks = None if in_portal else {str(key.kid): public_jwk(key) for key in (LENT, OWN)}
    inputs: dict[str, Any] = {
        "platform": "acmidm",
        "client_id": client_id,
        "jwks": jwks,
        "lent": {LENT.thumbprint(): "leverancier"},
    }
    kind = "pulumi-python:dynamic/acmidm:ClientJwks"
    resource = {"type": kind, "urn": URN.format(kind), "inputs": inputs}
    ending = {Platform.ACMIDM: Ending(keys=frozenset({LENT.thumbprint()}))}
    changed = as_recorded._changed_inputs(
        resource, AsRecorded("OVO002067/loket", [resource], ending)
    )
    provider = world.provider(ClientJwksProvider)
    checked = provider.check(inputs, {**inputs, **changed}).inputs
    assert checked is not None
    assert "lent" not in checked
    assert checked.get("jwks") == (None if in_portal else {"own": public_jwk(OWN)})
    provider.update(client_id, inputs, checked)
    there = registry.http.get(f"/management/v1/clients/{client_id}/jwks").json()["keys"]
    assert [key["kid"] for key in there] == ["own"]
