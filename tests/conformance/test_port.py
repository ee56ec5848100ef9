"""What the port promises (``authorities/port.py``), the same for every authority.

What one says that it cannot do, it refuses with a sentence, or answers as the port has it for that;
it is never silent.
"""

from __future__ import annotations

import pytest

from acmidm_onboarding.authorities.errors import (
    AlreadyRegistered,
    AuthorityError,
    ChangedMeanwhile,
    NotFound,
    PerhapsGone,
    Rejected,
)
from acmidm_onboarding.authorities.port import NO_PARTS, ClientParts
from acmidm_onboarding.forms.catalogue import OPERATOR_RIGHTS
from acmidm_onboarding.values.metadata import ClientMetadata, Owner, ProductDocument
from tests.conformance.subjects import NO_PRODUCTS, Subject
from tests.support.forms import PLAIN, SEND
from tests.support.portal import metadata, new_jwks

DOSIS = {"bron_uri": "urn://gent/x", "product_ids": ["10244"]}


@pytest.fixture
def wanted() -> ClientMetadata:
    return metadata()


@pytest.fixture
def parts() -> ClientParts:
    return ClientParts({PLAIN: False}, new_jwks("key-1"))


@pytest.fixture
def client_id(subject: Subject, wanted: ClientMetadata, parts: ClientParts) -> str:
    return subject.make(wanted, parts)


def test_a_client_is_as_it_was_registered(
    subject: Subject, wanted: ClientMetadata, parts: ClientParts, client_id: str
) -> None:
    """Each way of reading it agrees."""
    authority = subject.authority
    snapshot = authority.snapshot(client_id)
    assert snapshot is not None
    assert snapshot.client == authority.read(client_id)
    assert (snapshot.client.client_id, subject.kept(snapshot.client.metadata)) == (
        client_id,
        subject.kept(wanted),
    )
    assert (
        subject.scopes(snapshot.scopes)
        == subject.scopes(authority.read_scopes(client_id))
        == parts.scopes
    )
    assert snapshot.jwks == authority.read_jwks(client_id) == parts.jwks


def test_what_a_registration_confirms_is_there(
    subject: Subject, wanted: ClientMetadata, parts: ClientParts
) -> None:
    """So that nobody writes it once more."""
    if subject.person is not None:
        subject.person.confirms(wanted, parts, {})
    made = subject.authority.register(wanted, None, parts)
    there = subject.authority.snapshot(made.client_id)
    assert there is not None
    if subject.kind.takes_parts:
        assert made.parts == parts == ClientParts(subject.scopes(there.scopes) or {}, there.jwks)
    else:
        assert made.parts == NO_PARTS


def test_a_client_is_found_by_its_key(
    subject: Subject, wanted: ClientMetadata, client_id: str
) -> None:
    found = subject.authority.find(str(wanted.software_id))
    assert found is not None
    assert found.client_id == client_id
    assert subject.authority.find("acmidm/tni/OVO002067/nobody") is None


def test_a_key_has_one_client(
    subject: Subject, wanted: ClientMetadata, parts: ClientParts, client_id: str
) -> None:
    if subject.kind.is_by_hand:
        assert subject.authority.register(wanted, None, parts).client_id == client_id
        return
    with pytest.raises(AlreadyRegistered) as caught:
        subject.authority.register(wanted, None, parts)
    assert caught.value.client_id == client_id


def test_clients_are_listed(subject: Subject, client_id: str) -> None:
    """Each once; of an authority that has no list, those that are known without it."""
    listed = [one.client.client_id for one in subject.authority.clients()]
    assert listed.count(client_id) == 1


def test_metadata_is_replaced_where_it_is_as_known(
    subject: Subject, wanted: ClientMetadata, client_id: str
) -> None:
    """The same again is no error; what somebody else changed is not overwritten."""
    authority, other = subject.authority, wanted.model_copy(update={"client_name": "Anders"})
    authority.update(client_id, wanted, wanted, None)
    if subject.kind.is_by_hand:
        with pytest.raises(Rejected, match="nothing here can write"):
            authority.update(client_id, wanted, other, None)
        return
    authority.update(client_id, wanted, other, None)
    with pytest.raises(ChangedMeanwhile):
        authority.update(
            client_id, wanted, wanted.model_copy(update={"client_name": "Derde"}), None
        )
    found = authority.read(client_id)
    assert found is not None
    assert found.metadata.client_name == "Anders"


def test_scopes_are_replaced_where_they_are_as_known(
    subject: Subject, parts: ClientParts, client_id: str
) -> None:
    authority, other = subject.authority, {SEND: False}
    authority.replace_scopes(client_id, parts.scopes, parts.scopes)
    if subject.kind.is_by_hand:
        with pytest.raises(Rejected, match="nothing here can write"):
            authority.replace_scopes(client_id, parts.scopes, other)
        return
    authority.replace_scopes(client_id, parts.scopes, other)
    with pytest.raises(ChangedMeanwhile):
        authority.replace_scopes(client_id, parts.scopes, {})
    assert subject.scopes(authority.read_scopes(client_id)) == other


