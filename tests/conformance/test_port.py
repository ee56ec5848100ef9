"""What the port promises (``authorities/port.py``), the same for every authority.

What one says that it cannot do, it refuses with a sentence, or answers as the port has it for that;
it is never silent. ``defects.py`` shows that each promise that an adapter breaks is found here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import pytest

from acmidm_onboarding.authorities.errors import (
    AlreadyRegistered,
    AuthorityError,
    ChangedMeanwhile,
    NotFound,
    PerhapsGone,
    Rejected,
)
from acmidm_onboarding.authorities.http import collection
from acmidm_onboarding.authorities.port import (
    Audited,
    Authority,
    DerivesClientIds,
    NewSecret,
)
from acmidm_onboarding.forms.catalogue import OPERATOR_RIGHTS
from acmidm_onboarding.values.metadata import ClientMetadata, Owner, ProductDocument
from tests.conformance.subjects import MARKS, NO_PARTS, OTHER, Parts, Subject, Wire, nobodys
from tests.support.faults import answer
from tests.support.forms import DOSSIERS, PLAIN, SEND
from tests.support.offered import ATTRIBUTE
from tests.support.portal import metadata, new_jwks, new_key, public_jwk

DOSIS = {"bron_uri": "urn://gent/x", "product_ids": ["10244"]}
WRITES = "POST|PUT|PATCH|DELETE"
SECRET, NEXT = "secret-of-ours-" + "x" * 40, "secret-of-ours-" + "y" * 40


@pytest.fixture
def wanted() -> ClientMetadata:
    return metadata(incarnation="first", keys_declared=True, attributes={ATTRIBUTE: "ja"})


@pytest.fixture
def parts() -> Parts:
    return Parts({PLAIN: False, OTHER: True}, new_jwks("key-1", "key-2"))


@pytest.fixture
def client_id(subject: Subject, wanted: ClientMetadata, parts: Parts) -> str:
    return subject.make(wanted, parts)


@pytest.fixture
def writes(subject: Subject) -> None:
    """Of an authority that something here can write to."""
    if subject.kind.is_by_hand:
        pytest.skip("people alone write there")


@pytest.fixture
def elsewhere(subject: Subject) -> Authority:
    """The same adapter at an address where nothing is."""
    authority = subject.elsewhere()
    if authority is None:
        pytest.skip("its settings have no managementUrl, which this suite could make a wrong one")
    return authority


@pytest.fixture
def products(subject: Subject) -> None:
    """Of an authority that is tried with product APIs."""
    if subject.products is None:
        pytest.skip("tried without product APIs")


def test_a_client_is_as_it_was_registered(
    subject: Subject, wanted: ClientMetadata, parts: Parts, client_id: str
) -> None:
    """Each way of reading it agrees; it is found by its own key alone."""
    authority = subject.authority
    registered, key = authority.read(client_id), str(wanted.software_id)
    assert registered is not None
    assert registered == authority.find(key)
    assert registered.metadata == authority.read_metadata(client_id)
    assert registered.client_id == client_id
    assert subject.kept(registered.metadata) == subject.kept(wanted)
    assert subject.scopes(authority.read_scopes(client_id)) == parts.scopes
    assert registered.scopes == authority.read_scopes(client_id)
    assert registered.jwks == authority.read_jwks(client_id) == parts.jwks
    for another in (f"{key}-2", key[:-1], key.replace("OVO002067", "OVO002949")):
        assert authority.find(another) is None
    if isinstance(authority, DerivesClientIds):
        assert client_id in islice(authority.client_ids_for(key), 1)


def test_what_nobody_registered_is_not_there(subject: Subject, client_id: str) -> None:
    """What an address leads to that has more in it than a client-ID is no client either."""
    for unknown in ("unheard-of", f"{client_id}?x=1", f"{client_id}#x"):
        for read in (
            subject.authority.read,
            subject.authority.read_metadata,
            subject.authority.read_scopes,
            subject.authority.read_jwks,
        ):
            if subject.kind.is_by_hand:
                with pytest.raises(PerhapsGone):
                    read(unknown)
            else:
                assert read(unknown) is None


def test_a_wrong_address_makes_no_client_gone(
    subject: Subject, elsewhere: Authority, client_id: str
) -> None:
    """It answers 404 to everything: nobody may believe that the client was removed."""
    known = subject.there(client_id).metadata
    for ask in (
        lambda: elsewhere.read(client_id),
        lambda: elsewhere.read_metadata(client_id),
        lambda: elsewhere.read_scopes(client_id),
        lambda: elsewhere.read_jwks(client_id),
        lambda: elsewhere.find(str(known.software_id)),
        lambda: list(elsewhere.clients()),
        lambda: elsewhere.remove(client_id, known.owner),
    ):
        with pytest.raises(AuthorityError):
            ask()


def test_an_empty_answer_makes_no_client_gone(subject: Subject, wire: Wire, client_id: str) -> None:
    """An operator that may see no clients may get one."""
    for body in (b"[]", b"{}"):
        subject.connect()
        subject.there(client_id)
        wire.proxy.rule("GET", "", answer(200, body, "application/json"), times=None)
        subject.connect()
        for read in (subject.authority.read, subject.authority.read_metadata):
            with pytest.raises(AuthorityError):
                read(client_id)
        wire.proxy.heal()


def test_what_a_registration_confirms_is_there(
    subject: Subject, wanted: ClientMetadata, parts: Parts
) -> None:
    """So that nobody writes it once more."""
    made = subject.register(wanted, parts)
    there = subject.there(made.client_id)
    if subject.kind.takes_parts or subject.kind.is_by_hand:
        assert (made.scopes, made.jwks) == parts == (there.scopes, there.jwks)
    else:
        assert (made.scopes, made.jwks) == NO_PARTS
    assert subject.kept(made.metadata) == subject.kept(wanted)


def test_a_key_has_one_client(
    subject: Subject, wanted: ClientMetadata, parts: Parts, client_id: str
) -> None:
    """Also a key that the client got later; the one before is free then."""
    if subject.kind.is_by_hand:
        assert subject.authority.register(wanted, None, *parts).client_id == client_id
        return
    require_taken(subject, wanted, client_id)
    moved = wanted.model_copy(update={"software_id": f"{wanted.software_id}-anders"})
    subject.authority.update(client_id, wanted, moved, None)
    require_moved(subject, wanted, moved, client_id)
    subject.connect()
    require_moved(subject, wanted, moved, client_id)
    require_taken(subject, moved, client_id)
    assert subject.register(wanted).client_id != client_id


def require_taken(subject: Subject, wanted: ClientMetadata, client_id: str) -> None:
    with pytest.raises(AlreadyRegistered) as caught:
        subject.register(wanted)
    assert caught.value.client_id == client_id


def require_moved(
    subject: Subject, before: ClientMetadata, after: ClientMetadata, client_id: str
) -> None:
    assert subject.authority.find(str(before.software_id)) is None
    found = subject.authority.find(str(after.software_id))
    assert found is not None
    assert found.client_id == client_id


def test_clients_are_listed(
    subject: Subject, wanted: ClientMetadata, client_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each once, as it is read; also of many pages, where an adapter reads these by our own help.

    Of an authority that has no list, those that are known without it.
    """
    declared = [metadata() for _ in range(2)]
    others = {one.software_id: subject.register(one) for one in declared}
    subject.connect()
    for key, other in others.items():
        found = subject.authority.find(str(key))
        assert found is not None
        assert found.client_id == other.client_id
    monkeypatch.setattr(collection.Collection.pages, "__defaults__", (1,))
    monkeypatch.setattr(collection.Bounded.__init__, "__defaults__", (1,))
    listed = list(subject.authority.clients())
    assert len({one.client_id for one in listed}) == len(listed)
    there = {one.client_id: one for one in listed}
    assert there.keys() >= {client_id, *(other.client_id for other in others.values())}
    assert there[client_id] == subject.authority.read(client_id)
    assert subject.operator not in there
    if not subject.kind.is_by_hand:
        assert subject.authority.remove(client_id, wanted.owner)
        assert client_id not in {one.client_id for one in subject.authority.clients()}


