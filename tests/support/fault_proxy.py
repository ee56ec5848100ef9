"""A proxy on loopback that stands between the provider and a real server, records every request,
and does harm on demand.

::

    with FaultProxy(portal.origin) as proxy:
        proxy.rule("POST", "/clients$", faults.cut_after)        # the first such request is
        committed, and its answer lost

What no rule matches goes through as it is. A fault is a function of an ``Exchange``: those that
several tests use are in ``faults.py``, and a test may write its own.
"""

from __future__ import annotations

import http.client
import json
import re
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from typing import BinaryIO, Self
from urllib.parse import urlsplit

from tests.support.trust import TRUSTED

UPSTREAM_SECONDS = 30
NOTHING_BEHIND = "http://127.0.0.1:9"
"""An upstream for a proxy whose every request has a fault: the discard port, where nobody
listens."""
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})


class HungUp(Exception):
    """The client or a fault ended the connection."""


@dataclass(frozen=True)
class Reply:
    """An answer as it goes over the wire."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def head(self, length: int) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {http.client.responses.get(self.status, 'Unknown')}"]
        lines += [
            f"{name}: {value}" for name, value in self.headers if name.lower() not in _HOP_BY_HOP
        ]
        return "\r\n".join([*lines, f"content-length: {length}", "", ""]).encode()


@dataclass
class Recorded:
    """A request as it came in, and what became of it: the status that was sent, or None."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)
    status: int | None = None
    sent_bytes: int = 0

    def __str__(self) -> str:
        return f"{self.method} {self.path} → {self.status}"


@dataclass
class Exchange:
    """One request whose answer a fault decides upon."""

    request: Recorded
    proxy: FaultProxy
    connection: socket.socket

    def forward(self) -> Reply:
        """Sends the request on; when this returns, the server has committed it."""
        upstream = self.proxy.connect()
        headers = {
            name: value for name, value in self.request.headers.items() if name not in _HOP_BY_HOP
        }
        # Compressed answers would hide what is rewritten below.
        upstream.request(
            self.request.method,
            self.request.path,
            self.request.body or None,
            {**headers, "accept-encoding": "identity"},
        )
        answer = upstream.getresponse()
        reply = Reply(
            answer.status,
            tuple(answer.getheaders()),
            self.proxy.rewritten(self.request.path, answer.read()),
        )
        upstream.close()
        return reply

    def reply(self, reply: Reply) -> None:
        # Before it is sent: a client that has its answer may look at the record at once.
        self.request.status = reply.status
        try:
            self.send(
                reply.head(len(reply.body)) + (b"" if self.request.method == "HEAD" else reply.body)
            )
        except HungUp:
            self.request.status = None
            raise

    def send(self, content: bytes) -> None:
        try:
            self.connection.sendall(content)
        except OSError:
            raise HungUp from None
        self.request.sent_bytes += len(content)

    def cut(self, *, reset: bool = False) -> None:
        """Ends the connection; ``reset`` makes it a TCP reset."""
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise HungUp

    def hung_up(self, within_seconds: float) -> bool:
        """Whether the client gave up on this request by then."""
        readable, _, _ = select.select([self.connection], [], [], within_seconds)
        try:
            return bool(readable) and not self.connection.recv(1)
        except OSError:
            return True


Fault = Callable[[Exchange], None]


@dataclass
class Rule:
    """From the ``first`` matching request on, ``times`` of them get the fault; None for all."""

    method: str
    path: re.Pattern[str]
    fault: Fault
    first: int = 1
    times: int | None = 1
    containing: str = ""
    seen: int = 0

    def applies(self, request: Recorded) -> bool:
        if not re.fullmatch(self.method, request.method) or not self.path.search(request.path):
            return False
        if self.containing.encode() not in request.body:
            return False
        self.seen += 1
        return self.seen >= self.first and (
            self.times is None or self.seen < self.first + self.times
        )


class FaultProxy:
    """Listens on a free port of loopback; with ``tls`` it speaks https. One thread per
    connection."""

    def __init__(self, upstream_origin: str, tls: ssl.SSLContext | None = None) -> None:
        self.upstream = urlsplit(upstream_origin).netloc
        self._is_upstream_tls = upstream_origin.startswith("https:")
        self.requests: list[Recorded] = []
        self.connections = 0
        self._tls = tls
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.origin = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def connect(self) -> HTTPConnection:
        """A connection to the real server, to which nothing was sent yet."""
        if self._is_upstream_tls:
            return HTTPSConnection(self.upstream, timeout=UPSTREAM_SECONDS, context=TRUSTED)
        return HTTPConnection(self.upstream, timeout=UPSTREAM_SECONDS)

    @property
    def settings(self) -> dict[str, object]:
        """The settings of a stack whose every request to its APIs goes through here."""
        return {
            "managementUrl": f"{self.origin}/management/v1",
            "productsUrl": f"{self.origin}/products/v1",
        }

    def rule(
        self,
        method: str,
        path: str,
        fault: Fault,
        *,
        first: int = 1,
        times: int | None = 1,
        containing: str = "",
    ) -> Rule:
        """Adds a rule; ``method`` and ``path`` are regular expressions, ``containing`` is a part of
        the body. The newest that matches decides."""
        rule = Rule(method, re.compile(path), fault, first, times, containing)
        with self._lock:
            self._rules.insert(0, rule)
        return rule

    def heal(self) -> None:
        """From now on everything goes through; what was recorded is forgotten."""
        with self._lock:
            self._rules.clear()
            self.requests.clear()

    def seen(self, method: str, path: str) -> list[Recorded]:
        """The recorded requests that match."""
        with self._lock:
            return [
                request
                for request in self.requests
                if re.fullmatch(method, request.method) and re.search(path, request.path)
            ]

    def rewritten(self, path: str, body: bytes) -> bytes:
        """The discovery document sends token requests this way too; the issuer's name stays,
        assertions are made out to it."""
        if not path.endswith("/.well-known/openid-configuration"):
            return body
        try:
            document = json.loads(body)
            document["token_endpoint"] = document["token_endpoint"].replace(
                f"http://{self.upstream}", self.origin
            )
        except (ValueError, KeyError):
            return body
        return json.dumps(document).encode()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        connection = plain
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connection = self._tls.wrap_socket(plain, server_side=True)
            with self._lock:
                self._open.add(connection)
            with connection.makefile("rb") as incoming:
                while request := _read(incoming):
                    self._answer(Exchange(request, self, connection))
        except (HungUp, OSError):
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _answer(self, exchange: Exchange) -> None:
        with self._lock:
            self.requests.append(exchange.request)
            fault = next(
                (rule.fault for rule in self._rules if rule.applies(exchange.request)), None
            )
        if fault is None:
            exchange.reply(exchange.forward())
        else:
            fault(exchange)


def _read(incoming: BinaryIO) -> Recorded | None:
    """The next request on a connection, None where the client closed it."""
    line = incoming.readline().decode("latin-1").split()
    if len(line) != 3:
        return None
    headers: dict[str, str] = {}
    while (header := incoming.readline().decode("latin-1").strip()) != "":
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    return Recorded(line[0], line[1], headers, b"".join(_body(incoming, headers)))


def _body(incoming: BinaryIO, headers: Mapping[str, str]) -> Iterator[bytes]:
    """The parts of a body; ``kcadm.sh`` sends chunks."""
    if headers.get("transfer-encoding") != "chunked":
        yield incoming.read(int(headers.get("content-length", "0")))
        return
    while length := int(incoming.readline(), 16):
        yield incoming.read(length)
        incoming.readline()
    incoming.readline()
