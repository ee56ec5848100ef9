"""How a document is replaced under its ETag: known, wanted, or someone else's.
``tests/conformance/test_faults.py`` has it at each authority."""

from __future__ import annotations

import pytest

from acmidm_onboarding.authorities.errors import ChangedMeanwhile, Stale
from acmidm_onboarding.authorities.http import conditional

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

    def write(self, value: Scopes, etag: str) -> None:
        if etag != str(self.version):
            raise Stale("stale")
        self.value = value
        self.writes.append(value)

    def replace(self, known: Scopes | None) -> None:
        conditional.replace(
            self.read, self.write, known=known, wanted=WANTED, document="the document"
        )


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
