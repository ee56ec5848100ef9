"""Retries happen where a failure may pass, wait as they should, end in time, and never happen
elsewhere."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from acmidm_onboarding.authorities.connected import connected
from acmidm_onboarding.authorities.errors import (
    AlreadyRegistered,
    AuthorityError,
    ChangedMeanwhile,
    NotAllowed,
    NotFound,
    Passing,
    Rejected,
    Unreachable,
)
from acmidm_onboarding.authorities.http.api import Api
from acmidm_onboarding.authorities.http.pace import retry_after_seconds
from acmidm_onboarding.authorities.http.retry import Retrying
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from tests.authorities.conftest import Clock
from tests.support.fake_server import RESET, FakeServer, Reply, Request, api_at, in_turn, serving
from tests.support.settings import read

GOOD = Reply(200, {"fine": True})


def api(server: FakeServer, *, deadline: float = 10, timeout: float = 5) -> Api:
    return api_at(server.url, timeout=timeout, deadline=deadline)


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    "failure",
    [Reply(429), Reply(502), Reply(503), Reply(504), RESET],
    ids=["429", "502", "503", "504", RESET],
)
def test_what_may_pass_is_tried_again(failure: Reply | str) -> None:
    """Counted at the server: two failures, then the answer. A POST too, with the same body: a
    natural key goes along."""
    with serving(in_turn(failure, failure, GOOD)) as server:
        assert api(server).request("POST", "/x", document={"software_id": "key"}).document == {
            "fine": True
        }
        assert [(request.method, request.body) for request in server.requests] == [
            ("POST", server.requests[0].body)
        ] * 3


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, Rejected) for status in (400, 405, 410, 422, 428, 500, 501)),
        (401, NotAllowed),
        (403, NotAllowed),
        (404, NotFound),
        (409, AlreadyRegistered),
        (412, ChangedMeanwhile),
    ],
)
def test_what_does_not_pass_is_tried_once(status: int, kind: type[AuthorityError]) -> None:
    """The error is method, URL, status, what the server said (RFC 9457), and what to do."""
    refusal = Reply(
        status, {"detail": "because\n of this."}, {"content-type": "application/problem+json"}
    )
    with serving(in_turn(refusal)) as server:
        with pytest.raises(kind) as caught:
            api(server).request("PUT", "/x")
        what, _, to_do = str(caught.value).partition("; ")
        assert what.startswith(f"PUT {server.url}/x: {status} ")
        assert what.endswith(", because of this")
        assert to_do
        assert len(server.requests) == 1


def test_waits_grow(clock: Clock) -> None:
    """From a fifth of a second, doubled each time, and up to a fifth more by chance."""
    with serving(in_turn(*[Reply(503)] * 4, GOOD)) as server:
        api(server).request("GET", "/x")
        assert len(server.requests) == 5
    longer = [wait - 0.2 * 2.0**number for number, wait in enumerate(clock.waited)]
    assert len(longer) == 4
    assert min(longer) >= 0
    assert max(longer) <= 0.2
    assert max(longer) - min(longer) > 0.001


def test_a_wait_is_waited() -> None:
    """By the machine's clock: the server sees the second request no sooner."""
    with serving(in_turn(Reply(503), GOOD)) as server:
        api(server, deadline=60).request("GET", "/x")
        assert server.waits[0] >= 0.18


def test_deadline_is_kept_and_said(clock: Clock) -> None:
    """The last try begins at the deadline, or too short before it for another."""
    with serving(in_turn(Reply(503, {"detail": "maintenance"}))) as server:
        with pytest.raises(Unreachable) as caught:
            api(server, deadline=1).request("GET", "/x")
        assert 0.95 <= sum(clock.waited) <= 1 + 1e-9
        assert len(server.requests) == len(clock.waited) + 1 > 1
        sentence = str(caught.value)
        assert sentence.startswith(
            f"GET {server.url}/x: 503 Service Unavailable, maintenance (tried"
            f" {len(server.requests)} times in "
        )
        assert sentence.endswith(
            "check the address and the server, then run the same command again"
        )
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__


@pytest.mark.usefixtures("clock")
def test_after_giving_up_each_operation_is_tried_once_until_one_succeeds() -> None:
    """A dead server costs the deadline once and not once per resource; when it is back, patience is
    too."""
    bad = Reply(503)
    with serving(in_turn(bad)) as server:
        one = api(server, deadline=0.3)
        for _ in range(5):
            with pytest.raises(Unreachable):
                one.request("GET", "/x")
        tried = len(server.requests)
        with pytest.raises(Unreachable, match="tried 1 time in"):
            one.request("GET", "/x")
        assert len(server.requests) == tried + 1

        server.script = in_turn(GOOD, bad, GOOD)
        one.request("GET", "/x")
        assert one.request("GET", "/x").document == {"fine": True}


@pytest.mark.usefixtures("clock")
def test_any_answer_ends_the_single_tries() -> None:
    """A server that says 404 is there again."""
    no_time = Reply(503, headers={"Retry-After": "3600"})
    with serving(in_turn(no_time, Reply(404), Reply(503), GOOD)) as server:
        one = api(server)
        with pytest.raises(Unreachable):
            one.request("GET", "/x")
        with pytest.raises(NotFound):
            one.request("GET", "/x")
        assert one.request("GET", "/x").document == {"fine": True}