def test_metadata_is_replaced_where_it_is_as_known(
    subject: Subject, wanted: ClientMetadata, parts: Parts, client_id: str
) -> None:
    """The same again is no error; what somebody else changed is not overwritten."""
    authority = subject.authority
    authority.update(client_id, wanted, wanted, None)
    other = wanted.model_copy(
        update={
            "client_name": "Anders",
            "contacts": ("ander@gent.example",),
            "attributes": {},
            "organisation": wanted.organisation.model_copy(update={"name": "Gent"}),
            "enabled": False,
            "keys_declared": False,
        }
    )
    if subject.kind.is_by_hand:
        with pytest.raises(Rejected, match="nothing here can write"):
            authority.update(client_id, wanted, other, None)
        return
    authority.update(client_id, wanted, other, None)
    authority.update(client_id, wanted, other, None)
    for changed in ({"client_name": "Derde"}, {"contacts": ()}, {"incarnation": "next"}):
        with pytest.raises(ChangedMeanwhile):
            authority.update(client_id, wanted, wanted.model_copy(update=changed), None)
    there = subject.there(client_id)
    assert there.metadata == subject.kept(other)
    assert (there.scopes, there.jwks) == (parts.scopes, parts.jwks)
    authority.update(client_id, None, wanted, None)
    assert subject.there(client_id).metadata == wanted


