"""Whatever a server answers becomes a value or one sentence, and no sentence holds a token."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from pulumi.runtime import rpc
from pydantic import BaseModel

from acmidm_onboarding.authorities import errors
from acmidm_onboarding.authorities.errors import (
    AlreadyRegistered,
    AuthorityError,
    NotAllowed,
    NotFound,
    Rejected,
    Unintelligible,
    Unreachable,
)
from acmidm_onboarding.authorities.http import api as http
from acmidm_onboarding.authorities.http.api import Api
from acmidm_onboarding.values.marks import MARKS
from tests.support.fake_server import (
    FakeServer,
    Reply,
    api_at,
    in_plain_http,
    in_turn,
    serving,
    talking,
)

TOKEN = "eyJ-an-access-token"


@dataclass
class FakeTokens:
    """Hands out numbered tokens."""

    renewals: list[str] = field(default_factory=list)

    def current(self) -> str:
        return f"{TOKEN}-{len(self.renewals)}"

    def renewed(self, refused: str) -> str:
        self.renewals.append(refused)
        return self.current()


class Document(BaseModel):
    name: str
    parts: list[int]


def api(server: FakeServer, *, timeout: float = 5, tokens: FakeTokens | None = None) -> Api:
    return api_at(server.url, tokens or FakeTokens(), timeout=timeout)


def error_of(reply: Reply | str, *, timeout: float = 5) -> AuthorityError:
    """What one answer raises: a single line, without the token, without other exceptions around
    it."""
    with serving(in_turn(reply)) as server, pytest.raises(AuthorityError) as caught:
        api(server, timeout=timeout).request(
            "PUT", "/clients/1", document={"client_secret": "the-secret"}
        ).as_(Document)
    sentence = str(caught.value)
    assert sentence.startswith(f"PUT {server.url}/clients/1: ")
    assert "\n" not in sentence
    assert TOKEN not in sentence
    assert "the-secret" not in sentence
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return caught.value


def test_tree_of_errors_is_drawn_whole() -> None:
    """Each class stands under its parent in the module's docstring."""

    def drawn(kind: type[AuthorityError], depth: int = 0) -> Iterator[tuple[int, str]]:
        yield depth, kind.__name__
        for child in kind.__subclasses__():
            yield from drawn(child, depth + 1)

    lines = (
        line
        for line in (errors.__doc__ or "").splitlines()
        if "─ " in line or line.strip() == "AuthorityError"
    )
    found = [
        (line.replace("│", " ").rstrip().index(name) // 4 - 1, name)
        for line in lines
        for name in [line.split("─ ")[-1].split()[0]]
    ]
    assert sorted(found) == sorted(drawn(AuthorityError))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": "invalid_client", "error_description": "unknown key"}, "unknown key"),
        ({"error": "invalid_client"}, "invalid_client"),
        ({"errorMessage": "Client exists"}, "Client exists"),
        ({"detail": 7, "error": "fallback"}, "fallback"),
        ({"detail": "x" * 5000}, "x" * 300 + ";"),
        ([], "Bad Request;"),
    ],
)
def test_what_the_server_said(body: object, said: str) -> None:
    assert said in str(error_of(Reply(400, body)))


