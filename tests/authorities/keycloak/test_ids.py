"""Which client-ID a natural key gets on Keycloak: always the same one, and never that of a client
that moved to another key."""

from __future__ import annotations

from itertools import islice

import pytest

from acmidm_onboarding.authorities.errors import AlreadyRegistered, Rejected
from acmidm_onboarding.authorities.keycloak.adapter import Keycloak
from acmidm_onboarding.authorities.keycloak.wire import client_ids_for
from acmidm_onboarding.values.metadata import ClientMetadata
from tests.support.keycloak import TestRealm
from tests.support.portal import metadata


def ids_of(wanted: ClientMetadata) -> list[str]:
    """The first three client-IDs that its natural key may get."""
    return list(islice(client_ids_for(wanted.software_id), 3))


def move(keycloak: Keycloak, client_id: str) -> ClientMetadata:
    """What ``formerly`` does: another natural key, in place."""
    moved = metadata()
    keycloak.update(client_id, None, moved, None)
    return moved


def existing(keycloak: Keycloak, wanted: ClientMetadata) -> str | None:
    """The client that is found to have the natural key already."""
    with pytest.raises(AlreadyRegistered) as caught:
        keycloak.register(wanted, None, {}, {})
    return caught.value.client_id


def test_the_ids_of_a_key_never_change() -> None:
    """They are in use: another rule would make each client anew."""
    assert (
        next(client_ids_for("acmidm/tni/OVO002067/loket")) == "a0900c9b-788b-51e6-95ba-cbfbce7265a9"
    )
    assert len(set(ids_of(metadata()))) == 3


def test_the_chain_of_ids_goes_on_and_has_gaps(realm: TestRealm) -> None:
    """Moved twice: the third ID. The first is free again when its client is removed, and the others
    stay found, in a fresh run too."""
    keycloak, wanted = realm.adapter(), metadata()
    first, second, third = ids_of(wanted)
    moved = []
    for expected in (first, second):
        assert keycloak.register(wanted, None, {}, {}).client_id == expected
        moved.append(move(keycloak, expected))
    assert keycloak.register(wanted, None, {}, {}).client_id == third
    keycloak.remove(first, moved[0].owner)
    for one in (keycloak, realm.adapter()):
        assert existing(one, wanted) == third
        assert existing(one, moved[1]) == second
    found = keycloak.read(second)
    assert found is not None
    assert found.metadata == moved[1]


def test_a_move_that_another_run_made_meanwhile_is_seen(realm: TestRealm) -> None:
    """This run listed the clients before: Keycloak's own answer decides."""
    late, wanted = realm.adapter(), metadata()
    late.register(wanted, None, {}, {})
    first, second, _ = ids_of(wanted)
    move(realm.adapter(), first)
    assert late.register(wanted, None, {}, {}).client_id == second


def test_a_removed_client_is_made_again_under_its_id(realm: TestRealm) -> None:
    keycloak, wanted = realm.adapter(), metadata()
    first = keycloak.register(wanted, None, {}, {}).client_id
    moved = move(keycloak, first)
    keycloak.remove(first, moved.owner)
    assert keycloak.register(moved, None, {}, {}).client_id == ids_of(moved)[0]
    assert keycloak.register(wanted, None, {}, {}).client_id == first


def test_a_copy_made_in_the_console_is_not_taken_for_the_client(realm: TestRealm) -> None:
    """Export and import of a client takes its attributes along, the natural key among them: after a
    lost state the original is found."""
    wanted = metadata()
    client_id = realm.adapter().register(wanted, None, {}, {}).client_id
    attributes = realm.client(client_id)["attributes"]
    realm.add_client("a-copy", attributes=attributes)
    assert existing(realm.adapter(), wanted) == client_id
    realm.change(client_id, attributes={"acmidm.software_id": ""})
    assert existing(realm.adapter(), wanted) == client_id, (
        "it is the one whose client-ID comes from the key, whatever was done to it"
    )

    # Neither has its client-ID from the key: one was adopted, and nobody can tell which.
    realm.remove(client_id)
    assert existing(realm.adapter(), wanted) == "a-copy"
    realm.add_client("another-copy", attributes=attributes)
    with pytest.raises(
        Rejected,
        match=(
            f"clients a-copy, another-copy of .* have the same natural key {wanted.software_id};"
            " see which"
        ),
    ):
        realm.adapter().register(wanted, None, {}, {})
    for copy in ("a-copy", "another-copy"):
        realm.remove(copy)
