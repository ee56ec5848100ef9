"""Reads for a refresh: each document is fetched once per run, however many resources need it.

The first few documents are fetched one by one, so that a refresh of a single connection stays
small; after that whole pages are listed. A document that is on no page is fetched by itself before
it counts as gone, unless the caller trusts the list. Writes never use what is kept here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

Value = TypeVar("Value")

_ONE_BY_ONE = 3


class ReadOnce(Generic[Value]):
    """Documents by key, which ``read`` fetches one by one and ``listed`` all at once, where that is
    given.

    Thread-safe: one thread fetches, the others wait for what it finds.
    """

    def __init__(
        self,
        read: Callable[[str], Value | None],
        listed: Callable[[], Iterable[tuple[str, Value]]] | None = None,
    ) -> None:
        self._read = read
        self._list = listed
        self._lock = threading.Lock()
        self._kept: dict[str, Value | None] = {}
        self._listed = False
        self._written = set[str]()

    def get(self, key: str, *, as_listed: bool = False) -> Value | None:
        """Return the document of a key, None where there is none; ``as_listed`` takes the word of a
        list for that, of what this run has not written."""
        with self._lock:
            if key in self._kept:
                return self._kept[key]
            if self._list and not self._listed and len(self._kept) >= _ONE_BY_ONE:
                self._kept.update(self._list())
                self._listed = True
            is_on_no_page = self._listed and key not in self._written
            if key not in self._kept and not (as_listed and is_on_no_page):
                self._kept[key] = self._read(key)
            return self._kept.get(key)

    def forget(self, key: str) -> None:
        """Forget a document that was written, so that the next read fetches it."""
        with self._lock:
            self._kept.pop(key, None)
            self._written.add(key)

    def is_gone(self, key: str) -> None:
        """Note that a document was removed."""
        with self._lock:
            self._kept[key] = None