def test_conflict_names_the_existing_client() -> None:
    error = error_of(Reply(409, {"detail": "exists", "client_id": "abc"}))
    assert isinstance(error, AlreadyRegistered)
    assert error.client_id == "abc"
    error = error_of(Reply(409, {"client_id": {"a": 1}}))
    assert isinstance(error, AlreadyRegistered)
    assert error.client_id is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(status: int) -> None:
    """The operator's token goes to the configured server alone."""
    with serving(in_turn(Reply(200, {}))) as elsewhere:
        error = error_of(Reply(status, {}, {"location": f"{elsewhere.url}/steal"}))
        assert elsewhere.requests == []
    assert isinstance(error, Rejected)
    assert "set the address to the right one" in str(error)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_nothing_for_this_machine_goes_to_a_proxy(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """It would carry the operator's token off the machine, in the clear. Addresses elsewhere need
    the proxy that the environment names."""
    with (
        serving(in_turn(Reply(200, {"from": "proxy"}))) as proxy,
        serving(in_turn(Reply(200, {"from": "portal"}))) as portal,
    ):
        monkeypatch.setenv(variable, proxy.url)
        port = portal.url.rpartition(":")[2]
        for address in (portal.url, f"http://localhost:{port}"):
            assert api_at(address, FakeTokens()).request("GET", "/x").document == {"from": "portal"}
        assert proxy.requests == []
        assert api_at("http://portal.example", FakeTokens()).request("GET", "/x").document == {
            "from": "proxy"
        }
        assert [request.path for request in proxy.requests] == ["http://portal.example/x"]


def test_https_to_a_port_without_it_is_final() -> None:
    """No time makes it speak TLS: one connection, at once a sentence."""
    connections = []

    def answer(connection: socket.socket) -> None:
        connections.append(connection)
        in_plain_http(connection)

    with (
        talking(answer) as port,
        pytest.raises(Rejected, match="does not speak https; check scheme and port"),
    ):
        api_at(f"https://127.0.0.1:{port}", deadline=3).request("GET", "/x")
    assert len(connections) == 1


def test_address_that_is_none_is_a_sentence() -> None:
    """As of a client whose ID, as a server gave it, is longer than an address may be."""
    with pytest.raises(Rejected, match="this is no address") as caught:
        api_at("http://127.0.0.1:1").request("GET", "/clients/" + "x" * 70_000)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("status", [200, 404, 403])
def test_a_page_of_html_is_no_answer(status: int) -> None:
    """A proxy's or a login page: never a document, and its 404 never means that a client is
    gone."""
    error = error_of(Reply(status, b"<html>Traceback</html>", {"content-type": "text/html"}))
    assert not isinstance(error, NotFound)
    assert "text/html" in str(error)
    assert "<html>" not in str(error)


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 100_000])
def test_json_that_does_not_parse(body: bytes) -> None:
    assert isinstance(error_of(Reply(200, body)), Unintelligible)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9007199254740992", 2**53),
        ("9007199254740993", "9007199254740993"),
        ("-9007199254740993", "-9007199254740993"),
        ("10000000000000000000000", 10**22),
        ("9007199254740993.0", "9007199254740993.0"),
        ("0.1", 0.1),
        ("0.1000000000000000055", "0.1000000000000000055"),
        ("1e400", "1e400"),
        ("1e99999999999999999999", "1e99999999999999999999"),
        ("-0", 0),
        ("NaN", "NaN"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_no_number_changes_on_its_way(text: str, value: object) -> None:
    """The engine has each number as a double. One that does not fit stays the text that the server
    sent: it is seen, and compared."""
    with serving(in_turn(Reply(200, f'{{"settings": [{text}]}}'.encode()))) as server:
        (found,) = api(server).request("GET", "/x").document["settings"]
    assert (found, type(found)) == (value, type(value))
    if isinstance(found, int | float):
        assert float(found) == found


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({"name": 7, "parts": ["x"]}, "name, parts.0"),
        ([], "document"),
        ({}, "name, parts"),
        ({"name": "n", "parts": "secret-value"}, "parts"),
        ({"name": "n", "parts": ["x"] * 10_000}, "more than 100 places"),
    ],
    ids=["two fields", "a list", "nothing", "a text", "many"],
)
def test_wrong_fields_are_named_and_values_are_not(body: object, places: str) -> None:
    """Nor are many fields: each mistake would cost a hundred times what it is on the wire."""
    error = error_of(Reply(200, body))
    assert isinstance(error, Unintelligible)
    assert f"(at {places})" in str(error)
    assert "secret-value" not in str(error)


