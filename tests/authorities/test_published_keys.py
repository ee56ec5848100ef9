"""Keys at an address: what is fetched, from whom, and that nothing inside is ever reached."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import httpcore
import pytest
from typer.testing import CliRunner

from acmidm.cli import app
from acmidm.report import online
from acmidm_onboarding.authorities import published_keys
from acmidm_onboarding.authorities.published_keys import (
    MOST_BYTES,
    PublicNetwork,
    fetch_keys,
    is_public,
    problems_of,
)
from acmidm_onboarding.rules.policies import Profile
from acmidm_onboarding.values.jwk import public_jwk
from acmidm_onboarding.values.problems import Unusable
from acmidm_onboarding.values.terms import MOST_KEYS, Environment
from tests.support.fault_proxy import Exchange, Fault
from tests.support.tls_server import TlsServer, answering, running_tls_server
from tests.support.workspace import FORM, Workspace, private_key, public_key

HOST = "keys.gent.example"
ADDRESS = f"https://{HOST}/jwks.json"
PUBLIC = "93.184.215.14"
NOW = datetime(2026, 11, 1, tzinfo=UTC)


class Loopback(httpcore.SyncBackend):
    """Leads each connection to a server on this machine, and notes where it was to lead."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connected: list[tuple[str, int]] = []

    def connect_tcp(self, host: str, port: int, *more: Any, **named: Any) -> httpcore.NetworkStream:
        self.connected.append((host, port))
        return super().connect_tcp("127.0.0.1", self.port, *more, **named)


