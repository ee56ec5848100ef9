"""What stops a run before it writes anything: it could undo newer work, or work elsewhere than the
state records."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from acmidm.engine.recovery import why_not_permitted
from acmidm.engine.stacks import Listed, list_clients
from acmidm.project import project_name
from acmidm_onboarding.authorities.port import RegisteredClient
from acmidm_onboarding.settings import full_key
from acmidm_onboarding.stack import Stack, open_stack
from acmidm_onboarding.values.terms import Platform
from tests.support.by_hand_stack import recorded
from tests.support.portal import metadata
from tests.support.repository import SETTINGS, repository
from tests.support.settings import read

__all__ = ["repository"]

ELSEWHERE = "https://elders.example/management/v1"
KEY = "OVO002067/loket"


def stack_with(last: Mapping[str, Any], *clients: str, **now: Any) -> Stack:
    """A stack whose last run had the settings ``last``, and whose state has these clients."""
    provider = {
        "urn": "urn:pulumi:prod::acmidm::pulumi:providers:pulumi-python::default",
        "type": "pulumi:providers:pulumi-python",
        "inputs": {full_key(name): value for name, value in {**SETTINGS, **last}.items()},
    }
    resources = [provider]
    for client_id in clients:
        resources += recorded(f"OVO002067/{client_id}", client_id)["deployment"]["resources"]
    state = {"deployment": {"resources": resources}}
    return open_stack("prod", lambda: read(**{**SETTINGS, **now}), export=lambda _: state)


@pytest.mark.usefixtures("repository")
def test_a_stack_stays_where_its_state_says() -> None:
    """Production's addresses in the file of TNI, or another environment there, would make or
    replace every client. A state without a run says nothing, and a secret in one is no obstacle."""
    secret = {"operatorClientSecret": {"ciphertext": "x"}, "operatorPrivateKey": ""}
    assert why_not_permitted(stack_with(secret)) == []
    moved = why_not_permitted(stack_with({}, "a", managementUrl=ELSEWHERE))
    assert moved == [
        f"Pulumi.prod.yaml says that acmidm is at {ELSEWHERE}, and the clients of this stack are at"
        " https://beheer.example/management/v1: correct the addresses of acmidm in Pulumi.prod.yaml"
    ]
    (renamed,) = why_not_permitted(stack_with({"environment": "tni"}))
    assert "Pulumi.prod.yaml says acmidm:environment prod, and this stack is one of tni" in renamed
    never_run = open_stack("prod", lambda: read(**SETTINGS), export=lambda _: {})
    assert why_not_permitted(never_run) == []


def listed(stack: Stack, *clients: RegisteredClient) -> Listed:
    """What is found where the authority has these clients."""
    platform = SimpleNamespace(listed_clients=lambda: [(each.client_id, each) for each in clients])
    stack.authorities.__dict__["platforms_briefly"] = {Platform.ACMIDM: platform}
    return list_clients(stack)


def client(client_id: str, **marks: str) -> RegisteredClient:
    return RegisteredClient(client_id, metadata(**{"software_id": f"acmidm/prod/{KEY}", **marks}))


@pytest.mark.usefixtures("repository")
def test_an_authority_without_a_recorded_client_is_suspicious() -> None:
    """It is another one, or was restored from a backup. One client that is gone is only lost."""
    stack = stack_with({}, "a", "b")
    assert listed(stack, client("a"), client("b")) == Listed([], [], [])
    assert listed(stack, client("a")) == Listed(["OVO002067/b"], [], [])
    found = listed(stack, client("x"))
    assert found.lost == ["OVO002067/a", "OVO002067/b"]
    (sentence,) = found.suspicious
    assert "lacks clients that prod records (2 of 2, such as OVO002067/a)" in sentence


@pytest.mark.usefixtures("repository")
def test_an_authority_with_clients_of_the_other_environment_is_suspicious() -> None:
    """A new stack of TNI at production's addresses: there is no record to compare with."""
    stack = stack_with({})
    made = f"{project_name()}/tni"
    own = client("a", managed_by=made)
    others = client("b", software_id=f"acmidm/tni/{KEY}", managed_by="other-project/tni")
    assert listed(stack, own, others).suspicious == []
    other_environment = client("c", software_id=f"acmidm/tni/{KEY}", managed_by=made)
    (sentence,) = listed(stack, own, other_environment).suspicious
    assert f"such as acmidm/tni/{KEY}" in sentence
