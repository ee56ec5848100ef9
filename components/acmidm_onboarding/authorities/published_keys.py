"""Fetch the public keys that an organisation publishes at an address, and say what is wrong with
them.

The address comes out of a form, so that it is untrusted: only a public web server is ever reached.
A host is resolved once, each of its addresses is checked, and the connection goes to a checked one;
TLS still verifies the host's name. No redirect is followed, nothing of the environment's proxies is
used, and size and time are bounded.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import httpcore

from acmidm_onboarding.authorities.http.deadlines import Deadlines
from acmidm_onboarding.rules.policies import Planned, Profile, Situation, violations
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.jwk import InvalidJwk, PublicJwk, readable_jwk
from acmidm_onboarding.values.jwk_set import parse_keys
from acmidm_onboarding.values.key_address import key_address
from acmidm_onboarding.values.metadata import Jwks
from acmidm_onboarding.values.problems import Unusable
from acmidm_onboarding.values.terms import MOST_KEYS, AuthMethod, Environment

MOST_BYTES = 65_536
MOST_SECONDS = 10.0
_OK, _REDIRECTS = 200, range(300, 400)
_HEADERS = (
    ("accept", "application/jwk-set+json, application/json"),
    ("accept-encoding", "identity"),
)

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052 §2.1: an IPv4 address, where a network has IPv6 alone."""
_UNICAST = ipaddress.IPv6Network("2000::/3")
"""RFC 4291 §2.4: every global address; the others are a network's own, or stand for IPv4 addresses
in older ways."""

Resolve = Callable[[str, int], Iterable[str]]
"""The IP addresses of a host."""


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, by the machine's own resolver. Raises OSError."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class PublicNetwork(httpcore.NetworkBackend):
    """The public network alone: a host with any address that is not public is not reached at all.

    ``connect`` makes the connections, to addresses that were checked.
    """

    def __init__(
        self, resolve: Resolve = resolve, connect: httpcore.NetworkBackend | None = None
    ) -> None:
        self._resolve = resolve
        self._connect = connect or httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = list(dict.fromkeys(self._resolved(host, port, timeout)))
        if not addresses:
            raise Unusable(say("published.no_host"))
        if any(not is_public(address) for address in addresses):
            raise Unusable(say("published.not_public"))
        for address in addresses[:-1]:
            try:
                return self._connect.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return self._connect.connect_tcp(
            addresses[-1], port, timeout, local_address, socket_options
        )

    def _resolved(self, host: str, port: int, timeout: float | None) -> list[str]:
        """Return the addresses of a host, none where it has none. A resolver that takes longer than
        ``timeout`` is not waited for."""
        answers: SimpleQueue[list[str]] = SimpleQueue()

        def ask() -> None:
            try:
                answers.put(list(self._resolve(host, port)))
            except (OSError, UnicodeError):
                answers.put([])

        Thread(target=ask, daemon=True).start()
        try:
            return answers.get(timeout=timeout)
        except Empty:
            raise httpcore.ConnectTimeout from None


def is_public(address: str) -> bool:
    """Return whether an IP address leads to the public internet. An IPv6 address that stands for an
    IPv4 address is public where the IPv4 address is."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:  # an address with a zone, such as fe80::1%eth0
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64 or ip.ipv4_mapped:
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        elif (
            ip not in _UNICAST or ip.sixtofour or ip.teredo
        ):  # relays, behind which no web server is
            return False
    return ip.is_global and not ip.is_multicast


def keys_in_force(jwks: Jwks) -> dict[str, PublicJwk]:
    """Return, by thumbprint, the keys that an authority verifies a client with. Keys at an address
    are fetched.

    Raises:
        Unusable: where keys cannot be fetched; its sentence begins with the address.
    """
    address = jwks.get("jwks_uri", {}).get("jwks_uri")
    if not isinstance(address, str):
        return {
            key.thumbprint: key for members in jwks.values() if (key := readable_jwk(dict(members)))
        }
    try:
        return {key.thumbprint: key for key in fetch_keys(key_address(address))}
    except ValueError as error:
        raise Unusable(say("published.no_address", error=error)) from None
    except Unusable as error:
        raise Unusable(f"{address} {error}") from None


def fetch_keys(
    address: str,
    network: httpcore.NetworkBackend | None = None,
    trusted: ssl.SSLContext | None = None,
) -> tuple[PublicJwk, ...]:
    """Return the public signing keys at an address out of a form. Tests give a ``network`` and a
    ``trusted`` issuer of certificates of their own.

    Raises:
        Unusable: whatever the reason, with the end of a sentence that begins with the address.
    """
    deadlines = Deadlines(network or PublicNetwork())
    try:
        with (
            deadlines.within(MOST_SECONDS),
            httpcore.ConnectionPool(ssl_context=trusted, network_backend=deadlines) as pool,
        ):
            content = _content(pool, address)
    except httpcore.TimeoutException:
        raise Unusable(say("published.too_slow", seconds=MOST_SECONDS)) from None
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise Unusable(say("published.certificate")) from None
        raise Unusable(say("published.unreachable")) from None
    try:
        return parse_keys(content.decode("utf-8-sig"))
    except InvalidJwk as error:
        raise Unusable(
            "; ".join(
                say("published.unusable_key", sentence=reason.sentence) for reason in error.reasons
            )
        ) from None
    except (ValueError, RecursionError):
        raise Unusable(say("published.no_set")) from None


def _content(pool: httpcore.ConnectionPool, address: str) -> bytes:
    with pool.stream("GET", address, headers=_HEADERS) as answer:
        if answer.status in _REDIRECTS:
            raise Unusable(say("published.redirects"))
        if answer.status != _OK:
            raise Unusable(say("published.no_answer", status=answer.status))
        content = bytearray()
        for part in answer.iter_stream():
            content += part
            if len(content) > MOST_BYTES:
                raise Unusable(say("published.too_large", most=MOST_BYTES // 1024))
    return bytes(content)


def problems_of(
    keys: Sequence[PublicJwk] | str,
    environment: Environment,
    profile: Profile,
    exempted: Collection[str],
    now: datetime,
) -> Iterator[str]:
    """Yield why a client cannot use the keys at its address, or may not by the policies of a
    profile: ends of sentences that begin with the address."""
    if isinstance(keys, str):  # why they could not be fetched
        yield keys
        return
    kids = [key.kid for key in keys]
    if not keys:
        yield say("published.no_key")
    if len(keys) > MOST_KEYS:
        yield say("published.too_many_keys", count=len(keys), most=MOST_KEYS)
    if len(set(kids)) < len(kids):
        yield say("published.kid_twice")
    if keys and all(key.expires and key.expires <= now for key in keys):
        yield say("published.ended")
    planned = Planned(AuthMethod.PRIVATE_KEY_JWT, keys={key.kid: key.members for key in keys})
    for _, finding in violations(planned, Situation(environment, profile, now), exempted):
        yield say("published.policy", what=finding.what, remedy=finding.remedy)
