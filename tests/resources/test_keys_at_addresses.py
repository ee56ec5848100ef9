"""What becomes of a client whose keys are, or will be, at an address: what is listed of them, and
what may take their place."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from acmidm_onboarding.authorities import published_keys
from acmidm_onboarding.authorities.errors import Rejected
from acmidm_onboarding.authorities.published_keys import keys_in_force
from acmidm_onboarding.resources import switching
from acmidm_onboarding.resources.client_jwks import ClientJwksProvider
from acmidm_onboarding.resources.oauth_client import OAuthClientProvider
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.jwk import public_jwk as readable
from acmidm_onboarding.values.problems import Unusable
from tests.resources.test_overlap import keys
from tests.resources.world import World, client_inputs, outs
from tests.support.portal import new_key, public_jwk
from tests.support.registry import Registry

ADDRESS = "https://keys.gent.example/jwks.json"
AT_ADDRESS = {"jwks_uri": {"jwks_uri": ADDRESS}}
"""As Keycloak's adapter reads it."""
ONE, OTHER = new_key("one"), new_key("other")
ENDED = {**public_jwk(ONE), "exp": int(time.time()) - 60}


OF_EVIDENCE = {"issuer": "i", "proven_at": "2026-11-20T10:00:00Z"}


class Published:
    """What is at the address: keys, or why they cannot be used."""

    def __init__(self) -> None:
        self.there: list[Mapping[str, Any]] | str = [public_jwk(ONE)]

    def fetch(self, address: str) -> tuple[PublicJwk, ...]:
        assert address == ADDRESS
        if isinstance(self.there, str):
            raise Unusable(self.there)
        return tuple(readable(dict(one)) for one in self.there)


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Published:
    """The embedded portal takes no address, and no server of a test is at a public one: how it is
    fetched is tested elsewhere."""
    found = Published()
    monkeypatch.setattr(published_keys, "fetch_keys", found.fetch)
    return found


def on_authority(provider: ClientJwksProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    clients = SimpleNamespace(get=lambda _: SimpleNamespace(jwks=AT_ADDRESS))
    platform = SimpleNamespace(clients=clients, authority=None, issuer="i", compromised={})
    monkeypatch.setattr(provider, "on", lambda _: platform)
    monkeypatch.setattr(provider, "_platforms", {"acmidm": platform})


def test_the_key_that_evidence_was_signed_with_is_looked_for_where_it_is_published(
    world: World, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the gate. A run that cannot fetch it fails, and the next looks again; a read keeps what
    was known."""
    provider = world.provider(ClientJwksProvider)
    on_authority(provider, monkeypatch)
    inputs = {
        "platform": "acmidm",
        "client_id": "c",
        "jwks": None,
        "proven": {"thumbprint": ONE.thumbprint(), **OF_EVIDENCE},
    }
    elsewhere = {**inputs, "proven": {"thumbprint": OTHER.thumbprint(), **OF_EVIDENCE}}
    assert [outs(provider.read("c", one))["seen"] for one in (inputs, elsewhere)] == [
        ONE.thumbprint(),
        None,
    ]
    published.there = "cannot be reached; see to its server"
    assert (
        outs(provider.read("c", {**inputs, "seen": ONE.thumbprint()}))["seen"] == ONE.thumbprint()
    )
    with pytest.raises(
        Rejected,
        match=f"evidence was signed with cannot be looked for: {ADDRESS} cannot be reached",
    ):
        provider.update("c", {**inputs, "proven": None}, inputs)


def test_only_what_is_an_address_for_keys_is_fetched() -> None:
    """Whatever an authority says: it may have been set by hand."""
    with pytest.raises(Unusable, match="no public host name"):
        keys_in_force({"jwks_uri": {"jwks_uri": "https://127.0.0.1/jwks"}})


@pytest.mark.parametrize(
    ("there", "awaited", "waits"),
    [
        ([public_jwk(ONE)], None, False),
        ([ENDED], None, True),
        ([], None, True),
        ("cannot be reached; see to its server", None, True),
        ([public_jwk(ONE)], [OTHER.thumbprint()], True),
        ([public_jwk(ONE)], [ONE.thumbprint()], False),
    ],
    ids=[
        "a key",
        "one that has ended",
        "none",
        "nobody answers",
        "another than the form's",
        "the form's",
    ],
)
def test_a_secret_works_until_a_key_that_can_be_used_is_at_the_address(
    published: Published, there: list[Any] | str, awaited: list[str] | None, waits: bool
) -> None:
    published.there = there
    news = {
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": ADDRESS,
        "awaited_keys": awaited,
        "software_id": "a/tni/O/loket",
    }
    authority: Any = SimpleNamespace(read_jwks=lambda _: AT_ADDRESS)
    assert switching.must_wait(authority, "c", "client_secret_basic", news) is waits
    if awaited is None:
        assert f"until a key that can be used is at {ADDRESS}" in switching.sentence(news)


def test_keys_in_files_that_take_the_place_of_an_address_are_guarded(
    guarded: World, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = guarded.provider(ClientJwksProvider)
    on_authority(provider, monkeypatch)

    def refused(*declared: Any) -> Any:
        checked = provider.check(
            {"platform": "acmidm", "client_id": "c"}, keys("c", *declared, proven=ONE)
        )
        return (checked.inputs or {}).get("refused")

    assert 'key "one" cannot leave' in refused(OTHER)
    assert refused(ONE, OTHER) is None
    published.there = "cannot be reached; see to its server"
    assert f"which keys may leave cannot be known; {ADDRESS} cannot be reached" in refused(OTHER)


def test_an_address_takes_the_place_of_keys_where_one_of_them_is(
    guarded: World, registry: Registry, published: Published, application: str
) -> None:
    """Else nothing is written: the portal, which would refuse the address for another reason, is
    not even asked."""
    provider = guarded.provider(OAuthClientProvider)
    made = provider.create(client_inputs(application))
    registry.set_keys(made.id, [ONE])
    wanted = client_inputs(application, jwks_uri=ADDRESS)
    published.there = [public_jwk(OTHER)]
    with pytest.raises(
        Rejected, match=f'the client keeps key "one", for {ADDRESS} has none of them'
    ):
        provider.update(made.id, outs(made), wanted)
    published.there = "cannot be reached; see to its server"
    with pytest.raises(
        Rejected, match=f"at its new address cannot be used: {ADDRESS} cannot be reached"
    ):
        provider.update(made.id, outs(made), wanted)
    published.there = [public_jwk(ONE), public_jwk(OTHER)]
    with pytest.raises(Rejected, match="takes no keys from an address"):
        provider.update(made.id, outs(made), wanted)