@pytest.mark.usefixtures("writes")
def test_another_incarnation_is_no_other_writer(
    subject: Subject, wanted: ClientMetadata, client_id: str
) -> None:
    """But the owner of another stack is."""
    before = wanted.model_copy(update={"incarnation": "before"})
    after = wanted.model_copy(update={"client_name": "Anders", "incarnation": "after"})
    subject.authority.update(client_id, before, after, None)
    assert subject.there(client_id).metadata == after
    anothers = after.model_copy(update={"managed_by": "elders/tni"})
    with pytest.raises(ChangedMeanwhile):
        subject.authority.update(client_id, anothers, wanted, None)


@pytest.mark.usefixtures("writes")
def test_a_client_that_nobody_owns_is_taken_over(
    subject: Subject, wanted: ClientMetadata, parts: Parts
) -> None:
    """It loses what a client of ours would not have; its scopes and keys stay for now."""
    theirs = nobodys(wanted)
    client_id = subject.make(theirs, parts)
    console = subject.wire and subject.wire.console
    if console:
        console.add_redirect(client_id)
    before = subject.there(client_id)
    assert before.metadata == theirs
    subject.authority.update(client_id, before.metadata, wanted, None)
    assert not (console and console.has_redirect(client_id))
    after = subject.there(client_id)
    assert after.metadata == wanted
    assert (after.scopes, after.jwks) == (parts.scopes, parts.jwks)
    subject.connect()
    found = subject.authority.find(str(wanted.software_id))
    assert found is not None
    assert found.client_id == client_id


def test_scopes_are_replaced_where_they_are_as_known(
    subject: Subject, wanted: ClientMetadata, parts: Parts, client_id: str
) -> None:
    """The whole set, and of each whether every token has it; what API providers assign stays."""
    authority, other = subject.authority, {SEND: False, OTHER: False, DOSSIERS: True}
    authority.replace_scopes(client_id, parts.scopes, parts.scopes)
    if subject.kind.is_by_hand:
        with pytest.raises(Rejected, match="nothing here can write"):
            authority.replace_scopes(client_id, parts.scopes, other)
        return
    assert subject.gives <= {*(authority.read_scopes(client_id) or ())}
    authority.replace_scopes(client_id, parts.scopes, other)
    authority.replace_scopes(client_id, parts.scopes, other)
    with pytest.raises(ChangedMeanwhile):
        authority.replace_scopes(client_id, {PLAIN: False}, {PLAIN: True, SEND: True})
    there = subject.there(client_id)
    assert (there.scopes, there.jwks) == (other, parts.jwks)
    assert there.metadata == subject.kept(wanted)
    authority.replace_scopes(client_id, None, {PLAIN: True})
    assert subject.there(client_id).scopes == {PLAIN: True}
    with pytest.raises(ChangedMeanwhile):
        authority.replace_scopes(client_id, {PLAIN: False, SEND: True}, {})
    assert subject.there(client_id).scopes == {PLAIN: True}
    authority.replace_scopes(client_id, {PLAIN: True}, {})
    assert subject.there(client_id).scopes == {}
    assert subject.gives <= {*(authority.read_scopes(client_id) or ())}


