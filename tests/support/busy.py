"""Counts how many do something at a time."""

from __future__ import annotations

import threading

_SECONDS = 0.1


class Busy:
    """Each call waits a moment for one more than the ``limit`` to be inside it."""

    def __init__(self, limit: int) -> None:
        self.limit, self.most, self._inside = limit, 0, 0
        self._changed = threading.Condition()

    def __call__(self) -> None:
        with self._changed:
            self._inside += 1
            self.most = max(self.most, self._inside)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._inside > self.limit, timeout=_SECONDS)
            self._inside -= 1
