"""What the port promises where an answer is lost, or somebody else writes too: of each write, at
each of its requests.

Of two writers of the same moment one is overwritten only where the type of authority says that it
cannot keep them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import count
from typing import Any, ParamSpec, TypeVar

import pytest

from acmidm_onboarding.authorities.errors import AlreadyRegistered, ChangedMeanwhile, NotAllowed
from acmidm_onboarding.authorities.http import retry
from acmidm_onboarding.authorities.port import RegisteredClient
from acmidm_onboarding.values.metadata import ClientMetadata, Jwks, ProductDocument
from tests.conformance.consoles import Seen
from tests.conformance.subjects import Parts, Subject, Wire, nobodys
from tests.support import faults
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.forms import DOSSIERS, PLAIN, SEND
from tests.support.portal import metadata, new_jwks

WRITES = "POST|PUT|PATCH|DELETE"
LOST = (faults.cut_after, faults.committed_but(403))
"""Cut off, so that it is tried again; after a 403 nothing more is sent, as where a run ends."""
Given = ParamSpec("Given")
Value = TypeVar("Value")
BEFORE, AFTER = faults.after, faults.followed_by
DOSIS = {"bron_uri": "urn://gent/loket", "product_ids": ["10244"]}


@dataclass(frozen=True)
class Made:
    """A client with a scope, a key, and a product where there are any."""

    subject: Subject
    client_id: str
    metadata: ClientMetadata
    parts: Parts

    @property
    def application(self) -> str:
        return self.metadata.application

    def seen(self, wire: Wire) -> Seen:
        [found] = wire.console.clients(self.application)
        return found


def make(subject: Subject) -> Made:
    wanted, parts = metadata(incarnation="first"), Parts({PLAIN: False}, new_jwks("key-1"))
    client_id = subject.make(wanted, parts)
    if subject.products is not None:
        subject.products.put("dosis", client_id, None, ProductDocument(DOSIS, wanted.owner))
    return Made(subject, client_id, wanted, parts)


@dataclass(frozen=True)
class Part:
    """What a write replaces: a field of ``Seen``, what we make of it, and what somebody else
    does."""

    name: str
    ours: Callable[[str], Any]
    theirs: Callable[[str], Any]
    replace: Callable[[Made, Any], object]

    def is_of(self, authority: str) -> bool:
        """Products have the same API everywhere, and are tried once."""
        return self.name != "products" or authority == "beheerportaal"


@cache
def keys_named(names: frozenset[str]) -> Jwks:
    """Return public keys, the same each time."""
    return new_jwks(*names)


def put_product(made: Made, products: Mapping[str, Any]) -> None:
    assert made.subject.products is not None
    before, after = (
        ProductDocument(one, made.metadata.owner) for one in (DOSIS, products["dosis"])
    )
    made.subject.products.put("dosis", made.client_id, before, after)


def delete_product(made: Made) -> bool:
    assert made.subject.products is not None
    return made.subject.products.delete("dosis", made.client_id, made.metadata.owner)


def remove(made: Made) -> bool:
    return made.subject.authority.remove(made.client_id, made.metadata.owner)


PARTS = (
    Part(
        "client_name",
        lambda application: f"Onze {application}",
        lambda application: f"Hunne {application}",
        lambda made, name: made.subject.authority.update(
            made.client_id,
            made.metadata,
            made.metadata.model_copy(update={"client_name": name}),
            None,
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
        lambda made, names: made.subject.authority.replace_jwks(
            made.client_id, made.parts.jwks, keys_named(names)
        ),
    ),
    Part(
        "products",
        lambda _: {"dosis": {**DOSIS, "bron_uri": "urn://gent/onze"}},
        lambda _: {"dosis": {**DOSIS, "bron_uri": "urn://gent/hunne"}},
        put_product,
    ),
)


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "_FIRST_WAIT_SECONDS", 0.0)


@dataclass
class Loss:
    """The answer to the n-th writing request from when it is called is lost."""

    proxy: FaultProxy
    number: int
    fault: Fault

    def __call__(self) -> None:
        self.proxy.heal()
        self.rule = self.proxy.rule(WRITES, "", self.fault, first=self.number)


def at_each_request(proxy: FaultProxy) -> Iterator[Loss]:
    """Yield a loss in each way at the first writing request, then at the second, until there are no
    more."""
    for number in count(1):
        for fault in LOST:
            loss = Loss(proxy, number, fault)
            yield loss
            if loss.rule.seen < number:
                assert number > 1, "nothing was written"
                return


def until_done(
    subject: Subject, write: Callable[Given, Value], *given: Given.args, **named: Given.kwargs
) -> Value:
    """Write, and let the next run write the same where this one ends before it is done."""
    try:
        return write(*given, **named)
    except NotAllowed:
        subject.connect()
        return write(*given, **named)


def test_a_create_makes_one_client(subject: Subject, wire: Wire) -> None:
    """Which is found by its key."""
    parts = Parts({PLAIN: False}, new_jwks("key-1"))
    for lose in at_each_request(wire.proxy):
        wanted = metadata(incarnation="first")
        lose()
        try:
            client_id = until_done(subject, subject.register, wanted, parts).client_id
        except AlreadyRegistered as error:
            client_id = str(error.client_id)
            subject.made.append(client_id)
        [made] = wire.console.clients(wanted.application)
        until_done(subject, subject.fill, client_id, parts)
        [seen] = wire.console.clients(wanted.application)
        assert seen == replace(
            made, client_id=client_id, scopes=frozenset({PLAIN}), keys=frozenset({"key-1"})
        )


def test_a_write_is_done(subject: Subject, wire: Wire, part: Part) -> None:
    for lose in at_each_request(wire.proxy):
        made = make(subject)
        before, ours = made.seen(wire), part.ours(made.application)
        lose()
        until_done(subject, part.replace, made, ours)
        assert made.seen(wire) == replace(before, **{part.name: ours})


def take_over(subject: Subject, before: RegisteredClient, wanted: ClientMetadata) -> None:
    subject.authority.update(before.client_id, before.metadata, wanted, None)


def test_a_client_is_taken_over_whole(subject: Subject, wire: Wire) -> None:
    """Where that was cut off, its authority may have given it a scope of its own: that goes as its
    scopes are replaced."""
    parts = Parts({PLAIN: False}, new_jwks("key-1"))
    for lose in at_each_request(wire.proxy):
        wanted = metadata(incarnation="first")
        client_id = subject.make(nobodys(wanted), parts)
        before = subject.there(client_id)
        lose()
        until_done(subject, take_over, subject, before, wanted)
        there = subject.there(client_id)
        assert (there.metadata, there.jwks) == (wanted, parts.jwks)
        assert there.scopes.items() >= parts.scopes.items()
        subject.fill(client_id, parts)
        assert subject.there(client_id) == replace(there, scopes=parts.scopes)


def test_a_removal_is_one(subject: Subject, wire: Wire) -> None:
    """Of a product's configuration too."""
    for lose in at_each_request(wire.proxy):
        made = make(subject)
        if subject.products is not None:
            lose()
            assert until_done(subject, delete_product, made)
            assert made.seen(wire).products == {}
        lose()
        assert until_done(subject, remove, made)
        assert wire.console.clients(made.application) == []


def test_what_somebody_else_changed_stays(subject: Subject, wire: Wire, part: Part) -> None:
    """What was written since the last read, whoever has to decide then: both sides are named."""
    made = make(subject)
    before, ours, theirs = (
        made.seen(wire),
        part.ours(made.application),
        part.theirs(made.application),
    )
    wire.console.change(made.client_id, part.name, theirs)
    with pytest.raises(ChangedMeanwhile) as caught:
        part.replace(made, ours)
    require_both(caught.value, ours, theirs)
    assert made.seen(wire) == replace(before, **{part.name: theirs})


@pytest.mark.parametrize("when", [BEFORE, AFTER], ids=["before it arrives", "before its answer"])
def test_somebody_else_writes_at_the_same_moment(
    subject: Subject, wire: Wire, part: Part, when: Callable[[Callable[[], object]], Fault]
) -> None:
    """Neither is lost unseen where they are kept apart; else the error says so, or the last one
    counts."""
    made = make(subject)
    ours, theirs = part.ours(made.application), part.theirs(made.application)
    wire.proxy.rule(
        WRITES, "", when(lambda: wire.console.change(made.client_id, part.name, theirs))
    )
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
        assert all(name in str(error) for name in ({side} if isinstance(side, str) else side)), (
            error
        )