@pytest.mark.usefixtures("writes")
def test_a_scope_is_granted_or_refused(subject: Subject, parts: Parts, client_id: str) -> None:
    """An unknown one is not left out in silence: with a registration, nor afterwards."""
    unknown = {**parts.scopes, "dv_unheard_of": False}

    def with_registration() -> str:
        made = subject.register(metadata(), Parts(unknown))
        if unknown.items() > made.scopes.items():
            subject.authority.replace_scopes(made.client_id, None, unknown)
        return made.client_id

    def afterwards() -> str:
        subject.authority.replace_scopes(client_id, parts.scopes, unknown)
        return client_id

    for write in (with_registration, afterwards):
        try:
            assert subject.there(write()).scopes == unknown
        except AuthorityError:
            assert subject.there(client_id).scopes == parts.scopes


def test_keys_are_replaced_where_they_are_as_known(
    subject: Subject, wanted: ClientMetadata, parts: Parts, client_id: str
) -> None:
    """The whole set; another key under the same name is another key."""
    authority, other = subject.authority, new_jwks("key-1", "key-3")
    authority.replace_jwks(client_id, parts.jwks, parts.jwks)
    if subject.kind.is_by_hand:
        with pytest.raises(Rejected, match="nothing here can write"):
            authority.replace_jwks(client_id, parts.jwks, other)
        return
    authority.replace_jwks(client_id, parts.jwks, other)
    authority.replace_jwks(client_id, parts.jwks, other)
    with pytest.raises(ChangedMeanwhile):
        authority.replace_jwks(client_id, parts.jwks, new_jwks("key-1", "key-3"))
    there = subject.there(client_id)
    assert (there.scopes, there.jwks) == (parts.scopes, other)
    assert there.metadata == subject.kept(wanted)
    last = new_jwks("key-4")
    authority.replace_jwks(client_id, None, last)
    assert authority.read_jwks(client_id) == last
    authority.replace_jwks(client_id, last, {})
    assert authority.read_jwks(client_id) == {}


def test_a_client_authenticates_with_its_keys_alone(
    subject: Subject, wire: Wire, wanted: ClientMetadata
) -> None:
    """Also with one that does not say that it is for signatures, as RFC 7517 §4.2 allows."""
    keys = {name: new_key(name) for name in ("key-1", "key-2")}
    jwks = {name: public_jwk(key) for name, key in keys.items()}
    del jwks["key-2"]["use"]
    client_id = subject.make(wanted, Parts({PLAIN: False}, jwks))
    assert [wire.console.accepts_key(client_id, key) for key in keys.values()] == [True, True]
    subject.authority.replace_jwks(client_id, jwks, {"key-2": jwks["key-2"]})
    assert [wire.console.accepts_key(client_id, key) for key in keys.values()] == [False, True]


def test_nothing_is_written_that_is_there(
    subject: Subject, wire: Wire, wanted: ClientMetadata, parts: Parts, client_id: str
) -> None:
    """And reading writes nothing."""
    authority = subject.authority
    wire.proxy.heal()
    authority.update(client_id, None, wanted, None)
    authority.replace_scopes(client_id, None, parts.scopes)
    authority.replace_jwks(client_id, None, parts.jwks)
    subject.there(client_id)
    assert [*map(str, wire.proxy.seen(WRITES, ""))] == []


