"""On a stack that protects its clients a provider removes only what a run has recorded as leaving:
the engine can be run so that it ignores its own protection."""

from __future__ import annotations

from typing import Any

import pytest

from acmidm_onboarding.authorities.errors import Rejected
from acmidm_onboarding.resources.client_jwks import ClientJwksProvider
from acmidm_onboarding.resources.client_scopes import ClientScopesProvider
from acmidm_onboarding.resources.hand_over import HandOverProvider
from acmidm_onboarding.resources.oauth_client import OAuthClientProvider
from acmidm_onboarding.resources.product_configuration import ProductConfigurationProvider
from tests.resources.world import MANAGED_BY, World, keys, outs, product_of
from tests.support.portal import new_key
from tests.support.registry import Registry

REFUSED = r"stays, for this stack protects its clients, and no run has recorded that it leaves"
WAY_OUT = r"retire it in its form, or set acmidm:protectClients to false, and run pulumi up"


@pytest.fixture
def protecting(world: World) -> World:
    return World({**world.config, "acmidm:protectClients": "true"})


@pytest.fixture
def parts(world: World, client: dict[str, Any]) -> dict[type[Any], dict[str, Any]]:
    """The outputs of each resource of a client, in the order in which the engine removes them."""
    client_id = client["client_id"]
    product = outs(world.provider(ProductConfigurationProvider).create(product_of(client_id)))
    connection = {"software_id": client["software_id"], "managed_by": MANAGED_BY}
    inside = {"platform": "acmidm", "client_id": client_id, "connection": connection}
    return {
        ClientScopesProvider: {**inside, "scopes": {}, "default_scopes": {}},
        ClientJwksProvider: {**keys(client_id), **inside},
        ProductConfigurationProvider: product,
        OAuthClientProvider: client,
    }


def test_what_no_run_has_let_go_stays(
    protecting: World,
    registry: Registry,
    client_id: str,
    parts: dict[type[Any], dict[str, Any]],
    application: str,
) -> None:
    """With all its parts, of which the state then keeps each."""
    registry.change(client_id, software_id="acmidm/tni/OVO002067/renamed-since")
    for kind, props in parts.items():
        with pytest.raises(Rejected, match=f"{client_id} .*{REFUSED}.*{WAY_OUT}"):
            protecting.provider(kind).delete(client_id, props)
    assert registry.client(application)["client_id"] == client_id
    assert registry.configuration("notificaties", client_id)
    with pytest.raises(Rejected, match=f"the record of mails {REFUSED}"):
        protecting.provider(HandOverProvider).delete("stack", {"stack": "s", "records": {}})


@pytest.mark.parametrize("is_recorded", [True, False], ids=["leaving", "not protecting"])
def test_what_a_run_has_let_go_is_removed(
    world: World,
    protecting: World,
    registry: Registry,
    client_id: str,
    parts: dict[type[Any], dict[str, Any]],
    application: str,
    is_recorded: bool,
) -> None:
    on, mark = (protecting, {"keep": False}) if is_recorded else (world, {})
    for kind, props in parts.items():
        on.provider(kind).delete(client_id, {**props, **mark})
    assert registry.clients(application) == []
    assert registry.configuration("notificaties", client_id) is None


def test_what_is_left_of_a_client_that_somebody_removed_is_not_protected(
    protecting: World,
    registry: Registry,
    client_id: str,
    parts: dict[type[Any], dict[str, Any]],
) -> None:
    """Its configuration bears our marks, and is of use to nobody."""
    registry.remove(client_id)
    protecting.provider(ProductConfigurationProvider).delete(
        f"notificaties/{client_id}", parts[ProductConfigurationProvider]
    )
    assert registry.configuration("notificaties", client_id) is None


@pytest.mark.parametrize("kind", [ClientScopesProvider, ClientJwksProvider])
def test_what_is_made_anew_inside_a_client_is_not_refused(
    protecting: World, client_id: str, parts: dict[type[Any], dict[str, Any]], kind: type[Any]
) -> None:
    """Another resource of this run goes on with it."""
    provider, props = protecting.provider(kind), parts[kind]
    with pytest.raises(Rejected):
        provider.delete(client_id, props)
    provider.create(props)
    provider.delete(client_id, props)


def test_what_is_gone_already_or_anothers_is_not_refused(
    protecting: World,
    registry: Registry,
    client_id: str,
    parts: dict[type[Any], dict[str, Any]],
) -> None:
    """Nothing of it would be removed: a resource that was made anew has taken it over."""
    registry.change(client_id, incarnation="the new one's")
    configuration = parts[ProductConfigurationProvider]["configuration"]
    registry.set_configuration("notificaties", client_id, configuration, incarnation="as well")
    for kind in (ProductConfigurationProvider, OAuthClientProvider):
        protecting.provider(kind).delete(client_id, parts[kind])
    gone = "00000000-0000-4000-8000-000000000000"
    for kind, props in parts.items():
        protecting.provider(kind).delete(gone, {**props, "client_id": gone})


@pytest.mark.parametrize("kind", [ClientScopesProvider, ClientJwksProvider])
def test_recording_that_a_client_leaves_writes_nothing(
    world: World,
    registry: Registry,
    client_id: str,
    application: str,
    parts: dict[type[Any], dict[str, Any]],
    kind: type[Any],
) -> None:
    """What somebody changed by hand holds up no leaving, and stays until the client goes."""
    registry.set_scopes(client_id, {"dv_notificaties_import": False})
    registry.set_keys(client_id, [new_key("slipped-in")])
    before = registry.client(application)
    props = parts[kind]
    updated = world.provider(kind).update(client_id, props, {**props, "keep": False})
    assert outs(updated) == {**props, "keep": False}
    assert registry.client(application) == before
