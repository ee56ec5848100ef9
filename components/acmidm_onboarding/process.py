"""What a program and its provider switch for their whole process, and why Pulumi's SDK (3.272)
leaves no other way.

``docs/performance.md`` has the figures.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import iscoroutine
from types import TracebackType

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
    """Send the engine none of the SDK's own debug messages: there are several for each resource,
    and the program waits for the answer to each. The engine's own stay, for ``pulumi up
    --debug``."""
    pulumi.log.debug = lambda *_args, **_options: None


def without_tracebacks() -> None:
    """Show the sentence of what a provider raises, and nothing else: the SDK shows users
    ``traceback.format_exc()``."""
    sys.tracebacklimit = 0


def end_quietly_when_interrupted() -> None:
    """Print no traceback where the engine interrupts the program, as after a failed refresh: the
    engine reports why."""
    if sys.excepthook is not sys.__excepthook__:
        return

    def report(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)

    def report_unraisable(event: sys.UnraisableHookArgs) -> None:
        # Python closes the SDK's unfinished coroutines, without an event loop to close them in; and
        # the interrupt may come as late as its own end.
        if not (iscoroutine(event.object) or issubclass(event.exc_type, KeyboardInterrupt)):
            sys.__unraisablehook__(event)

    sys.excepthook, sys.unraisablehook = report, report_unraisable
    # One that had not begun yet it warns of: below the error of whichever resource failed.
    warnings.filterwarnings(
        "ignore", r"coroutine 'RPCManager\..* was never awaited", RuntimeWarning
    )
