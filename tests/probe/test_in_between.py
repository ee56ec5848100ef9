"""What stands between an integrator and the servers: proxies, log-on pages, another issuer, a certificate of nobody's."""

from __future__ import annotations

import datetime
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from acmidm.probe.network import Network
from acmidm_onboarding.model.secrecy import HIDDEN
from tests.probe.connection import Connection


@dataclass
class Stranger:
    """A server that answers the same to everything; ``seen`` are the requests that it got."""

    port: int
    seen: list[str] = field(default_factory=list)


@contextmanager
def stranger(
    status: int, content: str, kind: str = "text/html", tls: ssl.SSLContext | None = None, refuse: str | None = None, **headers: str
) -> Iterator[Stranger]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            found.seen.append(f"{self.command} {self.path} {self.headers.get('authorization', '')}")
            sent = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
            refused = refuse is not None and refuse in sent
            body = ('{"error": "access_denied"}' if refused else content).replace("{port}", str(found.port)).encode()
            self.send_response(400 if refused else status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_CONNECT = _answer  # noqa: N815 - the names that the base class looks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Stranger(server.server_port)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def discovery(issuer: str, endpoint: str) -> str:
    return json.dumps({"issuer": issuer, "token_endpoint": endpoint})


OWN = "http://127.0.0.1:{port}/op"
STRANGERS: dict[str, tuple[int, str, str, str]] = {
    "a log-on page": (200, "<html>Log on to the guest network</html>", "text/html", "proxy"),
    "a page that forbids": (403, "<html>Blocked by policy</html>", "text/html", "proxy"),
    "a proxy that asks who it is": (407, "", "text/plain", "proxy"),
    "a redirect": (302, "", "text/plain", "proxy"),
    "no JSON": (200, "ok", "text/plain", "proxy"),
    "an answer without end": (200, "x" * 2_000_000, "application/json", "too large"),
    "another document": (200, "{}", "application/json", "discovery:none"),
    "not there": (404, "{}", "application/json", "discovery:none"),
    "another issuer": (200, discovery("https://elsewhere.example/op", OWN), "application/json", "discovery:issuer"),
    "an endpoint elsewhere": (200, discovery(OWN, "https://elsewhere.example/token"), "application/json", "discovery:endpoint"),
    "an endpoint that begins alike": (
        200,
        discovery(OWN, "http://127.0.0.1:{port}.elsewhere.example/token"),
        "application/json",
        "discovery:endpoint",
    ),
}


@pytest.mark.parametrize("kind", STRANGERS)
def test_a_stranger_answers(connection: Connection, kind: str) -> None:
    """Told apart, and no assertion is sent to it."""
    status, content, media_type, found = STRANGERS[kind]
    with stranger(status, content, media_type, Location="https://elsewhere.example") as server:
        connection.set_stack(issuer=OWN.replace("{port}", str(server.port)))
        done = connection.probe()
        assert (done.code, done.found) == (1, [found])
        assert [request.split()[0] for request in server.seen] == ["GET"]


@pytest.mark.parametrize(
    ("status", "found"), [(407, "proxy"), (200, "proxy"), (404, "product:address"), (500, "product:failed"), (401, "product:token")]
)
def test_a_stranger_answers_for_the_api(connection: Connection, status: int, found: str) -> None:
    with stranger(
        status, "" if status == 407 else "<html></html>" if status == 200 else "{}", "text/html" if status == 200 else "application/json"
    ) as server:
        connection.set_stack(apiUrls=f"dosis=http://127.0.0.1:{server.port}/base")
        done = connection.probe()
        assert (done.code, done.found) == (1, [found])
        assert server.seen[0].startswith("GET /base/api/v2/dosis/bronnen/uris Bearer ")


def test_an_api_that_repeats_the_token() -> None:
    """Its words are shown, the token in them is not."""
    with stranger(400, '{"detail": "Bearer Zk9wq2Jh7Lm4Xv8TQp3r is refused"}', "application/json") as server:
        answer = Network(10).get(f"http://127.0.0.1:{server.port}", "Zk9wq2Jh7Lm4Xv8TQp3r")
    assert answer.said == f"Bearer {HIDDEN} is refused"


def test_a_proxy_of_the_environment_that_wants_to_know_who_you_are(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named by its variable: its address may hold a password."""
    with stranger(407, "") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:Zk9wq2Jh7Lm4Xv8T@127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        connection.set_stack(issuer="https://idp.example/op")
        done = connection.probe()
        assert (done.code, done.found) == (1, ["proxy"])
        assert "HTTPS_PROXY" in done.output
        assert "Zk9wq2Jh7Lm4Xv8T" not in done.output
        assert proxy.seen


SERVER = json.dumps({"issuer": OWN, "token_endpoint": OWN + "/token", "access_token": "made-up", "scope": "another"})
"""Everything that the probe asks an authority for, in one document."""


@pytest.mark.parametrize("refuse", [None, "scope=dv_"])
def test_a_scope_that_a_token_is_not_for(connection: Connection, refuse: str | None) -> None:
    """GeoSecure may give a token for less than was requested, and the answer says for which scopes it is. Or a server calls a refused scope
    otherwise: it gives a token without it, so it has nothing against the client."""
    with stranger(200, SERVER, "application/json", refuse=refuse) as server:
        connection.set_stack(issuer=OWN.replace("{port}", str(server.port)))
        done = connection.probe()
        assert (done.code, done.found) == (1, ["scope:not granted"] * 2)
        assert ("access_denied" in done.output) is (refuse is not None)


def test_an_api_that_nobody_answers_for(connection: Connection) -> None:
    """The authority did: something is wrong, and is known."""
    connection.set_stack(apiUrls="dosis=http://127.0.0.1:9")
    done = connection.probe()
    assert (done.code, done.found) == (1, ["unreached"])


def certificate(folder: Path) -> ssl.SSLContext:
    """A certificate for this machine, of nobody that is trusted: what a proxy that opens TLS shows."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_somebody_opens_tls(connection: Connection, tmp_path: Path) -> None:
    """Nothing is sent through a certificate of nobody's."""
    with stranger(200, "{}", "application/json", certificate(tmp_path)) as server:
        connection.set_stack(issuer=f"https://localhost:{server.port}/op")
        done = connection.probe()
        assert (done.code, done.found, server.seen) == (1, ["tls"], [])
        assert "SSL_CERT_FILE" in done.output


def test_what_speaks_no_tls(connection: Connection) -> None:
    with stranger(200, "{}") as server:
        connection.set_stack(issuer=f"https://localhost:{server.port}/op")
        assert connection.probe().found == ["tls"]
