"""What authorities know of the use of keys is read of four clients at a time."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from acmidm.desk.facts import _Answers
from acmidm_onboarding.authorities.port import KeyUse
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.terms import Environment, Platform
from tests.support.busy import Busy


def test_four_clients_are_read_at_a_time() -> None:
    busy = Busy(4)

    class Authority:
        def keys_in_use(self, _: str) -> Mapping[str, KeyUse]:
            busy()
            return {}

    platform = SimpleNamespace(authority=Authority(), clients={})
    authorities: Any = SimpleNamespace(stack="tni", platforms_briefly={Platform.ACMIDM: platform})
    clients = [
        Client(f"OVO000001/{number}", Platform.ACMIDM, Environment.TNI, client_id=f"id-{number}")
        for number in range(12)
    ]
    assert len(_Answers(authorities, clients).uses) == 12
    assert busy.most == 4