def test_keys_are_replaced_where_they_are_as_known(
    subject: Subject, parts: ClientParts, client_id: str
) -> None:
    authority, other = subject.authority, new_jwks("key-2")
    authority.replace_jwks(client_id, parts.jwks, parts.jwks)
    if subject.kind.is_by_hand:
        with pytest.raises(Rejected, match="nothing here can write"):
            authority.replace_jwks(client_id, parts.jwks, other)
        return
    authority.replace_jwks(client_id, parts.jwks, other)
    with pytest.raises(ChangedMeanwhile):
        authority.replace_jwks(client_id, parts.jwks, new_jwks("key-3"))
    assert authority.read_jwks(client_id) == other


@pytest.mark.parametrize("right", sorted(OPERATOR_RIGHTS))
def test_no_client_gets_a_right_of_operators(subject: Subject, client_id: str, right: str) -> None:
    with pytest.raises(Rejected):
        subject.authority.replace_scopes(client_id, None, {right: False})


def test_a_client_stays_where_its_marks_come_off(
    subject: Subject, wanted: ClientMetadata, client_id: str
) -> None:
    """It is nobody's then: found by no key, and removed by nobody, with its scopes and keys.

    People who change an authority by hand keep no marks there.
    """
    authority = subject.authority
    if subject.kind.is_by_hand:
        return
    before = authority.snapshot(client_id)
    marks = dict.fromkeys(("software_id", "managed_by", "incarnation"))
    unmarked = wanted.model_copy(update={**marks, "keys_declared": False})
    authority.update(client_id, wanted, unmarked, None)
    after = authority.snapshot(client_id)
    assert before is not None
    assert after is not None
    assert (after.scopes, after.jwks) == (before.scopes, before.jwks)
    assert subject.kept(after.client.metadata) == subject.kept(unmarked)
    assert authority.find(str(wanted.software_id)) is None
    assert not authority.remove(client_id, wanted.owner)


def test_a_client_goes_with_its_owner_alone(
    subject: Subject, wanted: ClientMetadata, client_id: str
) -> None:
    """Another's removal leaves it: of another connection, stack or resource.

    One that is gone is no error, and nothing is written into it.
    """
    authority = subject.authority
    if subject.kind.is_by_hand:
        with pytest.raises(Rejected, match="have the client removed at the portal"):
            authority.remove(client_id, wanted.owner)
        return
    key, stack = wanted.software_id, wanted.managed_by
    for other in (
        Owner(key, "elders/tni"),
        Owner(key),
        Owner(f"{key}-2", stack),
        Owner(key, stack, "another"),
    ):
        assert not authority.remove(client_id, other)
    assert authority.read(client_id) is not None
    assert authority.remove(client_id, wanted.owner)
    assert authority.remove(client_id, wanted.owner)
    assert authority.read(client_id) is None
    assert authority.snapshot(client_id) is None
    assert authority.read_scopes(client_id) is None
    assert authority.read_jwks(client_id) is None
    with pytest.raises(NotFound):
        authority.replace_scopes(client_id, None, {PLAIN: False})
    with pytest.raises(NotFound):
        authority.replace_jwks(client_id, None, {})


def test_keys_may_come_later(subject: Subject, wanted: ClientMetadata) -> None:
    made = subject.register(wanted, ClientParts({}, {}))
    assert subject.authority.read_jwks(made) == {}


def test_a_secret_of_ours_is_taken_or_refused(subject: Subject) -> None:
    wanted = metadata(token_endpoint_auth_method="client_secret_basic")
    if subject.kind.takes_secrets:
        made = subject.authority.register(wanted, "secret-of-ours-" + "x" * 40).client_id
        found = subject.authority.read(made)
        assert found is not None
        assert found.metadata.token_endpoint_auth_method == "client_secret_basic"
    else:
        with pytest.raises(AuthorityError):
            subject.authority.register(wanted, "secret-of-ours-" + "x" * 40)


def test_a_product_is_configured_by_its_owner(
    subject: Subject, wanted: ClientMetadata, parts: ClientParts
) -> None:
    if subject.products is None:
        pytest.skip(NO_PRODUCTS)
    products, ours = subject.products, ProductDocument(DOSIS, wanted.owner)
    client_id = subject.register(wanted, parts, {"dosis": DOSIS})
    products.put("dosis", client_id, None, ours)
    found = products.read("dosis", client_id)
    assert found is not None
    assert (
        found.configuration
        == dict(products.configurations("dosis"))[client_id].configuration
        == DOSIS
    )
    if subject.kind.is_by_hand:
        with pytest.raises(Rejected):
            products.delete("dosis", client_id, wanted.owner)
        return
    assert not products.delete("dosis", client_id, Owner(wanted.software_id, "elders/tni"))
    assert products.delete("dosis", client_id, wanted.owner)
    assert products.read("dosis", client_id) is None


def test_nothing_is_made_that_nobody_confirmed(
    subject: Subject, wanted: ClientMetadata, parts: ClientParts
) -> None:
    if subject.kind.is_by_hand:
        with pytest.raises(Rejected, match="nobody has confirmed"):
            subject.authority.register(wanted, None, parts)
        with pytest.raises(PerhapsGone):
            subject.authority.read("unheard-of")
