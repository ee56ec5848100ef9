"""Retries of failures that may pass by themselves, and how long to wait between them.

Waits grow from a fifth of a second, jittered, and are longer where the server says so (Retry-After,
RFC 9110 §10.2.3). All tries of one operation share one deadline. After an operation used its
deadline up, those that begin later get a single try each until the server answers, so that a dead
server costs the deadline once and not once per resource.

A host that wants no requests for a while gets none from this run. Other runs find that out by
themselves: nothing of it leaves the process.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from acmidm_onboarding.authorities.errors import AuthorityError, Passing, Unreachable
from acmidm_onboarding.texts import ntr, tr

Result = TypeVar("Result")

_log = logging.getLogger(__name__)

_SHORTEST_WAIT_SECONDS = 0.05
_FIRST_WAIT_SECONDS = 0.2
_LONGEST_WAIT_SECONDS = 8.0
_EVERY_API = "every API of the host"


class Retrying:
    """The retries of operations on one host, until each succeeds or its deadline is over.
    Thread-safe."""

    def __init__(self, deadline_seconds: float) -> None:
        self._deadline_seconds = deadline_seconds
        self._given_up: set[str] = set()
        self._paused_until = 0.0
        self._lock = threading.Lock()

    def pause(self, seconds: float) -> None:
        """Begin no try for so many seconds: the host wants no requests."""
        with self._lock:
            self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def __call__(self, operation: Callable[[], Result], api: str = "") -> Result:
        """Return the result of ``operation``, which is repeated after each failure that may pass
        (Passing), until the deadline. ``api`` names the API of the host that it calls.

        An API that did not answer by then is given up: later operations on it get one try. Where
        not even a connection was made, every API of the host is given up.

        Raises:
            Unreachable: which says how often and for how long the operation was tried, or for how
            long the host wants no requests.
            AuthorityError: what the operation raises and no retry would help against.
        """
        start = time.monotonic()
        end = start + self._deadline_seconds
        # Decided once: an operation that began before the API was given up keeps its deadline.
        is_tried_once = bool(self._given_up & {api, _EVERY_API})
        tries = 0
        while True:
            self._wait_while_paused(api, end)
            tries += 1
            try:
                result = operation()
            except Passing as error:
                remaining = 0.0 if is_tried_once else end - time.monotonic()
                wait = _wait_seconds(tries, error.wait_seconds or 0.0, remaining)
                if wait is None:
                    unreachable = api if error.connected else _EVERY_API
                    self._given_up.add(unreachable)
                    raise self._unreachable(error, tries, time.monotonic() - start) from None
                _log.info("%s; trying again in %.1f s", error, wait)
            except Unreachable:  # of another server that the operation needs, such as the issuer
                raise
            except AuthorityError:
                self._note_answer(api)
                raise
            else:
                self._note_answer(api)
                return result
            time.sleep(wait)

    def _wait_while_paused(self, api: str, end: float) -> None:
        """Wait until the host takes requests again. Raises Unreachable at once where that is after
        ``end``, the deadline of the operation."""
        while (seconds := self._paused_until - time.monotonic()) > 0:
            remaining = end - time.monotonic()
            if seconds > remaining:
                raise Unreachable(
                    tr(
                        "{api} takes no requests for {seconds:.0f} s; run the same command again"
                        " after that",
                        api=api,
                        seconds=seconds,
                    )
                )
            time.sleep(min(_with_jitter(seconds), remaining))

    def _note_answer(self, api: str) -> None:
        self._given_up.difference_update({api, _EVERY_API})

    def _unreachable(self, error: Passing, tries: int, seconds: float) -> Unreachable:
        """Return the exception for an operation that is given up: its last ``error``, how many
        ``tries`` it had in how many ``seconds``, and the wait that the server requests where that
        is longer than the deadline."""
        sentence = str(error)
        if error.wait_seconds is not None and error.wait_seconds > self._deadline_seconds:
            sentence = tr(
                "{error}, which wants a wait of {seconds:.0f} s",
                error=error,
                seconds=error.wait_seconds,
            )
        return Unreachable(
            ntr(
                "{error} (tried {count} time in {seconds:.1f} s); check the address and the"
                " server, then run the same command again",
                "{error} (tried {count} times in {seconds:.1f} s); check the address and the"
                " server, then run the same command again",
                tries,
                error=sentence,
                seconds=seconds,
            ),
            connected=error.connected,
        )


def _wait_seconds(tries: int, requested: float, remaining: float) -> float | None:
    """Return the seconds to wait after so many ``tries``; None where too little time is
    ``remaining`` for another try.

    The wait is doubled with each try, or is what the server ``requested``, and a little more by
    chance: operations that failed together are not repeated together. The last wait is cut short,
    so that the last try begins at the deadline.
    """
    if requested > remaining or remaining <= _SHORTEST_WAIT_SECONDS:
        return None
    grown = min(_FIRST_WAIT_SECONDS * 2.0 ** (tries - 1), _LONGEST_WAIT_SECONDS)
    return min(_with_jitter(max(grown, requested)), remaining)


def _with_jitter(seconds: float) -> float:
    return seconds + random.uniform(0, _FIRST_WAIT_SECONDS)  # noqa: S311 - spread, not secrecy