class Names:
    """A resolver whose answers are these, one after another: the last one stays."""

    def __init__(self, *answers: Iterable[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, *_: object) -> Iterable[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    with running_tls_server(tmp_path_factory.mktemp("tls"), HOST) as running:
        yield running


def fetch(server: TlsServer, *addresses: Iterable[str], address: str = ADDRESS) -> Any:
    return fetch_keys(
        address,
        PublicNetwork(Names(*(addresses or ([PUBLIC],))), Loopback(server.port)),
        server.trusted,
    )


def published(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


def key(kid: str = "one", **more: Any) -> dict[str, Any]:
    return {**public_key(kid, kty="EC", crv="P-256"), "alg": "ES256", **more}


def test_the_keys_are_fetched_from_the_address_that_was_checked(server: TlsServer) -> None:
    """The name is resolved once: what it leads to a moment later is never asked, and TLS still
    verifies the name."""
    server.answer, server.requests = (
        answering(published(key(), key("two"), {**key("three"), "use": "enc"})),
        [],
    )
    names, network = Names([PUBLIC], ["127.0.0.1"]), Loopback(server.port)
    found = fetch_keys(f"{ADDRESS}?of=loket", PublicNetwork(names, network), server.trusted)
    assert [one.kid for one in found] == ["one", "two"]
    assert (names.asked, network.connected, server.requests) == (
        1,
        [(PUBLIC, 443)],
        ["/jwks.json?of=loket"],
    )


NOT_PUBLIC = """127.0.0.1 127.8.8.8 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1
255.255.255.255
    ::1 :: fe80::1 fe80::1%eth0 fd00::1 ff02::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:a9fe:a9fe 64:ff9b::7f00:1
    64:ff9b:1::a00:1
    ::7f00:1 ::ffff:0:a00:1 fec0::1 64:ff9b::a9fe:a9fe 2002:7f00:1:: 2001:0:4136:e378:8000:63bf:3fff:fdd2"""  # noqa: E501


@pytest.mark.parametrize("address", NOT_PUBLIC.split())
def test_what_is_not_public_is_not_reached(server: TlsServer, address: str) -> None:
    """Not even where a public address stands beside it."""
    server.answer, server.requests = answering(published(key())), []
    assert not is_public(address)
    for addresses in ([address], [PUBLIC, address]):
        network = Loopback(server.port)
        with pytest.raises(Unusable, match="leads to an address that is not public"):
            fetch_keys(ADDRESS, PublicNetwork(Names(addresses), network), server.trusted)
        assert (network.connected, server.requests) == ([], [])


@pytest.mark.parametrize(
    "address",
    [
        PUBLIC,
        "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
        "::ffff:93.184.215.14",
        "64:ff9b::5db8:d70e",
    ],
)
def test_what_is_public_is(address: str) -> None:
    assert is_public(address)


def test_the_machines_own_names_lead_inside() -> None:
    """The real resolver, as the command has it: also a number is resolved first, and judged by what
    it means."""
    for host in ("localhost", "2130706433", "0x7f.1", "127.1"):
        with pytest.raises(Unusable, match=r"not public|leads nowhere"):
            PublicNetwork().connect_tcp(host, 443, 5.0)


def pouring(content: bytes, pause: float = 0, length: str = "connection: close") -> Fault:
    """Answer with this again and again, until whoever asked has enough."""

    def answer(exchange: Exchange) -> None:
        exchange.send(f"HTTP/1.1 200 OK\r\n{length}\r\n\r\n".encode())
        while True:
            exchange.send(content)
            time.sleep(pause)  # the server's slowness is what is tested

    return answer


REFUSED: dict[str, tuple[Any, str]] = {
    "a redirect to another host": (
        answering(b"", 302, location="https://169.254.169.254/"),
        "redirects, which is not followed",
    ),
    "a redirect to itself": (
        answering(b"", 301, location=ADDRESS),
        "redirects, which is not followed",
    ),
    "no such page": (answering(b"", 404), "answers 404 in place of a JWK Set"),
    "a page": (answering(b"<html>"), "answers with no JWK Set"),
    "packed": (answering(b"\x1f\x8b\x08", content_encoding="gzip"), "answers with no JWK Set"),
    "too much": (answering(b" " * (MOST_BYTES + 1)), "answers with more than 64 KiB"),
    "without end": (pouring(b" " * 4096), "answers with more than 64 KiB"),
    "byte by byte": (
        pouring(b" ", 0.05, "content-length: 1000000"),
        "was not answered whole within",
    ),
    "deep": (answering(b"[" * 60_000), "answers with no JWK Set"),
    "no keys": (answering(published()), "a list of one key or more"),
    "no list": (answering(b'{"keys": {}}'), "a list of one key or more"),
    "a private key": (
        answering(published(key(), private_key("ec", kty="EC", crv="P-256"))),
        "contains the private member d",
    ),
    "a private key that encrypts": (
        answering(published(key(), {**private_key("ec", kty="EC", crv="P-256"), "use": "enc"})),
        "contains the private member d",
    ),
    "a short key": (
        answering(published(key(), public_key("small", size=1024))),
        "number 2 is an RSA key of 1024 bits",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_set_of_public_keys_is_refused(
    server: TlsServer, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer, sentence = REFUSED[case]
    monkeypatch.setattr(published_keys, "MOST_SECONDS", 0.5 if case == "byte by byte" else 10.0)
    with pytest.raises(Unusable) as refused:
        fetch(server)
    assert sentence in str(refused.value)
    assert private_key("ec", kty="EC", crv="P-256")["d"] not in str(refused.value)


def test_a_server_that_cannot_be_trusted_or_reached_is_named_as_that(server: TlsServer) -> None:
    server.answer, server.requests = answering(published(key())), []
    with pytest.raises(Unusable, match="has a certificate that cannot be verified"):
        fetch(server, address="https://other.gent.example/jwks.json")
    with pytest.raises(Unusable, match="has a certificate that cannot be verified"):
        fetch_keys(ADDRESS, PublicNetwork(Names([PUBLIC]), Loopback(server.port)))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(Unusable, match="cannot be reached"):
            fetch_keys(ADDRESS, PublicNetwork(Names([PUBLIC]), Loopback(closed.getsockname()[1])))
    with pytest.raises(Unusable, match="leads nowhere"):
        fetch(server, [])
    assert server.requests == []


def test_a_resolver_that_does_not_answer_is_not_waited_for(
    server: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published_keys, "MOST_SECONDS", 0.2)
    answers = Event()

    def never(_host: str, _port: int) -> Iterable[str]:
        answers.wait()
        return [PUBLIC]

    with pytest.raises(Unusable, match="was not answered whole within"):
        fetch_keys(ADDRESS, PublicNetwork(never, Loopback(server.port)), server.trusted)
    answers.set()


def test_an_address_that_fails_makes_room_for_the_next(server: TlsServer) -> None:
    server.answer = answering(published(key()))

    class FirstFails(Loopback):
        def connect_tcp(
            self, host: str, port: int, *more: Any, **named: Any
        ) -> httpcore.NetworkStream:
            stream = super().connect_tcp(host, port, *more, **named)
            if len(self.connected) == 1:
                stream.close()
                raise httpcore.ConnectError("refused")
            return stream

    network = FirstFails(server.port)
    assert fetch_keys(ADDRESS, PublicNetwork(Names([PUBLIC, "1.1.1.1"]), network), server.trusted)
    assert network.connected == [(PUBLIC, 443), ("1.1.1.1", 443)]


def problems(*keys: dict[str, Any], profile: Profile = Profile.ACMIDM) -> list[str]:
    return list(problems_of([public_jwk(one) for one in keys], Environment.TNI, profile, (), NOW))


def test_the_keys_satisfy_what_keys_in_files_do() -> None:
    later, earlier = ((NOW + timedelta(days=days)).timestamp() for days in (100, -1))
    assert problems(key(exp=later)) == []
    assert problems(key(exp=earlier), key("two", exp=later)) == []
    assert problems() == ["has no key that signs; publish one with use sig"]
    assert problems(key(exp=earlier)) == ["has no key that has not ended; publish a new one"]
    assert (
        problems(key(), {**key("two"), "kid": "one"})[0]
        == "has two keys with one kid; give each a kid of its own"
    )
    assert problems(*(key(f"k{number}") for number in range(MOST_KEYS + 1))) == [
        "has 6 keys that sign; publish 5 at most"
    ]
    [sentence] = problems(
        {**public_key("tni"), "alg": "RS256", "exp": later}, profile=Profile.FAPI2
    )
    assert 'key "tni" signs with RS256' in sentence


@pytest.fixture
def online_form(
    workspace: Workspace, server: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> Workspace:
    workspace.write_form(FORM.replace("jwks: [tni.jwk.json]", f"jwks_uri: {ADDRESS}"))
    network = PublicNetwork(Names([PUBLIC]), Loopback(server.port))
    monkeypatch.setattr(
        online, "fetch_keys", lambda address: fetch_keys(address, network, server.trusted)
    )
    return workspace


@pytest.mark.usefixtures("online_form")
def test_validate_online_reports_them_at_the_line_of_their_address(server: TlsServer) -> None:
    """And only if it is told to: without ``--online`` nothing is sent."""
    server.answer, server.requests = (
        answering(published(key(), private_key("ec", kty="EC", crv="P-256"))),
        [],
    )
    command = ["validate", "onboardings"]
    assert CliRunner().invoke(app, command).exit_code == 0
    assert server.requests == []
    result = CliRunner().invoke(app, [*command, "--online"])
    assert result.exit_code == 1
    assert (
        result.output
        == f"onboardings/gent/mijn-gent.yaml:7:15: {ADDRESS} has a key that cannot be used: it"
        " contains the private member d; make a new pair, as this one has been shared, and give"
        " its public half alone\n"
    )
    server.answer = answering(published(key()))
    result = CliRunner().invoke(app, [*command, "--online"])
    assert (result.exit_code, result.output) == (0, "1 form, 2 connections: all valid\n")
