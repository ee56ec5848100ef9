"""The documents of an API, and the list that has them all. What a 404 means is decided here.

A wrong address answers 404 to everything. So a document counts as gone only where the list was seen a moment ago: many that
are gone cost one list, and an API that vanishes during a run is noticed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar
from urllib.parse import urlencode

from acmidm_onboarding.authorities.conditional import if_current
from acmidm_onboarding.authorities.errors import NotFound, Unintelligible
from acmidm_onboarding.authorities.http import Answer, Api
from acmidm_onboarding.authorities.wire import WireAuditPage, WireClientPage, WireConfigurationPage

_PAGE = 200
_COUNTS_FOR_SECONDS = 10.0

Page = TypeVar("Page", WireClientPage, WireConfigurationPage, WireAuditPage)


class Evidence:
    """That an address is the right one, by what can be seen there. Thread-safe: one thread looks, the others wait for it."""

    def __init__(self, look: Callable[[], object]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._until = 0.0

    def require(self) -> None:
        """Look, unless that was done a moment ago. Raises what looking raises."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._look()
                self._until = time.monotonic() + _COUNTS_FOR_SECONDS


class Collection(Generic[Page]):
    """The documents of which the list under ``path`` has pages of the type ``page``."""

    def __init__(self, api: Api, path: str, page: type[Page]) -> None:
        self._api = api
        self._path = path
        self._page: type[Page] = page
        self._evidence = Evidence(self._see_list)

    def find(self, path: str) -> Answer | None:
        """A document; None where it is gone. Raises Unintelligible where a 404 is no sign of that."""
        try:
            return self._api.request("GET", path)
        except NotFound:
            self._evidence.require()
            return None

    def pages(self, **filters: str) -> Iterator[Page]:
        """The pages of the list, up to the last one. Raises NotFound where there is no such list."""
        query, seen = {"limit": str(_PAGE), **filters}, set[str]()
        while True:
            page = self._api.request("GET", f"{self._path}?{urlencode(query)}").as_(self._page)
            yield page
            if page.next is None:
                return
            if page.next in seen:
                raise Unintelligible(
                    f"GET {self._api.base_url}{self._path}: the list has no end, it returns to a page it gave before; check the server"
                )
            seen.add(page.next)
            query["after"] = page.next

    def remove(self, path: str, is_ours: Callable[[Answer], bool]) -> None:
        """Remove a document under its ETag if it ``is_ours``; one that is gone already is no error."""

        def attempt() -> None:
            answer = self.find(path)
            if answer is None or not is_ours(answer):
                return
            try:
                self._api.request("DELETE", path, headers={"if-match": answer.etag})
            except NotFound:
                if self.find(path) is not None:
                    raise

        if_current(attempt)

    def _see_list(self) -> None:
        try:
            next(self.pages(limit="1"))
        except NotFound:
            raise Unintelligible(
                f"GET {self._api.base_url}{self._path}: there is no such list (404), so that nothing counts as gone; check the address"
            ) from None
