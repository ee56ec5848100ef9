"""Keys at an address, which a form need not have."""

from __future__ import annotations

from acmidm_onboarding.authorities.keycloak.adapter import Keycloak
from tests.support.keycloak import TestRealm
from tests.support.keycloak_by_hand import source
from tests.support.portal import metadata, new_key, public_jwk

FIRST, SECOND = "https://keys.gent.example/jwks.json", "https://sleutels.gent.example/jwks.json"


def test_what_nobody_declares_is_the_portals(adapter: Keycloak, realm: TestRealm) -> None:
    """An update leaves an address alone that no form has; a form that has one takes over whatever
    was there."""
    before = metadata()
    client_id = adapter.register(before, None, {}, {}).client_id
    adapter.replace_jwks(client_id, {}, {"key-1": public_jwk(new_key("key-1"))})
    realm.change(
        client_id,
        attributes={
            "use.jwks.url": "true",
            "jwks.url": FIRST,
            "use.jwks.string": "false",
            "jwks.string": None,
        },
    )
    renamed = before.model_copy(update={"client_name": "Anders"})
    adapter.update(client_id, before, renamed, None)
    assert source(realm, client_id) == {"jwks_uri": FIRST}
    wanted = renamed.model_copy(update={"jwks_uri": SECOND})
    adapter.update(client_id, renamed, wanted, None)
    assert source(realm, client_id) == {"jwks_uri": SECOND}
    adapter.update(client_id, wanted, renamed, None)
    assert source(realm, client_id) == {"jwks_uri": SECOND}, "it stays until there are keys"
