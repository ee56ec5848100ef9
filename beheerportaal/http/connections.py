"""Connections that take nothing from others: a whole request has a deadline, and those that wait for one make room."""

import asyncio
from collections import OrderedDict
from typing import Any

from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_SECONDS = 30
MOST_WAITING = 256
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Connections:
    """The connections of a server on which no whole request has come, the one that waits longest first."""

    def __init__(self, request_seconds: float = REQUEST_SECONDS, most_waiting: int = MOST_WAITING) -> None:
        self.request_seconds = request_seconds
        self._most_waiting = most_waiting
        self._waiting: OrderedDict[Connection, None] = OrderedDict()

    def protocol(self, *given: Any, **named: Any) -> "Connection":
        """uvicorn: the protocol of a new connection."""
        return Connection(self, *given, **named)

    def wait(self, connection: "Connection") -> None:
        """A connection waits for a request. Where too many do, the one that waits longest is closed: so whoever is quick gets through."""
        self._waiting[connection] = None
        if len(self._waiting) > self._most_waiting:
            oldest, _ = self._waiting.popitem(last=False)
            oldest.transport.abort()

    def done(self, connection: "Connection") -> None:
        """The request is there, or the connection is gone."""
        self._waiting.pop(connection, None)


class Connection(H11Protocol):
    """uvicorn's protocol for one connection. Its deadline runs from the first byte of a request until the answer has been sent."""

    def __init__(self, connections: Connections, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._connections = connections
        self._deadline: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """asyncio: somebody has connected."""
        super().connection_made(transport)
        self._connections.wait(self)
        self._begin()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection is closed."""
        self._connections.done(self)
        self._end()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        """asyncio: a part of a request."""
        self._begin()
        super().data_received(data)
        if self.cycle is not None and not self.cycle.more_body and not self.cycle.response_complete:
            self._connections.done(self)

    @override
    def on_response_complete(self) -> None:
        """uvicorn: the answer was sent."""
        self._end()
        if not self.transport.is_closing():
            self._connections.wait(self)
        super().on_response_complete()
        if not self.cycle.response_complete:  # the next request was there already
            self._begin()

    def _begin(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self._connections.request_seconds, self._too_slow)

    def _end(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.abort()  # it does not read
        elif not self.transport.is_closing():
            self.transport.write(_TOO_SLOW)
            self.transport.close()
