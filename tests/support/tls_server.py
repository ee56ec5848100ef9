"""A web server that speaks TLS on loopback, under any host name, with an authority of its own."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.support.fault_proxy import NOTHING_BEHIND, Exchange, Fault, FaultProxy, Reply


@dataclass
class TlsServer:
    """Where it is, who trusts it, and what it answers."""

    port: int
    trusted: ssl.SSLContext
    answer: Fault
    requests: list[str] = field(default_factory=list)


def answering(content: bytes, **headers: str) -> Fault:
    """Answer with this content."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return lambda exchange: exchange.reply(Reply(200, named, content))


@contextmanager
def running_tls_server(folder: Path, host: str) -> Iterator[TlsServer]:
    """A server for ``host``; it ends with the block."""
    own, trusted = self_signed(folder, host)

    def answer(exchange: Exchange) -> None:
        server.requests.append(exchange.request.path)
        server.answer(exchange)

    with FaultProxy(NOTHING_BEHIND, own) as proxy:
        server = TlsServer(proxy.port, trusted, answering(b"{}"))
        proxy.rule(".*", "", answer, times=None)
        yield server


def self_signed(folder: Path, host: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The context of a server whose certificate nobody else signed, and that of who trusts it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    builder = x509.CertificateBuilder(
        name,
        name,
        key.public_key(),
        x509.random_serial_number(),
        now - timedelta(hours=1),
        now + timedelta(1),
    )
    builder = builder.add_extension(
        x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False
    )
    certificate = builder.add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    ).sign(key, hashes.SHA256())
    public, pem = certificate.public_bytes(Encoding.PEM), folder / "server.pem"
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + public)
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(pem)
    return own, ssl.create_default_context(cadata=public.decode())
