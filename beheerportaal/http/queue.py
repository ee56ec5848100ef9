"""Where costly work waits for a thread: a few at once, some behind them, and whoever comes then is told to come back."""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

RETRY_SECONDS = 1

_Result = TypeVar("_Result")


class Full(Exception):
    """So many wait already that another one would wait for too long."""


class Queue:
    """Runs work in threads, `at_once` of them, while at most `most_waiting` wait. For one event loop."""

    def __init__(self, at_once: int, most_waiting: int) -> None:
        self._limiter = CapacityLimiter(at_once)
        self._most = at_once + most_waiting
        self._count = 0

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """The result of the work.

        Raises:
            Full: where it has not begun, and will not.
        """
        if self._count >= self._most:
            raise Full
        self._count += 1
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._count -= 1