@pytest.mark.parametrize("right", sorted(OPERATOR_RIGHTS))
def test_no_client_gets_a_right_of_operators(subject: Subject, client_id: str, right: str) -> None:
    """And no authority is asked to: not each of them refuses."""
    proxy = subject.wire and subject.wire.proxy
    if proxy:
        proxy.heal()
    with pytest.raises(Rejected):
        subject.authority.replace_scopes(client_id, None, {right: False})
    if subject.kind.takes_parts:
        with pytest.raises(Rejected):
            subject.register(metadata(), Parts({right: False}))
    assert not (proxy and proxy.seen(WRITES, ""))


@pytest.mark.usefixtures("writes")
def test_the_operators_own_client_is_no_connections(
    subject: Subject, wanted: ClientMetadata
) -> None:
    """Its client is reserved for sure, and each write to it is refused before it is sent."""
    authority, operator = subject.authority, subject.operator
    if subject.authority.read(operator) is not None or not isinstance(authority, DerivesClientIds):
        found = authority.reserved(operator)
        assert found is not None
        assert found.is_certain
        for write in _writes_to(subject, operator, wanted):
            with pytest.raises(Rejected):
                write()


def test_one_with_rights_over_its_authority_is_no_connections(
    subject: Subject, wire: Wire, wanted: ClientMetadata, client_id: str
) -> None:
    """Until the right goes, which the next replacement of its scopes takes away."""
    authority = subject.authority
    assert authority.reserved(client_id) is None
    wire.console.slip_in(client_id, "management_write")
    found = authority.reserved(client_id)
    assert found is not None
    assert found.is_certain
    other = wanted.model_copy(update={"client_name": "Anders"})
    with pytest.raises(Rejected):
        authority.update(client_id, wanted, other, None)
    with pytest.raises(Rejected):
        authority.remove(client_id, wanted.owner)
    authority.replace_scopes(client_id, None, {PLAIN: False})
    assert subject.there(client_id).scopes == {PLAIN: False}
    assert authority.reserved(client_id) is None


def _writes_to(
    subject: Subject, client_id: str, wanted: ClientMetadata
) -> tuple[Callable[[], object], ...]:
    authority = subject.authority
    return (
        lambda: authority.update(client_id, None, wanted, None),
        lambda: authority.replace_scopes(client_id, None, {PLAIN: False}),
        lambda: authority.replace_jwks(client_id, None, {}),
    )


@pytest.mark.usefixtures("writes")
def test_a_client_stays_where_its_marks_come_off(
    subject: Subject, wanted: ClientMetadata, client_id: str
) -> None:
    """It is nobody's then: found by no key, and removed by nobody, with its scopes and keys.

    People who change an authority by hand keep no marks there.
    """
    authority = subject.authority
    before = subject.there(client_id)
    unmarked = wanted.model_copy(update={**dict.fromkeys(MARKS), "keys_declared": False})
    authority.update(client_id, wanted, unmarked, None)
    after = subject.there(client_id)
    assert (after.scopes, after.jwks) == (before.scopes, before.jwks)
    assert subject.kept(after.metadata) == subject.kept(unmarked)
    assert authority.find(str(wanted.software_id)) is None
    assert not authority.remove(client_id, wanted.owner)


def test_a_client_goes_with_its_owner_alone(
    subject: Subject, wanted: ClientMetadata, client_id: str
) -> None:
    """Another's removal leaves it: of another connection, stack or resource.

    One that is gone is no error, and nothing is written into it; with it went what lived inside it.
    """
    authority = subject.authority
    if subject.kind.is_by_hand:
        with pytest.raises(Rejected, match="have the client removed at the portal"):
            authority.remove(client_id, wanted.owner)
        return
    key, stack = wanted.software_id, wanted.managed_by
    for other in (
        Owner(key, "elders/tni", "first"),
        Owner(key),
        Owner(),
        Owner(f"{key}-2", stack),
        Owner(key, stack, "another"),
        Owner(key, stack),
    ):
        assert not authority.remove(client_id, other)
    assert authority.read(client_id) is not None
    # The same resource, whose key changed in a run that was cut off.
    assert authority.remove(client_id, Owner(f"{key}-2", stack, "first"))
    assert authority.remove(client_id, wanted.owner)
    assert authority.read(client_id) is None
    assert authority.read_metadata(client_id) is None
    assert authority.read_scopes(client_id) is None
    assert authority.read_jwks(client_id) is None
    assert authority.find(str(key)) is None
    for write in _writes_to(subject, client_id, wanted):
        with pytest.raises(NotFound):
            write()
    there = subject.there(subject.register(wanted).client_id)
    assert (there.scopes, there.jwks) == ({}, {})


