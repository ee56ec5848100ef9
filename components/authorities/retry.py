"""Which failures may pass by themselves, and how long to wait for that.

Waits grow from a fifth of a second, jittered, and are longer where the server says so (Retry-After, RFC 9110 §10.2.3). All
tries of one operation share one deadline. Once an operation used its deadline up, the next ones get a single
try each until one succeeds, so that a dead server costs the deadline once and not once per resource.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import stamina
from stamina.instrumentation import RetryDetails

from components.authorities.errors import Unreachable

Result = TypeVar("Result")

_log = logging.getLogger(__name__)

_SHORTEST_WAIT_SECONDS = 0.05
_FIRST_WAIT_SECONDS = 0.2
_LONGEST_WAIT_SECONDS = 8.0


def _tell(details: RetryDetails) -> None:
    _log.info("%s; trying again in %.1f s", details.caused_by, details.wait_for)


# stamina's own hook says "stamina.retry_scheduled" among the user's output, and no more than that.
stamina.instrumentation.set_on_retry_hooks([_tell])


class Passing(Unreachable):
    """A failure that may pass; ``wait_seconds`` is what the server asked for, None where it did not say."""

    def __init__(self, sentence: str, wait_seconds: float | None = None, *, connected: bool = True) -> None:
        self.wait_seconds = wait_seconds
        self.connected = connected
        super().__init__(sentence)


class Retrying:
    """Runs operations against one server, again and again until they succeed or the deadline is over."""

    def __init__(self, deadline_seconds: float) -> None:
        self._deadline_seconds = deadline_seconds
        self._given_up = False

    def __call__(self, operation: Callable[[], Result]) -> Result:
        """The operation's result. Raises Unreachable, which says how often and how long was tried."""
        tries = 0
        start = time.monotonic()

        def wait(error: Exception) -> bool | float:
            if not isinstance(error, Passing) or self._given_up:
                return False
            left = self._deadline_seconds - (time.monotonic() - start)
            asked = error.wait_seconds or 0.0
            if asked > left or left <= _SHORTEST_WAIT_SECONDS:
                return False
            # The last wait is cut short, so that the last try is made when the deadline is over and not long after it.
            return min(_next_wait_seconds(tries, asked), left)

        try:
            for attempt in stamina.retry_context(
                on=wait,
                attempts=None if self._deadline_seconds else 1,
                timeout=self._deadline_seconds or None,
            ):
                with attempt:
                    tries += 1
                    result = operation()
        except Passing as error:
            self._given_up = True
            asked = ""
            if error.wait_seconds is not None and error.wait_seconds > self._deadline_seconds:
                asked = f", which asks to wait {error.wait_seconds:.0f} s"
            unreachable = Unreachable(
                f"{error}{asked} (tried {tries} time{'s' if tries > 1 else ''} in {time.monotonic() - start:.1f} s); "
                "check the address and the server, then run the same command again"
            )
            unreachable.connected = error.connected
            raise unreachable from None
        self._given_up = False
        return result


def _next_wait_seconds(tries: int, asked: float) -> float:
    """Doubled with each try, or what was ``asked``, and a little more by chance: those who failed together do not come back together."""
    grown: float = min(_FIRST_WAIT_SECONDS * 2 ** (tries - 1), _LONGEST_WAIT_SECONDS)
    return max(grown, asked) + random.uniform(0, _FIRST_WAIT_SECONDS)  # noqa: S311 - spread, not secrecy


def retry_after_seconds(header: str | None) -> float | None:
    """The wait that a Retry-After header asks for, in seconds or until a date; None where it says nothing usable."""
    if header is None:
        return None
    if header.strip().isascii() and header.strip().isdigit():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
