"""A real HTTP server on loopback that answers as a test scripts it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from acmidm_onboarding.authorities.http import Api, Tokens
from acmidm_onboarding.authorities.retry import Retrying

RESET = "reset"


@dataclass
class Request:
    """A request as it arrived; ``at`` is in seconds of the monotonic clock."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float


@dataclass
class Reply:
    """What to answer; ``body`` that is no bytes goes as JSON. ``chunks`` are sent one by one instead, without length."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: Callable[[], Iterator[bytes]] | None = None


class Script(Protocol):
    def __call__(self, request: Request) -> Reply | str: ...


@dataclass
class FakeServer:
    """``script`` answers each request; ``requests`` are all that came."""

    url: str
    script: Script
    requests: list[Request] = field(default_factory=list)

    @property
    def waits(self) -> list[float]:
        """Seconds between the requests."""
        return [later.at - earlier.at for earlier, later in zip(self.requests, self.requests[1:], strict=False)]


def api_at(address: str, tokens: Tokens | None = None, *, timeout: float = 5, deadline: float = 0) -> Api:
    """One that tries each request once, unless there is a deadline."""
    return Api(address, tokens, timeout_seconds=timeout, retrying=Retrying(deadline))


def in_turn(*replies: Reply | str) -> Script:
    """Answers with one after the other, and with the last for ever."""
    left = list(replies)
    lock = threading.Lock()

    def script(request: Request) -> Reply | str:  # noqa: ARG001
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return script


@contextmanager
def serving(script: Script) -> Iterator[FakeServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            request = Request(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body, time.monotonic())
            fake.requests.append(request)
            reply = fake.script(request)
            if isinstance(reply, str):
                self.close_connection = True
                self.connection.close()
                return
            content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            headers = {"content-type": "application/json", **{name.lower(): value for name, value in reply.headers.items()}}
            if reply.chunks is None:
                headers["content-length"] = str(len(content))
            else:
                headers["connection"] = "close"
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for part in reply.chunks() if reply.chunks else (content,):
                    self.wfile.write(part)
            except OSError:  # the client had enough
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_DELETE = do_CONNECT = _answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    fake = FakeServer(f"http://127.0.0.1:{server.server_port}", script)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def talking(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port whose connections are served so, one after another, until whoever connected has enough."""

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
