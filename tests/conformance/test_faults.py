"""What the port promises where an answer is lost, or somebody else writes too: of each write, at each of its requests.

What an authority cannot do is no silence either: a create that cannot be found again is never repeated, and of two
writers of the same moment one is overwritten only where the type of authority says that it cannot keep them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest

from acmidm_onboarding.authorities.errors import AlreadyRegistered, AnswerLost, ChangedMeanwhile
from acmidm_onboarding.authorities.http import retry
from acmidm_onboarding.authorities.port import ClientParts
from acmidm_onboarding.values.metadata import ClientMetadata, ProductDocument
from tests.conformance.consoles import Seen
from tests.conformance.subjects import Subject, Wire
from tests.support import faults
from tests.support.fault_proxy import Fault
from tests.support.forms import DOSSIERS, PLAIN, SEND
from tests.support.portal import metadata, new_jwks

WRITES = "POST|PUT|PATCH|DELETE"
LOST: dict[str, Fault] = {"cut off": faults.cut_after, "a gateway's 502": faults.committed_but(502)}
BEFORE, AFTER = faults.after, faults.followed_by
DOSIS = {"bron_uri": "urn://gent/loket", "product_ids": ["10244"]}


@dataclass(frozen=True)
class Made:
    """A client with a scope, a key, and a product where there are any."""

    subject: Subject
    client_id: str
    metadata: ClientMetadata
    parts: ClientParts

    @property
    def application(self) -> str:
        return self.metadata.application

    def seen(self, wire: Wire) -> Seen:
        [found] = wire.console.clients(self.application)
        return found


def make(subject: Subject) -> Made:
    wanted, parts = metadata(incarnation="first"), ClientParts({PLAIN: False}, new_jwks("key-1"))
    client_id = subject.make(wanted, parts)
    if subject.products is not None:
        subject.products.put("dosis", client_id, None, ProductDocument(DOSIS, wanted.owner))
    return Made(subject, client_id, wanted, parts)


@dataclass(frozen=True)
class Part:
    """What a write replaces: a field of ``Seen``, what we make of it, and what somebody else does."""

    name: str
    ours: Callable[[str], Any]
    theirs: Callable[[str], Any]
    replace: Callable[[Made, Any], object]

    def is_of(self, authority: str) -> bool:
        """Products have the same API everywhere, and are tried once."""
        return self.name != "products" or authority == "beheerportaal"


def put_product(made: Made, products: Mapping[str, Any]) -> None:
    assert made.subject.products is not None
    before, after = (ProductDocument(one, made.metadata.owner) for one in (DOSIS, products["dosis"]))
    made.subject.products.put("dosis", made.client_id, before, after)


PARTS = (
    Part(
        "client_name",
        lambda application: f"Onze {application}",
        lambda application: f"Hunne {application}",
        lambda made, name: made.subject.authority.update(
            made.client_id, made.metadata, made.metadata.model_copy(update={"client_name": name}), None
        ),
    ),
    Part(
        "scopes",
        lambda _: frozenset({SEND}),
        lambda _: frozenset({PLAIN, DOSSIERS}),
        lambda made, names: made.subject.authority.replace_scopes(
            made.client_id, made.parts.scopes, dict.fromkeys(names, False)
        ),
    ),
    Part(
        "keys",
        lambda _: frozenset({"of-ours"}),
        lambda _: frozenset({"of-theirs"}),
        lambda made, names: made.subject.authority.replace_jwks(made.client_id, made.parts.jwks, new_jwks(*names)),
    ),
    Part(
        "products",
        lambda _: {"dosis": {**DOSIS, "bron_uri": "urn://gent/onze"}},
        lambda _: {"dosis": {**DOSIS, "bron_uri": "urn://gent/hunne"}},
        put_product,
    ),
)
each_loss = pytest.mark.parametrize("fault", LOST.values(), ids=LOST)


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "_FIRST_WAIT_SECONDS", 0.0)


@each_loss
def test_a_create_makes_one_client(subject: Subject, wire: Wire, fault: Fault) -> None:
    """Which is found by its key; where none is, the error says what to look for, and nothing is sent again."""
    parts = ClientParts({PLAIN: False}, new_jwks("key-1"))
    for number in count(1):
        wanted, lost = metadata(incarnation="first"), None
        wire.proxy.heal()
        rule = wire.proxy.rule(WRITES, "", fault, first=number)
        try:
            client_id = subject.authority.register(wanted, None, parts).client_id
        except AlreadyRegistered as error:
            client_id = str(error.client_id)
        except AnswerLost as error:
            lost = str(error)
        [made] = wire.console.clients(wanted.application)
        if lost is not None:
            assert not subject.kind.finds_clients
            assert f"with software_id {wanted.software_id} and incarnation first" in lost
            assert len(wire.proxy.seen(WRITES, "")) == 1
            continue
        subject.fill(client_id, parts)
        [seen] = wire.console.clients(wanted.application)
        assert seen == replace(made, client_id=client_id, scopes=frozenset({PLAIN}), keys=frozenset({"key-1"}))
        if rule.seen < number:
            assert number > 1
            break


@each_loss
def test_a_write_is_done(subject: Subject, wire: Wire, part: Part, fault: Fault) -> None:
    for number in count(1):
        made = make(subject)
        before, ours = made.seen(wire), part.ours(made.application)
        rule = wire.proxy.rule(WRITES, "", fault, first=number)
        part.replace(made, ours)
        assert made.seen(wire) == replace(before, **{part.name: ours})
        wire.proxy.heal()
        if rule.seen < number:
            assert number > 1
            break


@each_loss
def test_a_removal_is_one(subject: Subject, wire: Wire, fault: Fault) -> None:
    """Of a product's configuration too."""
    made = make(subject)
    if subject.products is not None:
        wire.proxy.rule("DELETE", "", fault)
        assert subject.products.delete("dosis", made.client_id, made.metadata.owner)
        assert made.seen(wire).products == {}
    wire.proxy.rule("DELETE", "", fault)
    assert subject.authority.remove(made.client_id, made.metadata.owner)
    assert wire.console.clients(made.application) == []


