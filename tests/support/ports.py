"""Ports of loopback for servers under test.

A machine gives one of its ephemeral ports (from 32768 on Linux, 49152 elsewhere) to whoever asks
for any: each connection that a process makes has one. A server that starts late, or again, would
find its port taken by these. So servers listen below them.
"""

from __future__ import annotations

import secrets
import socket
from contextlib import ExitStack

_BELOW_EPHEMERAL = range(20_000, 32_000)


def reserve_port(host: str = "127.0.0.1") -> socket.socket:
    """Return a socket that keeps its port from everybody else who asks here while it is open.

    One server may listen on that port meanwhile, and do so again after it was stopped.
    """
    while True:
        reserved = socket.socket()
        try:
            # alone, and only then shared: the port of another that is reserved is not free
            reserved.bind((host, secrets.choice(_BELOW_EPHEMERAL)))
        except OSError:
            reserved.close()
            continue
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return reserved


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that nobody has now."""
    return free_ports(1, host)[0]


def free_ports(number: int, host: str = "127.0.0.1") -> list[int]:
    """Return different ports that nobody has now."""
    with ExitStack() as reserving:
        found = [reserving.enter_context(reserve_port(host)) for _ in range(number)]
        return [int(reserved.getsockname()[1]) for reserved in found]
