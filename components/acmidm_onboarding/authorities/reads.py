"""Reads for a refresh: each document is fetched once per run, however many resources need it.

The first few are fetched one by one, so that a refresh of a single connection stays small; after that whole pages are
listed. One that is on no page is fetched by itself before it counts as gone. Writes never use what is kept here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

Value = TypeVar("Value")

_ONE_BY_ONE = 3


class ReadOnce(Generic[Value]):
    """Documents by key. Thread-safe: one thread fetches, the others wait for what it finds. Without ``every``, none is
    listed."""

    def __init__(
        self, one: Callable[[str], Value | None], every: Callable[[], Iterable[tuple[str, Value]]] | None = None
    ) -> None:
        self._one = one
        self._every = every
        self._lock = threading.Lock()
        self._kept: dict[str, Value | None] = {}
        self._listed = False

    def get(self, key: str) -> Value | None:
        with self._lock:
            if self._every and key not in self._kept and not self._listed and len(self._kept) >= _ONE_BY_ONE:
                self._kept.update(self._every())
                self._listed = True
            if key not in self._kept:
                self._kept[key] = self._one(key)
            return self._kept[key]

    def forget(self, key: str) -> None:
        """To be called after a write, so that a later read sees it."""
        with self._lock:
            self._kept.pop(key, None)
