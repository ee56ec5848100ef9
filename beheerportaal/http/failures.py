"""How often somebody may fail to authenticate, per client and per address.

A limit is for those who fail. On loopback all have one address, so an address over its limit is told so in place of a refusal, and
whoever is right gets in all the same. So does a client with the right key, for nobody guesses one. What can be guessed, a secret or a
password, is not looked at any more once its client has failed too often from that address; save a secret that this process has
verified before, so that nobody locks its owner out.
"""

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

_MOST_SUBJECTS = 10_000


class Failures:
    """The failures of subjects within a window, each in the memory of this process. Safe to share between threads."""

    def __init__(self, most: int, window_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._window_seconds = window_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: OrderedDict[tuple[str, ...], deque[float]] = OrderedDict()

    def count(self, *subject: str) -> int:
        """Counts a failure; how many seconds to wait where there are too many already, else 0.

        What is counted before it is tried, so that many at once are no way around the limit, is forgotten after a success.
        """
        now = self._clock()
        with self._lock:
            failures = self._failures.setdefault(subject, deque())
            self._failures.move_to_end(subject)
            while failures and failures[0] <= now - self._window_seconds:
                failures.popleft()
            if len(failures) >= self._most:
                return max(1, math.ceil(failures[0] + self._window_seconds - now))
            failures.append(now)
            while len(self._failures) > _MOST_SUBJECTS:
                self._failures.popitem(last=False)
        return 0

    def forget(self, *subject: str) -> None:
        """After a success, earlier failures count no more."""
        with self._lock:
            self._failures.pop(subject, None)
