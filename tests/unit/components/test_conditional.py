"""How a document is replaced: known, wanted, or someone else's; with ETags, and as Keycloak has it without."""

from __future__ import annotations

import pytest

from acmidm_onboarding.authorities import conditional
from acmidm_onboarding.authorities.errors import ChangedMeanwhile, Stale
from acmidm_onboarding.authorities.keycloak_wire import WireClient
from acmidm_onboarding.authorities.keycloak_writes import settle

Scopes = frozenset[str]
KNOWN, WANTED, FOREIGN = frozenset({"a"}), frozenset({"a", "b"}), frozenset({"c"})


class Document:
    """A document on a server with an ETag; ``meanwhile`` are what others write between a read and the write."""

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
        conditional.replace(self.read, self.write, known=known, wanted=WANTED, document="the document")


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
    with pytest.raises(ChangedMeanwhile, match="someone else changed the document since the last refresh"):
        document.replace(KNOWN)
    assert document.writes == []


def test_another_writer_in_between_is_read_again() -> None:
    """412, then the decision is made anew: a harmless change is written over, a foreign one refused."""
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


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([FOREIGN], "since the last refresh: added c; removed a (declared: a, b; found: c), and nothing was overwritten"),
        (
            [KNOWN, FOREIGN],
            "while it was written: added c; removed a (declared: a, b; found: c) since the last refresh, and what is there may",
        ),
    ],
    ids=["before", "after"],
)
def test_without_etags_it_says_whether_something_was_written(found: list[Scopes], said: str) -> None:
    """Keycloak: what another wrote is seen before our own write, or when that is read back."""
    reads = iter([WireClient.model_validate({"id": "1", "clientId": "x", "optionalClientScopes": sorted(scopes)}) for scopes in found])
    writes: list[WireClient] = []
    with pytest.raises(ChangedMeanwhile) as caught:
        settle(lambda: next(reads), lambda client: client.granted, writes.append, known=KNOWN, wanted=WANTED, document="the scopes")
    assert str(caught.value).startswith(f"someone else changed the scopes {said}")
    assert len(writes) == len(found) - 1
