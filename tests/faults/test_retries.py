"""What is tried again, how often and how fast; and what never is. The provider's own connections, real requests, no engine."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path

import pytest

from acmidm_onboarding.authorities.connected import ConnectedPlatform
from acmidm_onboarding.authorities.errors import AuthorityError, NotAllowed, Unreachable
from tests.faults.between import REQUEST_TIMEOUT_SECONDS, RETRY_DEADLINE_SECONDS, metadata, platform_through
from tests.support import faults
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.portal import RunningPortal
from tests.support.registry import Registry

CLIENTS = "/management/v1/clients"
PASSING: dict[str, Fault] = {
    "429": faults.answer(429),
    "502": faults.answer(502, b"<html>Bad Gateway</html>", "text/html"),
    "503": faults.answer(503),
    "504": faults.answer(504),
    "cut": faults.cut_before,
    "reset": faults.reset,
    "cut-midway": faults.cut_midway,
}
FINAL = (400, 401, 403, 404, 409, 412, 422)


@pytest.fixture
def client_id(platform: ConnectedPlatform, proxy: FaultProxy) -> str:
    """A client that exists; what its registration sent is forgotten."""
    client_id = platform.authority.register(metadata(uuid.uuid4().hex), None).client_id
    proxy.heal()
    return client_id


def waits(proxy: FaultProxy, method: str, path: str = CLIENTS) -> list[float]:
    """The seconds between the tries of a request."""
    return [later.at - earlier.at for earlier, later in pairwise(proxy.seen(method, path))]


def grow(found: list[float]) -> bool:
    """From a fifth of a second, doubled each time, and more by chance. How much longer each takes is up to the machine as well.

    The last one is cut short by the deadline.
    """
    longer = [wait - 0.2 * 2.0**number for number, wait in enumerate(found[:-1])]
    return min(longer) >= -0.02 and max(longer) - min(longer) > 0.01


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_what_passes_is_tried_again(platform: ConnectedPlatform, proxy: FaultProxy, client_id: str, fault: Fault) -> None:
    """Twice in vain, then well: three requests, and the caller does not notice."""
    proxy.rule("GET", CLIENTS, fault, times=2)
    assert platform.authority.read(client_id) is not None
    assert len(proxy.seen("GET", CLIENTS)) == 3


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_writes_are_tried_again_too(platform: ConnectedPlatform, proxy: FaultProxy, client_id: str, fault: Fault) -> None:
    proxy.rule("PUT", CLIENTS, fault, times=2)
    platform.authority.replace_scopes(client_id, None, {"dv_organisatieregister_info": False})
    assert platform.authority.read_scopes(client_id) == {"dv_organisatieregister_info": False, "vo_info": False}
    assert len(proxy.seen("PUT", CLIENTS)) == 3


def test_waits_grow_with_jitter_until_the_deadline(platform: ConnectedPlatform, proxy: FaultProxy, client_id: str) -> None:
    """From a fifth of a second, doubling, each a little more by chance; then one sentence with the figures."""
    proxy.rule("GET", CLIENTS, faults.answer(503), times=None)
    with pytest.raises(Unreachable) as raised:
        platform.authority.read(client_id)
    found = waits(proxy, "GET")
    assert 4 <= len(found) <= 8
    assert grow(found)
    assert sum(found) <= RETRY_DEADLINE_SECONDS + 2
    assert f"tried {len(found) + 1} times in " in str(raised.value)
    assert "503" in str(raised.value)


def test_a_server_that_is_down_costs_the_deadline_once(platform: ConnectedPlatform, proxy: FaultProxy, client_id: str) -> None:
    """The next operations get a single try each, until one succeeds."""
    rule = proxy.rule("GET", CLIENTS, faults.answer(503), times=None)
    for tries in (None, 1, 1):
        before = rule.seen
        with pytest.raises(Unreachable):
            platform.authority.read(client_id)
        assert tries is None or rule.seen - before == tries
    proxy.heal()
    assert platform.authority.read(client_id) is not None
    proxy.rule("GET", CLIENTS, faults.answer(503), times=2)
    assert platform.authority.read(client_id) is not None


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("kind", ["seconds", "date"])
def test_retry_after_is_honoured(platform: ConnectedPlatform, proxy: FaultProxy, client_id: str, status: int, kind: str) -> None:
    """The server's wait takes the place of our own: a second or more where ours would be a fifth. A date has whole seconds."""
    value = "1" if kind == "seconds" else format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True)
    proxy.rule("GET", CLIENTS, faults.answer(status, headers={"retry-after": value}))
    assert platform.authority.read(client_id) is not None
    assert len(proxy.seen("GET", CLIENTS)) == 2
    assert waits(proxy, "GET")[0] >= 0.9


@pytest.mark.parametrize("value", ["0", "Thu, 01 Jan 2026 00:00:00 GMT"], ids=["0", "past"])
def test_a_wait_of_nothing_is_no_leave_to_hammer(platform: ConnectedPlatform, proxy: FaultProxy, client_id: str, value: str) -> None:
    """Our own waits stay the least there is, and go on growing."""
    proxy.rule("GET", CLIENTS, faults.answer(503, headers={"retry-after": value}), times=None)
    with pytest.raises(Unreachable):
        platform.authority.read(client_id)
    found = waits(proxy, "GET")
    assert 4 <= len(found) <= 8
    assert grow(found)


