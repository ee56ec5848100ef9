"""Ends the provider's process with the engine's.

An engine that is killed leaves its providers running, and nobody hears what they do: a delete that
is still being retried would undo what the next run makes. The engine's address is the provider's
first argument, and a connection to it breaks the moment that the engine dies.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import threading
from collections.abc import Callable

_ADDRESS = re.compile(r"(127\.0\.0\.1):(\d+)")
_CONNECT_SECONDS = 5

_watching = threading.Lock()


def end_with_the_engine() -> None:
    """Begin to watch the engine, in a thread: where it ends, this process ends with code 1. Once
    per process; nothing in a process that no engine started."""
    address = _ADDRESS.fullmatch(sys.argv[1]) if len(sys.argv) > 1 else None
    if address is not None and _watching.acquire(blocking=False):
        threading.Thread(
            target=watch, args=(address[1], int(address[2]), lambda: os._exit(1)), daemon=True
        ).start()


def watch(host: str, port: int, end: Callable[[], None]) -> None:
    """Call ``end`` as soon as no process listens at an address any more; return then."""
    while True:
        try:
            with socket.create_connection((host, port), timeout=_CONNECT_SECONDS) as connection:
                connection.settimeout(None)
                # The engine closes a silent connection after a while: then connect once more, which
                # shows whether it still listens.
                while connection.recv(4096):
                    pass
        except (TimeoutError, ConnectionResetError):
            continue
        except OSError:
            return end()
