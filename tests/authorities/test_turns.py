"""A limit on requests holds for all processes of a machine, and a server that wants no more gets
none."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from acmidm_onboarding.authorities.connected import connected
from acmidm_onboarding.authorities.errors import Passing, Rejected, Unintelligible, Unreachable
from acmidm_onboarding.authorities.http.api import Api
from acmidm_onboarding.authorities.http.retry import Retrying
from acmidm_onboarding.authorities.http.turns import Turns, pause_seconds
from acmidm_onboarding.forms.loading import load_catalogue
from acmidm_onboarding.values.terms import Platform
from tests.settings.test_settings import read
from tests.support.fake_server import FakeServer, Reply, Request, in_turn, serving

GOOD = Reply(200, {"fine": True})
NOW = 1_800_000_000
SENDER = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from tests.authorities.test_turns import sender

given = json.loads(sys.argv[1])
api = sender(**given["sender"])
with ThreadPoolExecutor(4) as threads:
    list(threads.map(lambda _: api.request("GET", "/x"), range(given["requests"])))
"""


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def sender(
    url: str, per_second: int | None = None, at_once: int | None = None, deadline: float = 60
) -> Api:
    retrying = Retrying(deadline, Turns(url, per_second, at_once, deadline))
    return Api(url, None, timeout_seconds=60, retrying=retrying)


def processes(count: int, requests: int, **of_sender: object) -> list[subprocess.Popen[bytes]]:
    """Real ones, which each send so many requests, four at once where they may."""
    given = json.dumps({"sender": of_sender, "requests": requests})
    return [subprocess.Popen([sys.executable, "-c", SENDER, given]) for _ in range(count)]


class Busy:
    """A server that waits a moment for one request more than it may get at once."""

    def __init__(self, limit: int) -> None:
        self.limit, self.open, self.most = limit, 0, 0
        self._changed = threading.Condition()

    def __call__(self, _: Request) -> Reply:
        with self._changed:
            self.open += 1
            self.most = max(self.most, self.open)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.open > self.limit, timeout=0.05)
            self.open -= 1
        return GOOD


def test_two_processes_together_send_no_more_at_once() -> None:
    busy = Busy(2)
    with serving(busy) as server:
        assert [one.wait(60) for one in processes(2, 12, url=server.url, at_once=2)] == [0, 0]
        assert len(server.requests) == 24
    assert busy.most == 2


def test_nobody_waits_for_a_place_for_ever() -> None:
    """Whoever has it may be suspended."""
    turns = Turns("http://host", None, 1, 0.1)
    with turns.take(), pytest.raises(Passing, match="takes no more requests for now"), turns.take():
        pytest.fail("two have the one place")


def test_two_processes_together_send_no_more_in_a_second() -> None:
    """None is early. The moments are those at which the server reads a request, a little after it
    was sent."""
    with serving(in_turn(GOOD)) as server:
        assert [one.wait(60) for one in processes(2, 15, url=server.url, per_second=20)] == [0, 0]
        moments = sorted(request.at for request in server.requests)
    assert len(moments) == 30
    assert moments[-1] - moments[0] > 29 / 20 * 0.95


def test_a_killed_process_gives_its_place_back() -> None:
    """One that is killed while the server has its request; until then nobody else gets the only
    place."""
    arrived, ended = threading.Event(), threading.Event()

    def script(request: Request) -> Reply:
        arrived.set()
        if request is server.requests[0]:
            ended.wait(60)
        return GOOD

    with serving(script) as server:
        (killed,) = processes(1, 1, url=server.url, at_once=1)
        assert arrived.wait(60)
        (waiting,) = processes(1, 1, url=server.url, at_once=1)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(3)
        assert len(server.requests) == 1
        killed.send_signal(signal.SIGKILL)
        assert waiting.wait(60) == 0
        ended.set()
        killed.wait(60)


