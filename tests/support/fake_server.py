"""A real HTTP server on loopback that answers as a test scripts it: a FaultProxy with nothing
behind it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from acmidm_onboarding.authorities.http.api import Api, Tokens
from acmidm_onboarding.authorities.http.retry import Retrying
from tests.support import fault_proxy
from tests.support.fault_proxy import NOTHING_BEHIND, Exchange, FaultProxy

RESET = "reset"
Request = fault_proxy.Recorded


@dataclass
class Reply:
    """What to answer; ``body`` that is no bytes goes as JSON. ``chunks`` are sent one by one
    instead, of a length that nobody says."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: Callable[[], Iterator[bytes]] | None = None

    def send(self, exchange: Exchange) -> None:
        content = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        headers = {
            "content-type": "application/json",
            **{name.lower(): value for name, value in self.headers.items()},
        }
        if self.chunks is None:
            exchange.reply(fault_proxy.Reply(self.status, tuple(headers.items()), content))
            return
        head = [
            f"HTTP/1.1 {self.status} -",
            *(f"{name}: {value}" for name, value in headers.items()),
            "connection: close",
            "",
            "",
        ]
        exchange.send("\r\n".join(head).encode())
        for part in self.chunks():
            exchange.send(part)
        exchange.cut()


Script = Callable[[Request], Reply | str]


@dataclass
class FakeServer:
    """``script`` answers each request; ``requests`` are all that came."""

    url: str
    script: Script
    requests: list[Request]

    @property
    def waits(self) -> list[float]:
        """Seconds between the requests."""
        return [
            later.at - earlier.at
            for earlier, later in zip(self.requests, self.requests[1:], strict=False)
        ]


def api_at(
    address: str, tokens: Tokens | None = None, *, timeout: float = 5, deadline: float = 0
) -> Api:
    """One that tries each request once, unless there is a deadline."""
    return Api(address, tokens, timeout_seconds=timeout, retrying=Retrying(deadline))


def in_turn(*replies: Reply | str) -> Script:
    """Answers with one after the other, and with the last for ever."""
    left = list(replies)
    lock = threading.Lock()

    def script(_: Request) -> Reply | str:
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return script


@contextmanager
def serving(script: Script) -> Iterator[FakeServer]:
    def answer(exchange: Exchange) -> None:
        reply = fake.script(exchange.request)
        if isinstance(reply, str):
            exchange.cut(reset=True)
        else:
            reply.send(exchange)

    with FaultProxy(NOTHING_BEHIND) as proxy:
        fake = FakeServer(proxy.origin, script, proxy.requests)
        proxy.rule(".*", "", answer, times=None)
        yield fake


@contextmanager
def talking(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port whose connections are served so, one after another, until whoever connected has
    enough."""

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    serve(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def in_plain_http(connection: socket.socket) -> None:
    """Answer a TLS handshake as a web server without TLS does. It reads all of it first: what
    closes too early resets."""
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
