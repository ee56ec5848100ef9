"""What stands between an integrator and the servers: proxies, log-on pages, another issuer, a
certificate of nobody's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from acmidm.probe.network import Network
from acmidm_onboarding.values.secrecy import HIDDEN
from tests.support.connection import Connection
from tests.support.fake_server import FakeServer, Reply, Request, in_plain_http, serving, talking
from tests.support.tls_server import running_tls_server


@contextmanager
def stranger(
    status: int, content: str, kind: str = "text/html", refuse: str | None = None, **headers: str
) -> Iterator[FakeServer]:
    """A server that answers the same to everything, with its own address for ``{here}``, but to
    what has ``refuse`` in it."""

    def answer(request: Request) -> Reply:
        if refuse is not None and refuse in request.body.decode():
            return Reply(400, {"error": "access_denied"})
        return Reply(
            status,
            content.replace("{here}", server.url).encode(),
            {"content-type": kind, **headers},
        )

    with serving(answer) as server:
        yield server


def discovery(issuer: str, endpoint: str) -> str:
    return json.dumps({"issuer": issuer, "token_endpoint": endpoint})


OWN = "{here}/op"
STRANGERS: dict[str, tuple[int, str, str, str]] = {
    "a log-on page": (200, "<html>Log on to the guest network</html>", "text/html", "proxy"),
    "a page that forbids": (403, "<html>Blocked by policy</html>", "text/html", "proxy"),
    "a proxy that asks who it is": (407, "", "text/plain", "proxy"),
    "a redirect": (302, "", "text/plain", "proxy"),
    "no JSON": (200, "ok", "text/plain", "proxy"),
    "an answer without end": (200, "x" * 2_000_000, "application/json", "too large"),
    "another document": (200, "{}", "application/json", "discovery:none"),
    "not there": (404, "{}", "application/json", "discovery:none"),
    "another issuer": (
        200,
        discovery("https://elsewhere.example/op", OWN),
        "application/json",
        "discovery:issuer",
    ),
    "an endpoint elsewhere": (
        200,
        discovery(OWN, "https://elsewhere.example/token"),
        "application/json",
        "discovery:endpoint",
    ),
    "an endpoint that begins alike": (
        200,
        discovery(OWN, "{here}.elsewhere.example/token"),
        "application/json",
        "discovery:endpoint",
    ),
}


@pytest.mark.parametrize("kind", STRANGERS)
def test_a_stranger_answers(connection: Connection, kind: str) -> None:
    """Told apart, and no assertion is sent to it."""
    status, content, media_type, found = STRANGERS[kind]
    with stranger(status, content, media_type, Location="https://elsewhere.example") as server:
        connection.set_stack(issuer=f"{server.url}/op")
        done = connection.probe()
        assert (done.code, done.found) == (1, [found])
        assert [request.method for request in server.requests] == ["GET"]


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (407, "proxy"),
        (200, "proxy"),
        (404, "product:address"),
        (500, "product:failed"),
        (401, "product:token"),
    ],
)
def test_a_stranger_answers_for_the_api(connection: Connection, status: int, found: str) -> None:
    with stranger(
        status,
        "" if status == 407 else "<html></html>" if status == 200 else "{}",
        "text/html" if status == 200 else "application/json",
    ) as server:
        connection.set_stack(apiUrls={"dosis": f"{server.url}/base"})
        done = connection.probe()
        assert (done.code, done.found) == (1, [found])
        assert (server.requests[0].method, server.requests[0].path) == (
            "GET",
            "/base/api/v2/dosis/bronnen/uris",
        )
        assert server.requests[0].headers["authorization"].startswith("Bearer ")


REFUSALS: dict[str, tuple[int, object, str, str]] = {
    "one member": (
        400,
        {"errors": [{"field": "Producten[0].Id"}]},
        "product:message",
        '"Producten[0].Id"',
    ),
    "an Id that exists": (400, {"code": "1071"}, "product:exists", "is gelukt"),
    "no details": (400, {"code": "x", "errors": ["x"]}, "product:failed", "(status 400)"),
    "what is missing": (
        403,
        {"field": "Identificatie.Bron"},
        "product:unconfigured",
        '"Identificatie.Bron"',
    ),
    "something is missing": (
        403,
        {"field": 1},
        "product:unconfigured",
        "Aanbieder, Afzender, product, kanaal of bron",
    ),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_an_api_that_refuses(connection: Connection, kind: str) -> None:
    """By the published forms, whatever else an answer has."""
    status, document, found, said = REFUSALS[kind]
    with stranger(status, json.dumps(document), "application/json") as server:
        connection.set_stack(apiUrls={"dosis": server.url})
        assert connection.probe().found == [found]
        assert said in connection.run().output


def test_an_api_that_repeats_the_token() -> None:
    """Its words are shown, the token in them is not."""
    with stranger(
        400, '{"detail": "Bearer Zk9wq2Jh7Lm4Xv8TQp3r is refused"}', "application/json"
    ) as server:
        answer = Network(10).get(server.url, "Zk9wq2Jh7Lm4Xv8TQp3r")
    assert answer.explanation == f"Bearer {HIDDEN} is refused"


def test_a_proxy_of_the_environment_that_wants_to_know_who_you_are(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named by its variable: its address may hold a password."""
    with stranger(407, "") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//user:Zk9wq2Jh7Lm4Xv8T@"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        connection.set_stack(issuer="https://idp.example/op")
        done = connection.probe()
        assert (done.code, done.found) == (1, ["proxy"])
        assert "HTTPS_PROXY" in done.output
        assert "Zk9wq2Jh7Lm4Xv8T" not in done.output
        assert proxy.requests


SERVER = json.dumps(
    {"issuer": OWN, "token_endpoint": OWN + "/token", "access_token": "made-up", "scope": "another"}
)
"""Everything that the probe asks an authority for, in one document."""


@pytest.mark.parametrize("refuse", [None, "scope=dv_"])
def test_a_scope_that_a_token_is_not_for(connection: Connection, refuse: str | None) -> None:
    """GeoSecure may give a token for less than was requested, and the answer says for which scopes
    it is. Or a server calls a refused scope otherwise: it gives a token without it, so it has
    nothing against the client."""
    with stranger(200, SERVER, "application/json", refuse=refuse) as server:
        connection.set_stack(issuer=f"{server.url}/op")
        done = connection.probe()
        assert (done.code, done.found) == (1, ["scope:not granted"] * 2)
        assert ("access_denied" in done.output) is (refuse is not None)


def test_an_api_that_nobody_answers_for(connection: Connection) -> None:
    """The authority did: something is wrong, and is known."""
    connection.set_stack(apiUrls={"dosis": "http://127.0.0.1:9"})
    done = connection.probe()
    assert (done.code, done.found) == (1, ["unreached"])


def test_somebody_opens_tls(connection: Connection, tmp_path: Path) -> None:
    """Nothing is sent through a certificate of nobody's."""
    with running_tls_server(tmp_path, "localhost") as server:
        connection.set_stack(issuer=f"https://localhost:{server.port}/op")
        done = connection.probe()
        assert (done.code, done.found, server.requests) == (1, ["tls"], [])
        assert "SSL_CERT_FILE" in done.output


def test_what_speaks_no_tls(connection: Connection) -> None:
    with talking(in_plain_http) as port:
        connection.set_stack(issuer=f"https://127.0.0.1:{port}/op")
        assert connection.probe().found == ["tls"]
