"""What is not the authority: a bad certificate, a redirect, a page of HTML, an answer without end. Refused at once, in one sentence."""

from __future__ import annotations

import gzip
import json
import ssl
import tracemalloc
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from acmidm_onboarding.authorities import collection, http
from acmidm_onboarding.authorities.connected import ConnectedPlatform
from acmidm_onboarding.authorities.errors import AlreadyRegistered, Rejected, TooLarge, Unintelligible
from acmidm_onboarding.authorities.http import MAXIMUM_ANSWER_BYTES
from acmidm_onboarding.authorities.port import Authority, Owner
from acmidm_onboarding.settings import InvalidSettings, read_settings
from tests.faults.between import metadata, platform_through
from tests.support import faults
from tests.support.fault_proxy import FaultProxy
from tests.support.portal import RunningPortal
from tests.unit.components.fake_server import FakeServer, Reply, Request, serving
from tests.unit.components.test_gone import beheerportaal, keycloak

TWO_GIGABYTES = 2 * 1024**3
# What sockets hold on the way, on both sides.
IN_FLIGHT_BYTES = 16 * 1024**2
MOST_MEMORY_BYTES = 160 * 1024**2


@contextmanager
def at_most(limit_bytes: int) -> Iterator[None]:
    """What is allocated meanwhile, at its height: not what the process ever used, which earlier tests have raised."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit_bytes
    finally:
        tracemalloc.stop()


def self_made(folder: Path) -> ssl.SSLContext:
    """A server's context with a certificate for 127.0.0.1 that nobody else signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "self-made.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_self_made_certificate_is_refused(portal: RunningPortal, tmp_path: Path) -> None:
    """No request gets through, none is tried again: time does not make a certificate good."""
    with FaultProxy(portal.origin, self_made(tmp_path)) as proxy:
        platform = platform_through(proxy.origin, portal, tmp_path)
        with pytest.raises(Rejected, match=r"the server's certificate cannot be verified; check the address"):
            platform.authority.read("any")
        assert proxy.requests == []
        assert proxy.connections == 1


def test_redirect_is_not_followed(platform: ConnectedPlatform, proxy: FaultProxy, portal: RunningPortal) -> None:
    """The place it points at sees nothing, the access token least of all."""
    with FaultProxy(portal.origin) as elsewhere:
        for status in (301, 302, 303, 307, 308):
            proxy.heal()
            proxy.rule("GET", "/clients/", faults.answer(status, headers={"location": f"{elsewhere.origin}/management/v1/clients/x"}))
            with pytest.raises(Rejected, match=rf"{status} .*redirects, which is never followed: set the address"):
                platform.authority.read("any")
            assert len(proxy.seen("GET", "/clients/")) == 1
        assert elsewhere.requests == []


@pytest.mark.parametrize("status", [200, 404])
def test_html_is_refused(platform: ConnectedPlatform, proxy: FaultProxy, status: int) -> None:
    """A sign-in page is no client, and a gateway's 404 does not mean that the client is gone."""
    proxy.rule("GET", "/clients/", faults.answer(status, b"<html><title>Sign in</title></html>", "text/html; charset=utf-8"))
    with pytest.raises(Unintelligible, match="check the address"):
        platform.authority.read("any")
    assert len(proxy.seen("GET", "/clients/")) == 1


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "undeclared"])
def test_two_gigabytes_are_not_read(portal: RunningPortal, proxy: FaultProxy, tmp_path: Path, declared: bool) -> None:
    """Refused before the first byte where its length is declared, at the limit where it is not; memory stays small."""
    platform = platform_through(proxy.origin, portal, tmp_path)
    proxy.rule("GET", "/clients/", faults.huge(TWO_GIGABYTES, declared=declared))
    with at_most(MOST_MEMORY_BYTES), pytest.raises(Unintelligible, match="the answer is larger than 32 MiB; check the address"):
        platform.authority.read("any")
    (request,) = proxy.seen("GET", "/clients/")
    assert request.sent_bytes < IN_FLIGHT_BYTES + (0 if declared else MAXIMUM_ANSWER_BYTES)


@pytest.mark.parametrize("layers", [1, 2])
def test_small_answer_that_unpacks_large_is_refused(portal: RunningPortal, proxy: FaultProxy, tmp_path: Path, layers: int) -> None:
    """Nothing is unpacked: 256 MiB of zeros are 256 kB on the wire, and 1 kB where they are packed twice."""
    platform = platform_through(proxy.origin, portal, tmp_path)
    packed = bytes(256 * 1024**2)
    for _ in range(layers):
        packed = gzip.compress(packed, compresslevel=1)
    encoding = ", ".join(["gzip"] * layers)
    proxy.rule("GET", "/clients/", faults.answer(200, packed, "application/json", {"content-encoding": encoding}))
    with at_most(MOST_MEMORY_BYTES), pytest.raises(Unintelligible, match=rf"the answer is packed \({encoding}\)"):
        platform.authority.read("any")