def test_keys_may_come_later(subject: Subject, wanted: ClientMetadata) -> None:
    made = subject.register(wanted).client_id
    assert subject.authority.read_jwks(made) == {}


def test_an_address_of_keys_is_taken_or_refused(subject: Subject) -> None:
    """Another one takes its place, and then keys do."""
    addresses = [f"https://gent.example/{name}.json" for name in ("een", "twee")]
    wanted, other = (
        metadata("loket-met-adres", jwks_uri=address, incarnation="first") for address in addresses
    )
    if not subject.kind.takes_keys_from_address:
        with pytest.raises(Rejected):
            subject.register(wanted)
        without = metadata()
        made = subject.register(without).client_id
        with pytest.raises(Rejected):
            subject.authority.update(
                made, without, without.model_copy(update={"jwks_uri": addresses[0]}), None
            )
        return
    made = subject.register(wanted).client_id
    assert subject.there(made).metadata == subject.kept(wanted)
    if not subject.kind.is_by_hand:
        subject.authority.update(made, wanted, other, None)
        assert subject.there(made).metadata == other
        keys, without = new_jwks("key-1"), other.model_copy(update={"jwks_uri": None})
        subject.authority.update(made, other, without, None)
        subject.authority.replace_jwks(made, None, keys)
        there = subject.there(made)
        assert (there.metadata, there.jwks) == (without, keys)


def test_a_secret_of_ours_is_taken_or_refused(subject: Subject) -> None:
    """And another one takes its place; the same once more is no other one."""
    wanted = metadata(token_endpoint_auth_method="client_secret_basic")
    if not subject.kind.takes_secrets:
        with pytest.raises(AuthorityError):
            subject.authority.register(wanted, SECRET, {}, {})
        return
    made = subject.register(wanted, secret=SECRET)
    authority, client_id = subject.authority, made.client_id
    there = subject.there(client_id)
    assert there.metadata.token_endpoint_auth_method == "client_secret_basic"
    assert there.client_secret_updated_at == made.client_secret_updated_at
    require_secret(subject, client_id, SECRET, NEXT)
    # How long a previous secret works is counted from when it was set.
    assert there.client_secret_updated_at or not subject.kind.keeps_previous_secret
    if there.client_secret_updated_at:
        time.sleep(max(0.0, there.client_secret_updated_at + 1 - time.time()))
    same = authority.update(client_id, wanted, wanted, NewSecret(SECRET))
    require_secret(subject, client_id, SECRET, NEXT)
    assert same == there.client_secret_updated_at
    assert subject.there(client_id) == there
    assert authority.update(client_id, wanted, wanted, None) is None
    require_secret(subject, client_id, SECRET, NEXT)
    updated_at = authority.update(client_id, wanted, wanted, NewSecret(NEXT))
    require_secret(subject, client_id, NEXT, SECRET)
    rotated = subject.there(client_id)
    assert updated_at == rotated.client_secret_updated_at
    if there.client_secret_updated_at:
        assert rotated.client_secret_updated_at > there.client_secret_updated_at


def require_secret(subject: Subject, client_id: str, right: str, wrong: str) -> None:
    """A client authenticates with the one and not with the other, where somebody here can try."""
    if subject.wire is not None:
        assert subject.wire.console.accepts(client_id, right)
        assert not subject.wire.console.accepts(client_id, wrong)


