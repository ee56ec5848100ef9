"""What becomes of a client whose keys are, or will be, at an address: nobody fetches them, so that
nothing waits for them, and none of them is guarded."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import pytest

from acmidm_onboarding.authorities.errors import Rejected
from acmidm_onboarding.resources import switching
from acmidm_onboarding.resources.client_jwks import ClientJwksProvider
from acmidm_onboarding.resources.oauth_client import OAuthClientProvider
from tests.resources.world import World, client_inputs, keys, outs
from tests.support.portal import new_key
from tests.support.registry import Registry

ADDRESS = "https://keys.gent.example/jwks.json"
AT_ADDRESS = {"jwks_uri": {"jwks_uri": ADDRESS}}
"""As Keycloak's adapter reads it."""
ONE, OTHER = new_key("one"), new_key("other")
OF_EVIDENCE = {"thumbprint": ONE.thumbprint(), "proven_at": "2026-11-20T10:00:00Z"}


@pytest.fixture(autouse=True)
def nothing_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo

    def refuse(host: Any, *how: Any, **more: Any) -> Any:
        assert "keys.gent.example" not in str(host), "the address of a form is reached"
        return resolve(host, *how, **more)

    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def on_authority(provider: ClientJwksProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    clients = SimpleNamespace(get=lambda _: SimpleNamespace(jwks=AT_ADDRESS))
    platform = SimpleNamespace(clients=clients, authority=None, issuer="i", compromised={})
    monkeypatch.setattr(provider, "on", lambda _: platform)
    monkeypatch.setattr(provider, "_platforms", {"acmidm": platform})


def test_evidence_from_the_stacks_own_issuer_counts_as_seen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the gate: that issuer has fetched the keys. Evidence from another one counts for
    nothing."""
    provider = world.provider(ClientJwksProvider)
    on_authority(provider, monkeypatch)
    inputs: dict[str, Any] = {"platform": "acmidm", "client_id": "c", "jwks": None}
    own, elsewhere = ({**inputs, "proven": {**OF_EVIDENCE, "issuer": issuer}} for issuer in "io")
    for found in (
        [outs(provider.read("c", one))["seen"] for one in (own, elsewhere)],
        [outs(provider.update("c", inputs, one))["seen"] for one in (own, elsewhere)],
    ):
        assert found == [ONE.thumbprint(), None]


@pytest.mark.parametrize("awaited", [None, [OTHER.thumbprint()]], ids=["no keys", "another key"])
def test_a_secret_ends_at_once_where_the_keys_are_at_an_address(awaited: list[str] | None) -> None:
    news = {
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": ADDRESS,
        "awaited_keys": awaited,
        "software_id": "a/tni/O/loket",
    }
    authority: Any = SimpleNamespace(read_jwks=lambda _: AT_ADDRESS)
    assert not switching.must_wait(authority, "c", "client_secret_basic", news)


def test_keys_in_files_take_the_place_of_an_address_unguarded(
    guarded: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = guarded.provider(ClientJwksProvider)
    on_authority(provider, monkeypatch)
    checked = provider.check(
        {"platform": "acmidm", "client_id": "c"}, keys("c", OTHER, proven=ONE)
    ).inputs
    assert (checked or {}).keys().isdisjoint(("refused", "blocked"))
    assert list((checked or {})["jwks"]) == ["other"]


def test_an_address_takes_the_place_of_keys_at_once(
    guarded: World, registry: Registry, application: str
) -> None:
    """The portal is asked to, which takes no keys from an address."""
    provider = guarded.provider(OAuthClientProvider)
    made = provider.create(client_inputs(application))
    registry.set_keys(made.id, [ONE])
    with pytest.raises(Rejected, match="takes no keys from an address"):
        provider.update(made.id, outs(made), client_inputs(application, jwks_uri=ADDRESS))
