"""What is tried again, by the provider's own connections to a real portal.

How often, how fast, and what never is: ``test_retry.py`` and ``test_http.py`` in
``tests/authorities`` have each case.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from acmidm_onboarding.authorities.connected import ConnectedPlatform
from acmidm_onboarding.authorities.errors import Unreachable
from tests.support import faults
from tests.support.between import REQUEST_TIMEOUT_SECONDS, RETRY_DEADLINE_SECONDS, platform_through
from tests.support.fault_proxy import FaultProxy
from tests.support.portal import RunningPortal, metadata

CLIENTS = "/management/v1/clients"


@pytest.fixture
def client_id(platform: ConnectedPlatform, proxy: FaultProxy) -> str:
    """A client that exists; what its registration sent is forgotten."""
    client_id = platform.authority.register(metadata(), None, {}, {}).client_id
    proxy.heal()
    return client_id


def test_the_settings_are_the_limits(
    portal: RunningPortal, proxy: FaultProxy, client_id: str, tmp_path: Path
) -> None:
    """One request has a second for its whole answer, and is tried again then; all tries together
    have four, and then a sentence."""
    platform = platform_through(
        proxy.origin, portal, tmp_path, request_timeout_seconds=REQUEST_TIMEOUT_SECONDS
    )
    proxy.rule("GET", CLIENTS, faults.time_out_before)
    assert platform.authority.read_metadata(client_id) is not None
    first, second = proxy.seen("GET", f"{CLIENTS}/{client_id}$")[:2]
    assert REQUEST_TIMEOUT_SECONDS <= second.at - first.at < 10
    proxy.heal()
    proxy.rule("GET", CLIENTS, faults.answer(503), times=None)
    with pytest.raises(Unreachable, match=r"503 .*tried [4-9] times in "):
        platform.authority.read_metadata(client_id)
    tries = proxy.seen("GET", CLIENTS)
    assert tries[-1].at - tries[0].at <= RETRY_DEADLINE_SECONDS + 2


def test_token_endpoint_is_tried_again(platform: ConnectedPlatform, proxy: FaultProxy) -> None:
    """Discovery and token request too; an assertion's ``jti`` is used once, so each try has a new
    one."""
    proxy.rule("GET", "openid-configuration$", faults.cut_before, times=2)
    proxy.rule("POST", "/token$", faults.cut_after, times=2)
    assert platform.authority.register(metadata(), None, {}, {}).client_id
    assert len(proxy.seen("GET", "openid-configuration$")) == 3
    assert (
        len({request.body for request in proxy.seen("POST", "/token$")})
        == len(proxy.seen("POST", "/token$"))
        == 3
    )