def test_a_list_without_end_is_refused(platform: ConnectedPlatform, proxy: FaultProxy) -> None:
    """A server that gives the same page for ever."""
    proxy.rule("GET", r"/clients\?", faults.answer(200, b'{"items": [], "next": "1"}', "application/json"), times=None)
    with pytest.raises(Unintelligible, match="the list has no end"):
        list(platform.authority.clients())
    assert len(proxy.seen("GET", r"/clients\?")) == 2


def client_at(number: int, **more: Any) -> dict[str, Any]:
    """A client as both authorities have it, each in members of its own."""
    metadata = {"client_name": "n", "organisation": {"name": "o"}, "application": "a", "grant_types": [], "contacts": [], "scopes": []}
    own = {"client_id": f"c{number}", **metadata, "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []}}
    return {"id": f"i{number}", "clientId": f"c{number}", "serviceAccountsEnabled": True, **own, **more}


def page_of(items: Sequence[object], request: Request) -> Reply:
    """What either authority answers that has these clients."""
    query = {name: int(value) for name, value in parse_qsl(urlsplit(request.path).query)}
    if "max" in query:
        return Reply(body=items[query["first"] :][: query["max"]])
    end = query.get("after", 0) + query["limit"]
    return Reply(body={"items": items[query.get("after", 0) : end], "next": str(end) if end < len(items) else None})


@pytest.mark.parametrize("authority", [beheerportaal, keycloak])
@pytest.mark.parametrize(("is_new", "most_requests"), [(False, 2), (True, 6)])
def test_a_list_that_goes_on_is_refused(
    authority: Callable[[FakeServer], Authority], is_new: bool, most_requests: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same page for every place, or always others: memory and time have an end."""
    monkeypatch.setattr(collection, "_MOST_IN_ALL", 1_000)
    numbers = count()

    def script(request: Request) -> Reply:
        begin = next(numbers) * 200 if is_new else 0
        items = [client_at(number) for number in range(begin, begin + 200)]
        return Reply(body=items if "first=" in request.path else {"items": items, "next": str(next(numbers))})

    with serving(script) as server, pytest.raises(Unintelligible, match="/clients: the list has no end; check the server"):
        list(authority(server).clients())
    assert len(server.requests) == most_requests


@pytest.mark.parametrize("authority", [beheerportaal, keycloak])
def test_a_page_that_is_too_large_is_asked_for_in_parts(
    authority: Callable[[FakeServer], Authority], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few clients with much in them take nobody's list away, and cost a few requests."""
    monkeypatch.setattr(http, "MAXIMUM_ANSWER_BYTES", 400_000)
    clients = [client_at(number, padding="x" * 150_000 if 300 < number < 307 else "") for number in range(700)]
    with serving(lambda request: page_of(clients, request)) as server:
        found = [snapshot.client.client_id for snapshot in authority(server).clients()]
    assert found == [f"c{number}" for number in range(700)]
    assert len(server.requests) < 60


def test_a_client_that_is_too_large_by_itself_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is neither gone nor ours, and all others are as they are; where not even its name is read, nothing is believed."""
    monkeypatch.setattr(http, "MAXIMUM_ANSWER_BYTES", 400_000)
    clients = [client_at(number, padding="x" * 500_000 if number == 7 else "") for number in range(20)]

    def as_keycloak_writes(request: Request) -> Reply:
        return Reply(body=json.dumps(page_of(clients, request).body, separators=(",", ":")).encode())

    with serving(as_keycloak_writes) as server:
        found = [snapshot.client for snapshot in keycloak(server).clients()]
    assert [client.client_id for client in found] == [f"c{number}" for number in range(20)]
    assert [client.client_id for client in found if client.metadata.owner == Owner("unreadable", "unreadable")] == ["c7"]
    clients[7] = {"padding": "x" * 500_000, **clients[7]}
    with serving(as_keycloak_writes) as server, pytest.raises(TooLarge):
        list(keycloak(server).clients())


def test_garbage_in_place_of_an_answer_to_a_write(platform: ConnectedPlatform, proxy: FaultProxy) -> None:
    """The client was made, and the answer says nothing: an error, and the next create finds it."""
    wanted = metadata(uuid.uuid4().hex)
    proxy.rule("POST", "/clients$", faults.committed_but(201, b"[]", "application/json"))
    with pytest.raises(Unintelligible):
        platform.authority.register(wanted, None)
    with pytest.raises(AlreadyRegistered) as found:
        platform.authority.register(wanted, None)
    client = platform.authority.read(str(found.value.client_id))
    assert client is not None
    assert client.metadata == wanted


@pytest.mark.parametrize("key", ["managementUrl", "issuer", "productsUrl"])
def test_plain_http_goes_to_loopback_only(key: str) -> None:
    values = {
        "environment": "tni",
        "managementUrl": "http://127.0.0.1:8511/management/v1",
        "issuer": "http://localhost:8511/op",
        "productsUrl": "http://[::1]:8511/products/v1",
        "operatorClientId": "operator",
    }
    assert read_settings(values.get, {})
    for address in ("http://portaal.example/", "http://127.0.0.1.example/", "http://10.0.0.1/", "ftp://127.0.0.1/"):
        with pytest.raises(InvalidSettings, match=key):
            read_settings({**values, key: address}.get, {})