@pytest.mark.parametrize(
    "declared", [{"content-length": str(2 * 1024**3)}, {}], ids=["declared", "undeclared"]
)
def test_huge_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch, declared: dict[str, str]) -> None:
    """Refused before it is read where its length is declared; else read no further than the limit,
    however long the server goes on."""
    monkeypatch.setattr(http, "MAXIMUM_ANSWER_BYTES", 1024 * 1024 if not declared else 1024**3)
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 65536

    error = error_of(Reply(headers=declared, chunks=endless))
    assert isinstance(error, Unintelligible)
    assert f"larger than {1024 if declared else 1} MiB" in str(error)
    assert sent < 1000, "what sockets hold on the way"


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip"])
def test_no_packed_answer_is_requested_or_read(encoding: str) -> None:
    """Nothing is unpacked, so that a small answer stays small."""
    assert f"the answer is packed ({encoding})" in str(
        error_of(Reply(200, b"no gzip", {"content-encoding": encoding}))
    )
    with serving(in_turn(Reply(200, {}))) as server:
        api(server).request("GET", "/x")
        assert server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"HTTP/1.1 200 OK\r\nx-slow: ", "no answer within 0.5 s"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n", "not complete within 0.5 s"),
    ],
    ids=["headers", "body"],
)
def test_an_answer_that_trickles_ends_with_the_time_out(start: bytes, said: str) -> None:
    """The time-out is that of the whole request, also of its headers: each byte comes in time, and
    they never end."""
    sent = 0

    def answer(connection: socket.socket) -> None:
        nonlocal sent
        connection.recv(4096)
        connection.sendall(start)
        while True:
            time.sleep(0.05)  # the server's slowness is what is tested
            connection.sendall(b"x")
            sent += 1

    with talking(answer) as port, pytest.raises(Unreachable, match=said):
        api_at(f"http://127.0.0.1:{port}", timeout=0.5).request("GET", "/x")
    assert sent < 50


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (MARKS[0], "mark of the engine 4dabf181"),
        (f"a {rpc.UNKNOWN} b", "a mark of the engine 04da6b54 b"),
        ("\ud800", "\ufffd"),
        ("Stad Gent", "Stad Gent"),
    ],
)
def test_what_the_engine_would_take_for_something_else_is_renamed(sent: str, found: str) -> None:
    """Its marks end everybody's run, and half a character cannot be sent to it. As a name and as a
    value, however it is written."""
    for text in (
        json.dumps({"a": [{sent: sent}]}),
        json.dumps({"a": [{sent: sent}]}).replace("4d", "\\u0034d"),
    ):
        with serving(in_turn(Reply(200, text.encode()))) as server:
            assert api(server).request("GET", "/x").document == {"a": [{found: found}]}


def test_what_is_nested_too_deeply_is_left_out_and_spoils_nothing_beside_it() -> None:
    deep = "[" * 500 + "]" * 500
    with serving(in_turn(Reply(200, f'{{"clients": [{{"key": {deep}}}, 7]}}'.encode()))) as server:
        bad, good = api(server).request("GET", "/x").document["clients"]
    assert good == 7
    assert str(bad).count("[") < 100
    assert "nested too deeply" in str(bad)


def test_missing_etag_is_told() -> None:
    with (
        serving(in_turn(Reply(200, {}))) as server,
        pytest.raises(Unintelligible, match="has no usable ETag"),
    ):
        _ = api(server).request("GET", "/clients/1").etag


def test_refused_token_is_renewed_exactly_once() -> None:
    """A token that ended or was revoked costs one more request; one that is refused again is an
    error."""
    tokens = FakeTokens()
    with serving(in_turn(Reply(401), Reply(200, {}))) as server:
        api(server, tokens=tokens).request("GET", "/x")
        assert [request.headers["authorization"] for request in server.requests] == [
            f"Bearer {TOKEN}-0",
            f"Bearer {TOKEN}-1",
        ]
    assert tokens.renewals == [f"{TOKEN}-0"]

    tokens = FakeTokens()
    with (
        serving(in_turn(Reply(401))) as server,
        pytest.raises(NotAllowed, match="check the operator's credentials"),
    ):
        api(server, tokens=tokens).request("GET", "/x")
    assert len(server.requests) == 2
    assert len(tokens.renewals) == 1
