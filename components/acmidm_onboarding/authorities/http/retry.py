"""Retries of failures that may pass by themselves, and how long to wait between them.

Waits grow from a fifth of a second, jittered, and are longer where the server says so (Retry-After,
RFC 9110 §10.2.3). All tries of one operation share one deadline. After an operation used its
deadline up, those that begin later get a single try each until the server answers, so that a dead
server costs the deadline once and not once per resource.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from acmidm_onboarding.authorities.errors import AuthorityError, Passing, Unreachable
from acmidm_onboarding.authorities.http.turns import Turns
from acmidm_onboarding.texts import say, say_counted

Result = TypeVar("Result")

_log = logging.getLogger(__name__)

_SHORTEST_WAIT_SECONDS = 0.05
_FIRST_WAIT_SECONDS = 0.2
_LONGEST_WAIT_SECONDS = 8.0
_EVERY_API = "every API of the host"


class Retrying:
    """The retries of operations on one host, until each succeeds or its deadline is over; each try
    takes one of the host's ``turns``, where it has some. Thread-safe."""

    def __init__(self, deadline_seconds: float, turns: Turns | None = None) -> None:
        self.turns = turns
        self._deadline_seconds = deadline_seconds
        self._given_up: set[str] = set()

    def __call__(self, operation: Callable[[], Result], api: str = "") -> Result:
        """Return the operation's result; ``api`` names the API of the host that the operation is
        for.

        Where no connection can be made, all APIs of the host are given up, else only this API:
        others may be well.

        Raises:
            Unreachable: which says how often and for how long the operation was tried.
            AuthorityError: what the operation raises and no retry would help against.
        """
        start = time.monotonic()
        # Decided once: an operation that is going on already keeps its deadline, whatever becomes
        # of its neighbours.
        end = start + (0.0 if self._given_up & {api, _EVERY_API} else self._deadline_seconds)
        tries = 0
        while True:
            tries += 1
            try:
                result = operation()
            except Passing as error:
                wait = _wait_seconds(tries, error.wait_seconds or 0.0, end - time.monotonic())
                if wait is None:
                    self._given_up.add(api if error.connected else _EVERY_API)
                    raise self._unreachable(error, tries, time.monotonic() - start) from None
                _log.info("%s; trying again in %.1f s", error, wait)
            except Unreachable:  # what the operation needs of another server
                raise
            except AuthorityError:
                self._answered(api)
                raise
            else:
                self._answered(api)
                return result
            time.sleep(wait)

    def _answered(self, api: str) -> None:
        self._given_up.difference_update({api, _EVERY_API})

    def _unreachable(self, error: Passing, tries: int, seconds: float) -> Unreachable:
        sentence = str(error)
        if error.wait_seconds is not None and error.wait_seconds > self._deadline_seconds:
            sentence = say("authorities.long_wait", error=error, seconds=error.wait_seconds)
        return Unreachable(
            say_counted("authorities.tried", tries, error=sentence, seconds=seconds),
            connected=error.connected,
        )


def _wait_seconds(tries: int, requested: float, left: float) -> float | None:
    """Return the wait before the next try; None where too little time is ``left`` for a try.

    The wait is doubled with each try, or is what the server ``requested``, and a little more by
    chance: operations that failed together do not return together. The last wait is cut short, so
    that the last try begins at the deadline.
    """
    if requested > left or left <= _SHORTEST_WAIT_SECONDS:
        return None
    grown = min(_FIRST_WAIT_SECONDS * 2.0 ** (tries - 1), _LONGEST_WAIT_SECONDS)
    return min(max(grown, requested) + random.uniform(0, _FIRST_WAIT_SECONDS), left)  # noqa: S311 - spread, not secrecy


def retry_after_seconds(header: str | None) -> float | None:
    """Return the wait that a Retry-After header requests, as seconds or as a date; None where it
    has neither."""
    if header is None:
        return None
    if header.strip().isascii() and header.strip().isdigit():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    return max(
        0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    )