def test_a_server_that_wants_no_more_gets_none() -> None:
    """From nobody, for as long as it says, without any setting."""
    enough = Reply(200, {}, {"RateLimit-Policy": '"a";q=9;w=60', "RateLimit": '"a";r=0;t=1'})
    with serving(in_turn(enough, GOOD)) as server:
        sender(server.url).request("GET", "/x")
        sender(server.url).request("GET", "/x")
        assert server.waits[0] > 0.95


def test_a_wait_that_is_too_long_is_an_error() -> None:
    enough = Reply(200, {}, {"RateLimit": '"a";r=0;t=1800'})
    with serving(in_turn(enough, GOOD)) as server:
        sender(server.url).request("GET", "/x")
        with pytest.raises(
            Unreachable, match=rf"{server.url} takes no more .*, which wants a wait of 1800 s"
        ):
            sender(server.url).request("GET", "/x")
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"ratelimit": '"a";r=1;t=30'}, 0),
        ({"ratelimit": '"a";r=0;t=30'}, 30),
        ({"ratelimit": '"a";t=30;r=0, "b";r=5;t=99'}, 30),
        ({"ratelimit": '"a";r=0', "ratelimit-policy": '"a";q=100;w=60'}, 60),
        ({"ratelimit": '"a";r=0'}, 0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "7"}, 7),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "7"}, 7),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "7"}, 0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOW + 9)}, 9),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOW - 9)}, 0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, 0),
        ({"ratelimit": '"a";r=0;t=999999999'}, 3600),
    ],
)
def test_what_a_server_says(headers: Mapping[str, str], seconds: float) -> None:
    assert pause_seconds(headers, NOW) == seconds


@pytest.fixture
def fine() -> Iterator[FakeServer]:
    with serving(in_turn(GOOD)) as server:
        yield server


@pytest.mark.parametrize("text", ["", "soon", "nan", "inf", "99999999999"])
def test_a_file_that_is_no_use_stops_nobody(fine: FakeServer, tmp_path: Path, text: str) -> None:
    """As one that a full disk, or another clock, has left."""
    sender(fine.url, per_second=1000).request("GET", "/x")
    (file,) = tmp_path.rglob("next")
    file.write_text(text)
    start = time.monotonic()
    sender(fine.url, per_second=1000, deadline=0).request("GET", "/x")
    assert time.monotonic() - start < 60


def test_without_a_limit_nothing_is_kept(fine: FakeServer, tmp_path: Path) -> None:
    sender(fine.url).request("GET", "/x")
    assert list(tmp_path.iterdir()) == []


def test_a_limit_that_cannot_be_kept_is_an_error(fine: FakeServer, tmp_path: Path) -> None:
    (tmp_path / "acmidm").write_text("no folder")
    for limit in ({"per_second": 1}, {"at_once": 1}):
        with pytest.raises(
            Rejected,
            match=r"limit on requests cannot be kept in .*acmidm/turns.* and nothing was sent",
        ):
            sender(fine.url, **limit).request("GET", "/x")
    sender(fine.url).request("GET", "/x")


def test_each_platform_has_limits_of_its_own(fine: FakeServer, tmp_path: Path) -> None:
    """By its settings, whatever is sent: here the look at its issuer."""
    addresses = {name: f"{fine.url}/{name}" for name in ("issuer", "managementUrl", "productsUrl")}
    of_geosecure = {f"geosecure:{name}": address for name, address in addresses.items()}
    settings = read(
        **addresses,
        **of_geosecure,
        **{"geosecure:operatorClientId": "operator", "geosecure:requestsAtOnce": 1},
    )
    platforms = connected(settings, load_catalogue(Path("catalogue")))
    for name, files in ((Platform.ACMIDM, []), (Platform.GEOSECURE, ["place-0"])):
        with pytest.raises(Unintelligible):
            platforms[name].authority.read("client")
        assert [file.name for file in tmp_path.rglob("*-0")] == files