@pytest.mark.parametrize("value", ["86400", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_wait_beyond_the_deadline_is_not_waited(platform: ConnectedPlatform, proxy: FaultProxy, client_id: str, value: str) -> None:
    """One try, at once an error that says what the server asks for."""
    proxy.rule("GET", CLIENTS, faults.answer(429, headers={"retry-after": value}), times=None)
    with pytest.raises(Unreachable, match=r"429 .*which wants a wait of .* s \(tried 1 time "):
        platform.authority.read(client_id)
    assert len(proxy.seen("GET", CLIENTS)) == 1


@pytest.mark.parametrize("value", ["soon", "-1", "3.5", "", "٣", "Mon, 99 Foo 2026 00:00:00 GMT"])
def test_a_retry_after_that_says_nothing_is_ignored(platform: ConnectedPlatform, proxy: FaultProxy, client_id: str, value: str) -> None:
    proxy.rule("GET", CLIENTS, faults.answer(429, headers={"retry-after": value}))
    assert platform.authority.read(client_id) is not None
    assert waits(proxy, "GET")[0] < 2.5


@pytest.mark.parametrize("fault", [faults.time_out_before, faults.dripping(0.2)], ids=["hanging", "dripping"])
def test_slow_answers_are_cut_off_and_tried_again(
    portal: RunningPortal, proxy: FaultProxy, client_id: str, tmp_path: Path, fault: Fault
) -> None:
    """A body of a byte every 0.2 s never times out by itself, and takes a minute: the whole answer has its second."""
    platform = platform_through(proxy.origin, portal, tmp_path, request_timeout_seconds=REQUEST_TIMEOUT_SECONDS)
    proxy.rule("GET", CLIENTS, fault)
    assert platform.authority.read(client_id) is not None
    assert REQUEST_TIMEOUT_SECONDS <= waits(proxy, "GET")[0] < 10


@pytest.mark.parametrize("status", FINAL)
@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_what_is_refused_is_not_tried_again(
    platform: ConnectedPlatform, proxy: FaultProxy, client_id: str, status: int, method: str
) -> None:
    """One request. 401 gets a second with a new token, 412 five with a fresh read before each: neither is blind."""
    # The document's own path: the list is what tells a client that is gone from a wrong address.
    path = f"{CLIENTS}$" if method == "POST" else f"{CLIENTS}/"
    proxy.rule(method, path, faults.answer(status, b"{}"), times=None)
    acts: dict[str, Callable[[], object]] = {
        "GET": lambda: platform.authority.read(client_id),
        "PUT": lambda: platform.authority.replace_scopes(client_id, None, {"dv_organisatieregister_info": False}),
        "POST": lambda: platform.authority.register(metadata(uuid.uuid4().hex), None),
    }
    act = acts[method]
    if (method, status) == ("GET", 404):
        assert act() is None
    else:
        with pytest.raises(AuthorityError, match=str(status)):
            act()
    expected = {401: 2, 412: 5 if method == "PUT" else 1}.get(status, 1)
    assert len(proxy.seen(method, path)) == expected
    if method == "PUT":
        assert len(proxy.seen("GET", CLIENTS)) == (5 if status == 412 else 1)


def test_401_renews_the_token_once(platform: ConnectedPlatform, proxy: FaultProxy, client_id: str) -> None:
    """A revoked token: one token request, one request more with the new token."""
    proxy.rule("GET", CLIENTS, faults.answer(401))
    assert platform.authority.read(client_id) is not None
    assert len(proxy.seen("POST", "/token$")) == 1
    old, new = (request.headers["authorization"] for request in proxy.seen("GET", CLIENTS))
    assert old != new


def test_401_for_ever_ends_after_one_renewal(platform: ConnectedPlatform, proxy: FaultProxy, client_id: str) -> None:
    proxy.rule("GET", CLIENTS, faults.answer(401), times=None)
    with pytest.raises(NotAllowed, match="check the operator's credentials"):
        platform.authority.read(client_id)
    assert len(proxy.seen("POST", "/token$")) == 1
    assert len(proxy.seen("GET", CLIENTS)) == 2


def test_token_endpoint_is_tried_again(platform: ConnectedPlatform, proxy: FaultProxy) -> None:
    """Discovery and token request too; an assertion's jti is used once, so each try has a new one."""
    proxy.rule("GET", "openid-configuration$", faults.answer(503), times=2)
    proxy.rule("POST", "/token$", faults.cut_after, times=2)
    client = platform.authority.register(metadata(uuid.uuid4().hex), None)
    assert client.client_id
    assert len(proxy.seen("GET", "openid-configuration$")) == 3
    assert len(proxy.seen("POST", "/token$")) == 3


def test_412_reads_and_decides_again(platform: ConnectedPlatform, proxy: FaultProxy, registry: Registry, client_id: str) -> None:
    """The document changed between read and write: read afresh, written under the new ETag."""
    proxy.rule("PUT", CLIENTS, faults.after(lambda: registry.set_scopes(client_id, ["dv_wr_geschetsteweg_beheer"])))
    platform.authority.replace_scopes(client_id, None, {"dv_organisatieregister_info": False})
    puts = proxy.seen("PUT", "/scopes$")
    assert [request.status for request in puts] == [412, 200]
    assert puts[0].headers["if-match"] != puts[1].headers["if-match"]
    assert len(proxy.seen("GET", "/scopes$")) == 2