def test_what_somebody_else_changed_stays(subject: Subject, wire: Wire, part: Part) -> None:
    """What was written since the last read, whoever has to decide then: both sides are named."""
    made = make(subject)
    before, ours, theirs = made.seen(wire), part.ours(made.application), part.theirs(made.application)
    wire.console.change(made.client_id, part.name, theirs)
    with pytest.raises(ChangedMeanwhile) as caught:
        part.replace(made, ours)
    require_both(caught.value, ours, theirs)
    assert made.seen(wire) == replace(before, **{part.name: theirs})


@pytest.mark.parametrize("when", [BEFORE, AFTER], ids=["before it arrives", "before its answer"])
def test_somebody_else_writes_at_the_same_moment(
    subject: Subject, wire: Wire, part: Part, when: Callable[[Callable[[], object]], Fault]
) -> None:
    """Neither is lost unseen where they are kept apart; else the error says so, or the last one counts."""
    made = make(subject)
    ours, theirs = part.ours(made.application), part.theirs(made.application)
    wire.proxy.rule(WRITES, "", when(lambda: wire.console.change(made.client_id, part.name, theirs)))
    said: ChangedMeanwhile | None = None
    try:
        part.replace(made, ours)
    except ChangedMeanwhile as error:
        said = error
        require_both(error, ours, theirs)
    there = getattr(made.seen(wire), part.name)
    if subject.kind.keeps_writers_apart:
        assert (there, said is not None) == (theirs, when is BEFORE)
    elif said is None:
        assert there == (ours if when is BEFORE else theirs)


def require_both(error: ChangedMeanwhile, *sides: Any) -> None:
    for side in sides:
        assert all(name in str(error) for name in ({side} if isinstance(side, str) else side)), error
