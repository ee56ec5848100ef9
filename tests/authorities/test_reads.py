"""Reads for a refresh: once per document, lists after three, and never "gone" because a list lacks
it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from acmidm_onboarding.authorities.errors import Unintelligible
from acmidm_onboarding.authorities.reads import ReadOnce
from tests.support import faults
from tests.support.between import platform_through
from tests.support.fault_proxy import FaultProxy
from tests.support.portal import RunningPortal, metadata


class Server:
    """Documents by key, and what was requested."""

    def __init__(self, **documents: str) -> None:
        self.documents = documents
        self.unlisted: set[str] = set()
        self.requested: list[str] = []

    def one(self, key: str) -> str | None:
        self.requested.append(key)
        return self.documents.get(key)

    def every(self) -> Iterator[tuple[str, str]]:
        self.requested.append("*")
        yield from (
            (key, value) for key, value in self.documents.items() if key not in self.unlisted
        )

    def reads(self) -> ReadOnce[str]:
        return ReadOnce(self.one, self.every)


def letters(count: int) -> dict[str, str]:
    return {chr(ord("a") + number): str(number) for number in range(count)}


def test_a_document_is_read_once() -> None:
    """Four resources of a client, one read; one that is absent too."""
    server = Server(a="1")
    reads = server.reads()
    assert [reads.get("a") for _ in range(4)] == ["1"] * 4
    assert [reads.get("absent") for _ in range(4)] == [None] * 4
    assert server.requested == ["a", "absent"]


def test_after_three_pages_are_listed() -> None:
    server = Server(**letters(20))
    reads = server.reads()
    assert [reads.get(key) for key in server.documents] == list(server.documents.values())
    assert server.requested == ["a", "b", "c", "*"]


def test_what_no_list_has_is_fetched_by_itself() -> None:
    """A list may be older than the client: only the document's own 404 means gone."""
    server = Server(**letters(10))
    server.unlisted = {"h"}
    reads = server.reads()
    assert [reads.get(key) for key in server.documents] == list(server.documents.values())
    assert reads.get("absent") is None
    assert server.requested == ["a", "b", "c", "*", "h", "absent"]


def test_a_list_is_enough_where_it_is_trusted() -> None:
    """But for what was written since, or where there is no list yet; what is known to be gone is
    not looked for."""
    server = Server(**letters(10))
    reads = server.reads()
    assert reads.get("absent", as_listed=True) is None
    for key in server.documents:
        reads.get(key)
    assert reads.get("another", as_listed=True) is None
    assert server.requested == ["absent", "a", "b", "*"]
    server.documents["made"] = "since"
    reads.forget("made")
    assert reads.get("made", as_listed=True) == "since"
    del server.documents["made"]
    reads.note_removed("made")
    assert reads.get("made") is None
    assert server.requested == ["absent", "a", "b", "*", "made"]


def test_after_a_write_it_is_read_again() -> None:
    server = Server(**letters(10))
    reads = server.reads()
    for key in server.documents:
        reads.get(key)
    server.documents["f"] = "changed"
    assert reads.get("f") == "5"
    reads.forget("f")
    reads.forget("never read")
    assert reads.get("f") == "changed"
    assert server.requested[-1] == "f"


def test_threads_share_what_one_of_them_reads() -> None:
    server = Server(**letters(10))
    reads, start = server.reads(), threading.Barrier(8)

    def read(_: int) -> list[str | None]:
        start.wait()
        return [reads.get(key) for key in server.documents]

    with ThreadPoolExecutor(8) as pool:
        assert all(found == list(server.documents.values()) for found in pool.map(read, range(8)))
    assert len(server.requested) == 4


@pytest.mark.parametrize("part", ["scopes", "jwks"])
def test_a_part_that_is_missing_makes_no_client_gone(
    portal: RunningPortal, tmp_path: Path, application: str, part: str
) -> None:
    """The client answered: a 404 on what lives inside it is no sign that it is gone, unless it went
    meanwhile."""
    with FaultProxy(portal.origin) as proxy:
        first, second = (platform_through(proxy.origin, portal, tmp_path) for _ in range(2))
        client_id = first.authority.register(metadata(application), None, {}, {}).client_id
        missing = faults.answer(404, b"{}", "application/json")
        proxy.rule("GET", f"/{part}$", missing, times=None)
        with pytest.raises(
            Unintelligible,
            match=f"client {client_id} of .* exists, but not its scopes or its JWK Set",
        ):
            first.clients.get(client_id)
        proxy.heal()
        proxy.rule(
            "GET",
            f"/{part}$",
            faults.after(
                lambda: second.authority.remove(client_id, metadata(application).owner), missing
            ),
        )
        assert second.clients.get(client_id) is None