@pytest.mark.usefixtures("clock")
def test_who_gives_up_ends_nobody_elses_retries() -> None:
    """An operation that is going on already has a deadline of its own."""
    retrying = Retrying(10)
    tries: list[int] = []

    def neighbour() -> None:
        raise Passing("the neighbour", wait_seconds=3600)

    def operation() -> str:
        tries.append(len(tries))
        if len(tries) > 1:
            return "fine"
        with pytest.raises(Unreachable):
            retrying(neighbour)
        raise Passing("not yet")

    assert retrying(operation) == "fine"


@pytest.mark.usefixtures("clock")
def test_apis_of_a_host_share_what_is_known_of_it() -> None:
    """No connection: the deadline is paid once for all of them. One of them unwell: the others keep
    their patience."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        down = f"http://127.0.0.1:{unused.getsockname()[1]}"
    retrying = Retrying(0.3)
    first, second = (
        Api(f"{down}/{path}", None, timeout_seconds=1, retrying=retrying) for path in "ab"
    )
    with pytest.raises(Unreachable, match=r"tried [2-9] times"):
        first.request("GET", "/x")
    with pytest.raises(Unreachable, match="tried 1 time in"):
        second.request("GET", "/x")

    def script(request: Request) -> Reply:
        return Reply(503, headers={"Retry-After": "3600"}) if request.path == "/a/x" else Reply(503)

    with serving(script) as server:
        retrying = Retrying(0.5)
        first, second = (
            Api(f"{server.url}/{path}", None, timeout_seconds=1, retrying=retrying) for path in "ab"
        )
        with pytest.raises(Unreachable):
            first.request("GET", "/x")
        with pytest.raises(Unreachable, match=r"tried [2-9] times"):
            second.request("GET", "/x")


def test_a_platform_retries_per_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Issuer, management API and product APIs often are one host, written with and without its
    port."""
    made: list[Retrying] = []
    monkeypatch.setattr(
        "acmidm_onboarding.authorities.connected.Api",
        lambda *_, retrying, **__: made.append(retrying),
    )
    settings = read(
        issuer="https://portal.example:443/op", managementUrl="https://portal.example/management/v1"
    )
    connected(settings, load_catalogue(Path("catalogue")))
    issuer, management, products = made
    assert issuer is management
    assert issuer is not products


def test_server_says_how_long_to_wait(clock: Clock) -> None:
    """Retry-After takes the place of a wait of ours that is shorter."""
    with serving(in_turn(Reply(429, headers={"Retry-After": "1"}), GOOD)) as server:
        api(server).request("GET", "/x")
        assert len(server.requests) == 2
    (wait,) = clock.waited
    assert 1 <= wait <= 1.2


@pytest.mark.parametrize(
    "header",
    ["0", format_datetime(datetime.now(UTC) - timedelta(seconds=5), usegmt=True)],
    ids=["0", "past"],
)
def test_server_that_asks_for_no_wait_is_not_hammered(header: str, clock: Clock) -> None:
    """Our own waits grow as ever: without that a request went out every twentieth of a second, 41
    times in two."""
    with serving(in_turn(Reply(503, headers={"Retry-After": header}))) as server:
        with pytest.raises(Unreachable):
            api(server, deadline=2).request("GET", "/x")
        assert 3 <= len(server.requests) <= 6
    assert all(wait >= 0.2 * 2.0**number for number, wait in enumerate(clock.waited[:-1]))


def test_absurd_wait_is_not_waited_for(clock: Clock) -> None:
    """An hour does not fit in the deadline: give up at once, and say what the server requests."""
    with serving(in_turn(Reply(503, headers={"Retry-After": "3600"}))) as server:
        with pytest.raises(Unreachable, match="which wants a wait of 3600 s"):
            api(server, deadline=5).request("GET", "/x")
        assert len(server.requests) == 1
    assert clock.waited == []


NO_DATES = ("Wed, 99 Foo 2026", "Mon, 01 Jan 99999999999999 00:00:00 GMT")


@pytest.mark.parametrize(
    "header", ["", "soon", "-1", "1.5", "٣", *NO_DATES, "Fri, 31 Dec 9999 23:59:59 GMT", "9" * 400]
)
def test_unusable_retry_after_falls_back(header: str) -> None:
    wait = retry_after_seconds(header)
    assert wait is None or wait > 1e9
    assert retry_after_seconds(None) is None


@pytest.mark.parametrize("zone", ["", " GMT"])
def test_a_date_is_utc_with_and_without_its_zone(zone: str) -> None:
    moment = datetime.now(UTC) + timedelta(hours=1)
    wait = retry_after_seconds(moment.strftime("%a, %d %b %Y %H:%M:%S") + zone)
    assert wait is not None
    assert 3000 < wait <= 3600  # another zone is a quarter of an hour away at least


def test_retries_say_nothing_by_themselves(caplog: pytest.LogCaptureFixture) -> None:
    """A warning would appear among the user's output; the reason and the wait are there for whoever
    asks for them."""
    caplog.set_level("INFO", logger="acmidm_onboarding")
    with serving(in_turn(Reply(503), GOOD)) as server:
        api(server).request("GET", "/x")
    logged = [record for record in caplog.records if record.name.startswith("acmidm_onboarding")]
    assert [record.levelname for record in logged] == ["INFO"]
    assert (
        f"GET {server.url}/x: 503 Service Unavailable; trying again in " in logged[0].getMessage()
    )
