"""What Pulumi's SDK (3.272) does for each resource and nobody reads, left out: at hundreds of
connections it is the most of a program's time and of a state. ``docs/performance.md`` has the
figures."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pulumi


@contextmanager
def without_stack_traces() -> Iterator[None]:
    """Declare resources of which the state has no stack trace: each names the files of the machine
    that declared it.

    With one frame, the SDK finds no constructor on the stack and sends none
    (``pulumi.runtime.resource``).
    """
    before = vars(sys).get("tracebacklimit")
    sys.tracebacklimit = 1
    try:
        yield
    finally:
        del sys.tracebacklimit
        if before is not None:
            sys.tracebacklimit = before


def without_debug_messages() -> None:
    """Send the engine none of the SDK's own debug messages in this process: there are several for
    each resource, and the program waits for the answer to each. The engine's own stay, for ``pulumi
    up --debug``."""
    pulumi.log.debug = lambda *_args, **_options: None
