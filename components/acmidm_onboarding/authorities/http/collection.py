"""The documents of an API, and the list that has them all. This file decides what a 404 means.

A wrong address answers 404 to everything. So a document counts as gone only where its list was seen
a moment ago. Many documents that are gone cost one look at the list, and an API that vanishes
during a run is noticed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict

from acmidm_onboarding.authorities.errors import NoList, NotFound, TooLarge, Unintelligible
from acmidm_onboarding.authorities.http.api import Answer, Api
from acmidm_onboarding.authorities.writes import with_retries
from acmidm_onboarding.texts import tr

MOST_AT_ONCE = 200
_MOST_IN_ALL = 200_000
_COUNTS_FOR_SECONDS = 10.0

Value = TypeVar("Value")


class ListPage(BaseModel):
    """One page of a list; ``next`` is where the next page begins, None behind the last."""

    model_config = ConfigDict(extra="ignore")

    items: Any
    next: str | None = None


Page = TypeVar("Page", bound=ListPage)


class AddressCheck:
    """A check that an address is the right one, by ``read_list``, which raises where there is no
    list. Thread-safe: one thread checks, the others wait."""

    def __init__(self, read_list: Callable[[], object]) -> None:
        self._read_list = read_list
        self._lock = threading.Lock()
        self._counts_until = 0.0

    def require(self) -> None:
        """Raise what ``read_list`` raises. A list that was read less than 10 s ago is not read
        again."""
        with self._lock:
            if time.monotonic() >= self._counts_until:
                self._read_list()
                self._counts_until = time.monotonic() + _COUNTS_FOR_SECONDS


class Bounded:
    """The bounds of one list that is read page by page: no page too large for an answer, no list
    without end."""

    def __init__(self, request: str, most: int = MOST_AT_ONCE) -> None:
        self._request = request
        self._most = self._limit = most
        self._total = 0
        self._last_items: Sequence[object] | None = None

    def next_page(self, request_page: Callable[[int], Value]) -> tuple[Value, int]:
        """Return the next page, and the limit of items that it was requested with.

        ``request_page`` gets that limit, which is halved while the answer is too large. Raises
        TooLarge where a single item is.
        """
        while True:
            limit = self._limit
            try:
                page = request_page(limit)
            except TooLarge:
                if limit == 1:
                    raise
                self._limit = limit // 2
            else:
                # Most often a few large items are next to each other, and all others are small.
                self._limit = min(2 * limit, self._most)
                return page, limit

    def require_end(self, items: Sequence[object], *, is_repeated: bool = False) -> None:
        """Count the items of a page that is not the last one. Raises Unintelligible where the list
        seems endless: a page that the server gave before, or more than 200,000 items."""
        self._total += max(len(items), 1)
        if is_repeated or items == self._last_items or self._total > _MOST_IN_ALL:
            raise Unintelligible(
                tr("{request}: the list has no end; check the server", request=self._request)
            )
        self._last_items = items


class Collection(Generic[Page]):
    """The documents of one API, whose list is at ``path`` in pages of the type ``page``."""

    def __init__(self, api: Api, path: str, page: type[Page]) -> None:
        self._api = api
        self._path = path
        self._page: type[Page] = page
        self._address_check = AddressCheck(self._require_list)

    def find(self, path: str) -> Answer | None:
        """Return the document at a path; None where it is gone, which a 404 shows only if the list
        of all documents exists. Raises NoList where that answers 404 too."""
        try:
            return self._api.request("GET", path)
        except NotFound:
            self._address_check.require()
            return None

    def pages(self, most: int = MOST_AT_ONCE, **filters: str) -> Iterator[Page]:
        """Yield the pages of the list, of at most ``most`` items each, of the documents that the
        ``filters`` of the query select. Raises NotFound where there is no such list."""
        bounded = Bounded(f"GET {self._api.base_url}{self._path}", most)
        query = dict(filters)
        former_cursors: set[str] = set()

        def request_page(limit: int) -> Page:
            parameters = urlencode({"limit": limit, **query})
            return self._api.request("GET", f"{self._path}?{parameters}").as_(self._page)

        while True:
            page, _ = bounded.next_page(request_page)
            yield page
            if page.next is None:
                return
            bounded.require_end(page.items, is_repeated=page.next in former_cursors)
            former_cursors.add(page.next)
            query["after"] = page.next

    def remove(self, path: str, is_ours: Callable[[Answer], bool]) -> bool:
        """Remove a document that ``is_ours``, under its ETag; where another writer changed it
        meanwhile, read it and decide anew. Return whether it is gone, by this request or before;
        False where it is not ours, and stays.

        Raises:
            Stale: others keep changing it.
            NotFound: the address knows no DELETE.
            NoList: as for ``find``.
        """

        def attempt() -> bool:
            answer = self.find(path)
            if answer is None or not is_ours(answer):
                return answer is None
            try:
                self._api.request("DELETE", path, headers={"if-match": answer.etag})
            except NotFound:  # another writer removed it first, or the address knows no DELETE
                if self.find(path) is not None:
                    raise
            return True

        return with_retries(attempt)

    def _require_list(self) -> None:
        """Raise NoList where the address has no list of documents."""
        try:
            next(self.pages(most=1))
        except NotFound:
            request = f"GET {self._api.base_url}{self._path}"
            raise NoList(
                tr(
                    "{request}: there is no such list (404), so that nothing counts as gone; check"
                    " the address",
                    request=request,
                )
            ) from None
