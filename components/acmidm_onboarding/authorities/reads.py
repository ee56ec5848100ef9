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
    """The documents of an authority by key (a client-ID), kept for one run. ``read`` fetches one,
    None where it is gone; ``list_all`` fetches all, where the authority has a list.

    Thread-safe: one thread fetches, the others wait for what it finds.
    """

    def __init__(
        self,
        read: Callable[[str], Value | None],
        list_all: Callable[[], Iterable[tuple[str, Value]]] | None = None,
    ) -> None:
        self._read = read
        self._list_all = list_all
        self._lock = threading.Lock()
        self._kept: dict[str, Value | None] = {}
        self._is_listed = False
        self._written = set[str]()

    def get(self, key: str, *, as_listed: bool = False) -> Value | None:
        """Return the document of a key; None where it is gone.

        With ``as_listed`` a document that the list lacks counts as gone, unless this run wrote it;
        else it is fetched by itself first.
        """
        with self._lock:
            if key in self._kept:
                return self._kept[key]
            if self._list_all and not self._is_listed and len(self._kept) >= _ONE_BY_ONE:
                self._kept.update(self._list_all())
                self._is_listed = True
            is_on_no_page = self._is_listed and key not in self._kept and key not in self._written
            if as_listed and is_on_no_page:
                return None
            if key not in self._kept:
                self._kept[key] = self._read(key)
            return self._kept[key]

    def forget(self, key: str) -> None:
        """Forget a document that was written, so that the next read fetches it."""
        with self._lock:
            self._kept.pop(key, None)
            self._written.add(key)

    def note_removed(self, key: str) -> None:
        """Note that this run removed a document, so that ``get`` returns None without a request."""
        with self._lock:
            self._kept[key] = None