@pytest.mark.usefixtures("writes")
def test_what_changed_is_recorded(subject: Subject, wanted: ClientMetadata, client_id: str) -> None:
    """Newest first, and of this client alone, where the authority says who changed what."""
    authority = subject.authority
    if not isinstance(authority, Audited):
        pytest.skip("it does not say who changed what")
    other = metadata()
    subject.register(other)
    authority.update(client_id, wanted, wanted.model_copy(update={"client_name": "Anders"}), None)
    recorded = list(authority.recorded_changes(client_id))
    moments = [change.at for change in recorded]
    assert moments == sorted(moments, reverse=True)
    if recorded:
        assert recorded[0].action == "client.replaced"
        assert len({change.document for change in recorded if "client." in change.action}) == 1


@pytest.mark.usefixtures("products")
def test_a_product_is_configured_by_its_owner(
    subject: Subject, wanted: ClientMetadata, parts: Parts
) -> None:
    ours, other = (
        ProductDocument({**DOSIS, "bron_uri": f"urn://gent/{name}"}, wanted.owner)
        for name in ("x", "y")
    )
    client_id = subject.register(wanted, parts, {"dosis": ours.configuration}).client_id
    products = subject.products
    assert products is not None
    products.put("dosis", client_id, None, ours)
    found = products.read("dosis", client_id)
    assert found is not None
    assert found == dict(products.configurations("dosis"))[client_id]
    assert found.configuration == ours.configuration
    if subject.kind.is_by_hand:
        with pytest.raises(Rejected):
            products.put("dosis", client_id, ours, other)
        with pytest.raises(Rejected):
            products.delete("dosis", client_id, wanted.owner)
        return
    assert found == ours
    products.put("dosis", client_id, ours, other)
    products.put("dosis", client_id, ours, other)
    with pytest.raises(ChangedMeanwhile):
        products.put("dosis", client_id, ours, replace(ours, configuration=DOSIS | {"extra": "z"}))
    assert products.read("dosis", client_id) == other
    key, stack = wanted.software_id, wanted.managed_by
    for owner in (Owner(key, "elders/tni", "first"), Owner(key, stack, "another"), Owner()):
        assert not products.delete("dosis", client_id, owner)
    assert products.read("dosis", client_id) == other
    assert products.delete("dosis", client_id, wanted.owner)
    assert products.delete("dosis", client_id, wanted.owner)
    assert products.read("dosis", client_id) is None
    assert client_id not in dict(products.configurations("dosis"))


@pytest.mark.usefixtures("products", "writes")
def test_a_product_that_others_configured_is_theirs(
    subject: Subject, wanted: ClientMetadata
) -> None:
    """Of nobody's it is taken where it is exactly as wanted; an earlier run's is taken as it is."""
    products, client_id = subject.products, subject.register(wanted).client_id
    assert products is not None
    other = {**DOSIS, "bron_uri": "urn://gent/y"}
    for owner, configuration, is_taken in (
        (Owner(wanted.software_id, "elders/tni"), DOSIS, False),
        (Owner(), other, False),
        (Owner(), DOSIS, True),
        (Owner(wanted.software_id, wanted.managed_by, "before"), other, True),
    ):
        there = ProductDocument(configuration, owner)
        products.put("dosis", client_id, None, there)
        wants = ProductDocument(DOSIS, wanted.owner)
        if is_taken:
            products.put("dosis", client_id, None, wants)
        else:
            with pytest.raises(ChangedMeanwhile):
                products.put("dosis", client_id, None, wants)
        assert products.read("dosis", client_id) == (wants if is_taken else there)
        assert products.delete("dosis", client_id, (wants if is_taken else there).owner)


def test_nothing_is_made_that_nobody_confirmed(
    subject: Subject, wanted: ClientMetadata, parts: Parts
) -> None:
    if subject.kind.is_by_hand:
        with pytest.raises(Rejected, match="nobody has confirmed"):
            subject.authority.register(wanted, None, *parts)
