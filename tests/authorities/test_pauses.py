"""A host that wants no requests for a while gets none from this run, and no other run hears of
it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from acmidm_onboarding.authorities.connected import connected
from acmidm_onboarding.authorities.errors import Unreachable
from acmidm_onboarding.authorities.http.api import Api
from acmidm_onboarding.authorities.http.pace import pause_seconds
from acmidm_onboarding.authorities.http.retry import Retrying
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_onboarding.values.terms import Platform
from tests.authorities.conftest import Clock
from tests.support.fake_server import Reply, Request, api_at, in_turn, serving
from tests.support.settings import read

GOOD = Reply(200, {"fine": True})
NOW = 1_800_000_000


def apis(url: str, deadline: float) -> tuple[Api, Api]:
    """Two APIs of one host."""
    retrying = Retrying(deadline)
    first, second = (
        Api(f"{url}/{path}", None, timeout_seconds=60, retrying=retrying) for path in "ab"
    )
    return first, second


@pytest.mark.parametrize(
    "fields",
    [
        {"RateLimit-Policy": '"a";q=9;w=60', "RateLimit": '"a";r=0;t=1'},
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"},
    ],
    ids=["RateLimit", "X-RateLimit"],
)
def test_a_host_that_wants_no_more_gets_none(fields: Mapping[str, str], clock: Clock) -> None:
    """For as long as it says, whichever of its APIs is called."""
    with serving(in_turn(Reply(200, {}, fields), GOOD)) as server:
        first, second = apis(server.url, deadline=60)
        first.request("GET", "/x")
        assert second.request("GET", "/x").document == {"fine": True}
        assert clock.monotonic() > 0.95


def test_429_is_about_all_apis_of_a_host() -> None:
    """The second one sends nothing."""
    with serving(in_turn(Reply(429, {}, {"Retry-After": "1800"}))) as server:
        first, second = apis(server.url, deadline=60)
        with pytest.raises(Unreachable, match=r"429 .*, which wants a wait of 1800 s"):
            first.request("GET", "/x")
        with pytest.raises(Unreachable, match="takes no requests for 1800 s"):
            second.request("GET", "/x")
        assert len(server.requests) == 1


def test_503_is_about_what_was_requested() -> None:
    """One API is being maintained: the others of its host are well."""

    def script(request: Request) -> Reply:
        return Reply(503, {}, {"Retry-After": "1800"}) if request.path == "/a/x" else GOOD

    with serving(script) as server:
        first, second = apis(server.url, deadline=60)
        with pytest.raises(Unreachable):
            first.request("GET", "/x")
        assert second.request("GET", "/x").document == {"fine": True}


def test_a_pause_beyond_the_deadline_is_an_error(clock: Clock) -> None:
    """At once: nothing is waited for."""
    with serving(in_turn(Reply(200, {}, {"RateLimit": '"a";r=0;t=1800'}), GOOD)) as server:
        api = api_at(server.url, deadline=60)
        api.request("GET", "/x")
        with pytest.raises(Unreachable) as caught:
            api.request("GET", "/x")
        assert clock.waited == []
        assert str(caught.value) == (
            f"{server.url} takes no requests for 1800 s; run the same command again after that"
        )
        assert len(server.requests) == 1


def test_what_begins_later_waits_for_the_rest_of_a_pause() -> None:
    """The first operation had too little time for it, and so have those that begin soon after."""
    with serving(in_turn(Reply(429, {}, {"Retry-After": "2"}), GOOD)) as server:
        api, answer = api_at(server.url, deadline=1), None
        while answer is None:
            with suppress(Unreachable):
                answer = api.request("GET", "/x")
        (wait,) = server.waits
        assert wait > 1.95


def test_nothing_of_a_pause_leaves_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another user of the machine could write to, they could stop every run with."""
    for name in ("HOME", "XDG_CACHE_HOME", "TMPDIR"):
        monkeypatch.setenv(name, str(tmp_path))
    with serving(in_turn(Reply(200, {}, {"RateLimit": '"a";r=0;t=1800'}), GOOD)) as server:
        api_at(server.url, deadline=60).request("GET", "/x")
        assert api_at(server.url, deadline=60).request("GET", "/x").document == {"fine": True}
    assert list(tmp_path.iterdir()) == []


def test_the_platforms_of_a_stack_share_what_is_known_of_a_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Retrying] = []
    monkeypatch.setattr(
        "acmidm_onboarding.authorities.connected.Api",
        lambda *_, retrying, **__: made.append(retrying),
    )
    geosecure = {
        "issuer": "https://idp.example/geosecure",
        "managementUrl": "https://idp.example/geosecure/v1",
        "productsUrl": "https://idp.example/products",
        "operatorClientId": "operator",
    }
    settings = read(
        issuer="https://idp.example/op",
        managementUrl="https://idp.example/management/v1",
        **{f"geosecure:{name}": value for name, value in geosecure.items()},
    )
    assert set(settings.platforms) == set(Platform)
    connected(settings, load_catalogue(Path("catalogue")))
    assert len(set(map(id, made))) == 2, "the products of ACM/IDM have another host"


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
        ({"retry-after": "7"}, 0),
    ],
)
def test_what_a_server_says(headers: Mapping[str, str], seconds: float) -> None:
    assert pause_seconds(200, headers, NOW) == seconds


@pytest.mark.parametrize(
    ("retry_after", "seconds"), [("7", 7), ("soon", 0), ("-1", 0), ("9" * 400, 3600)]
)
def test_what_429_says(retry_after: str, seconds: float) -> None:
    assert pause_seconds(429, {"retry-after": retry_after}, NOW) == seconds
    assert pause_seconds(503, {"retry-after": retry_after}, NOW) == 0
