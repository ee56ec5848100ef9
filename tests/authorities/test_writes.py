"""How a document is replaced: known, wanted, or someone else's; under an ETag, or read back.
``tests/conformance/test_faults.py`` has it at each authority."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from acmidm_onboarding.authorities import writes
from acmidm_onboarding.authorities.errors import ChangedMeanwhile, Stale, Unsettled
from acmidm_onboarding.authorities.writes import TRIES, replace_part, with_retries

Scopes = frozenset[str]
KNOWN, WANTED, FOREIGN = frozenset({"a"}), frozenset({"a", "b"}), frozenset({"c"})


class Document:
    """A document on a server with an ETag; ``meanwhile`` are what others write between a read and
    the write."""

    def __init__(self, value: Scopes, *meanwhile: Scopes) -> None:
        self.value = value
        self.version = 1
        self.meanwhile = list(meanwhile)
        self.writes: list[Scopes] = []
        self.reads = 0

    def read(self) -> tuple[Scopes, str]:
        self.reads += 1
        seen = self.value, str(self.version)
        if self.meanwhile:
            self.value = self.meanwhile.pop(0)
            self.version += 1
        return seen

    def write(self, document: tuple[Scopes, str]) -> None:
        if document[1] != str(self.version):
            raise Stale("stale")
        self.value = WANTED
        self.writes.append(WANTED)

    def replace(self, known: Scopes | None) -> None:
        replace_part(
            self.read,
            lambda document: document[0],
            self.write,
            known=known,
            wanted=WANTED,
            name="the document",
        )


@pytest.fixture(autouse=True)
def _waits_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writes, "time", SimpleNamespace(sleep=lambda _: None))


@pytest.mark.parametrize("known", [KNOWN, None])
def test_what_is_known_is_replaced(known: Scopes | None) -> None:
    """Also where nothing is known, as at the first take-over."""
    document = Document(KNOWN)
    document.replace(known)
    assert document.writes == [WANTED]


def test_what_is_wanted_is_left_alone() -> None:
    """A rerun after a lost answer writes nothing."""
    document = Document(WANTED)
    document.replace(KNOWN)
    assert document.writes == []


def test_what_is_neither_is_refused() -> None:
    document = Document(FOREIGN)
    with pytest.raises(
        ChangedMeanwhile, match="someone else changed the document since the last refresh"
    ):
        document.replace(KNOWN)
    assert document.writes == []


def test_another_writer_in_between_is_read_again() -> None:
    """412, then the decision is made anew: a harmless change is written over, a foreign one
    refused."""
    document = Document(KNOWN, KNOWN)
    document.replace(KNOWN)
    assert (document.reads, document.writes) == (2, [WANTED])

    document = Document(KNOWN, WANTED)
    document.replace(KNOWN)
    assert (document.reads, document.writes) == (2, [])

    document = Document(KNOWN, FOREIGN)
    with pytest.raises(ChangedMeanwhile):
        document.replace(KNOWN)
    assert (document.value, document.writes) == (FOREIGN, [])


def test_stale_write_reads_again_and_gives_up_in_the_end() -> None:
    """412: another writer came in between, so decide again on what is there now; not for ever."""
    tries = []

    def write(good_at: int) -> int:
        tries.append(good_at)
        if len(tries) < good_at:
            raise Stale("x")
        return len(tries)

    assert with_retries(lambda: write(3)) == 3
    tries.clear()
    with pytest.raises(Stale):
        with_retries(lambda: write(99))
    assert len(tries) == TRIES


class Unguarded:
    """A document on a server without ETags; ``then`` are what it has after each write."""

    def __init__(self, value: Scopes, *then: Scopes) -> None:
        self.value = value
        self.then = list(then)
        self.writes = 0

    def write(self, _: Scopes) -> None:
        self.writes += 1
        self.value = self.then.pop(0) if self.then else WANTED

    def replace(self, known: Scopes | None, *, always: bool = False) -> None:
        replace_part(
            lambda: self.value,
            lambda value: value,
            self.write,
            known=known,
            wanted=WANTED,
            name="the document",
            always=always,
            reads_back=True,
        )


def test_without_etags_what_was_written_is_read_back() -> None:
    """Another writer's old value is written over once more, and what nobody knows is refused."""
    document = Unguarded(KNOWN, KNOWN)
    document.replace(KNOWN)
    assert (document.value, document.writes) == (WANTED, 2)

    document = Unguarded(KNOWN, FOREIGN)
    with pytest.raises(ChangedMeanwhile, match="someone else changed the document while this run"):
        document.replace(KNOWN)
    assert (document.value, document.writes) == (FOREIGN, 1)


def test_what_never_becomes_as_it_was_written_ends() -> None:
    document = Unguarded(KNOWN, *[KNOWN] * TRIES)
    with pytest.raises(Unsettled, match="the document is not as it was written"):
        document.replace(KNOWN)
    assert document.writes == TRIES


def test_what_is_always_written_is_written_once() -> None:
    """A secret is in no document that can be read: it is set where all else is as wanted."""
    document = Unguarded(WANTED)
    document.replace(KNOWN, always=True)
    assert document.writes == 1
