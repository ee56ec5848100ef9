"""A repository's stack whose authority people change by hand, without an engine: its state is
given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from acmidm.orders.writing import confirm
from acmidm_onboarding.rules.orders import Act, Order
from acmidm_onboarding.stack import Stack, open_stack
from acmidm_onboarding.stack_files import stack_settings
from acmidm_onboarding.values.confirmation import Attestation
from tests.support.confirmed import BY, CLIENT_ID
from tests.support.repository import Repository

NAME = "hand"
CONFIRMED = Path("confirmed/hand/acmidm")


def set_by_hand(repository: Repository, **changes: object) -> None:
    """Writes the stack's file."""
    by_hand: dict[str, object] = {
        "environment": "tni",
        "authority": "by_hand",
        "confirmedFolder": str(CONFIRMED),
        "protectClients": "false",
        "keyOverlapDays": "0",
        **dict.fromkeys(("managementUrl", "operatorClientId")),
    }
    repository.set(NAME, **{**by_hand, **changes})


def opened(
    state: Mapping[str, Any] | None = None,
    now: datetime | None = None,
    name: str = NAME,
    last_run: Mapping[str, Any] | None = None,
) -> Stack:
    """The stack in the working directory, as it is now."""
    return open_stack(
        name,
        lambda: stack_settings(name, Path()),
        export=lambda _: state or {},
        history=lambda _: [last_run] if last_run else [],
        now=now,
    )


def recorded(key: str, client_id: str = CLIENT_ID, *, protected: bool = False) -> Mapping[str, Any]:
    """A state that has a client, and nothing of it but its ID."""
    kind = "pulumi-python:dynamic/acmidm:OAuthClient"
    resource = {
        "urn": f"urn:pulumi:{NAME}::acmidm::acmidm:index:Onboarding${kind}::{key}",
        "type": kind,
        "id": client_id,
        "protect": protected,
        "inputs": {
            "platform": "acmidm",
            "client_name": "x",
            "organisation": {"name": "Stad Gent"},
            "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "private_key_jwt",
            "contacts": ["a@stad-gent.example"],
        },
    }
    return {"deployment": {"resources": [resource]}}


def order_of(stack: Stack, part: str) -> Order:
    """The one order of a part."""
    (order,) = [one for one in stack.orders if one.part == part]
    return order


def carry_out(
    stack: Stack, client_id: str = CLIENT_ID, key: str | None = None, by: Attestation = BY
) -> None:
    """Confirm all orders, or those of one client, until there is none."""
    for _ in range(3):
        for order in orders_of(stack, key):
            given = {Act.CREATE: {"client_id": client_id}, Act.LOOK: {"keys": ()}}
            confirm(stack, order, by, **given.get(order.act, {}))  # type: ignore[arg-type]
            stack = stack.confirmed_anew()
    assert orders_of(stack, key) == []


def orders_of(stack: Stack, key: str | None = None) -> list[Order]:
    """All orders, or those of one client."""
    return [order for order in stack.orders if key in (None, order.client_key[0])]
