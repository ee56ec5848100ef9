"""A deadline for whole requests: httpx alone bounds the wait for each part of an answer, which may
have any number."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

_LEAST_SECONDS = 0.001
"""A socket takes 0 for "do not wait at all"."""


class Deadlines(httpcore.NetworkBackend):
    """The network, with a deadline per thread: a connection may serve several threads in turn."""

    def __init__(self) -> None:
        self._network = httpcore.SyncBackend()
        self._local = threading.local()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Give this thread so many seconds for all that it sends and receives in the block. A read
        or write that takes longer raises httpx's timeout."""
        self._local.end = time.monotonic() + seconds
        try:
            yield
        finally:
            self._local.end = None

    def serve(self, client: httpx.Client) -> None:
        """Make a client use this network, deadlines and all. httpx has no parameter for it, so that
        private attributes are set."""
        for transport in (client._transport, *client._mounts.values()):
            if isinstance(transport, httpx.HTTPTransport):
                transport._pool._network_backend = self

    def next_seconds(self, timeout: float | None) -> float | None:
        """Return how many seconds the next read or write may take: ``timeout`` (None for ever), or
        less where the thread's deadline is nearer."""
        end: float | None = getattr(self._local, "end", None)
        if end is None:
            return timeout
        seconds = end - time.monotonic()
        if timeout is not None:
            seconds = min(seconds, timeout)
        return max(_LEAST_SECONDS, seconds)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(
            self._network.connect_tcp(
                host, port, self.next_seconds(timeout), local_address, socket_options
            ),
            self,
        )

    def sleep(self, seconds: float) -> None:
        self._network.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    """A connection whose every read and write ends at the deadline of its thread."""

    def __init__(self, stream: httpcore.NetworkStream, deadlines: Deadlines) -> None:
        self._stream = stream
        self._deadlines = deadlines

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadlines.next_seconds(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadlines.next_seconds(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(
            self._stream.start_tls(
                ssl_context, server_hostname, self._deadlines.next_seconds(timeout)
            ),
            self._deadlines,
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
