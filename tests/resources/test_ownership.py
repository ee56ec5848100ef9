"""Two resources of one stack and the same client: the marks tell which has it, and no read confuses
them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from acmidm_onboarding.authorities.errors import AlreadyRegistered
from acmidm_onboarding.resources.oauth_client import OAuthClientProvider
from acmidm_onboarding.resources.product_configuration import ProductConfigurationProvider
from tests.resources.world import World, client_inputs, outs, product_of
from tests.support.registry import Registry


def marks(document: dict[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in ("software_id", "managed_by", "incarnation")}


def test_a_refresh_teaches_the_old_one_nothing(
    world: World, registry: Registry, client: dict[str, Any], application: str
) -> None:
    """A second create takes the client over. The first one, refreshed before it is removed, sees
    that, and removes nothing."""
    provider, client_id = world.provider(OAuthClientProvider), client["client_id"]
    new = outs(provider.create(client_inputs(application)))
    assert new["client_id"] == client_id
    read = provider.read(client_id, client)
    assert outs(read) == {**client, "other_owner": marks(registry.client(application))}
    provider.delete(client_id, outs(read))
    provider.delete(client_id, client)
    assert registry.client(application)["client_id"] == client_id
    provider.delete(client_id, new)
    assert registry.clients(application) == []


@pytest.mark.parametrize(
    ("change", "is_refreshed"),
    [
        ({"incarnation": "anothers"}, True),
        ({"incarnation": "anothers"}, False),
        ({"incarnation": None}, False),
        ({"software_id": None, "managed_by": None}, True),
    ],
)
def test_an_update_puts_the_own_marks_back(
    world: World,
    registry: Registry,
    client: dict[str, Any],
    application: str,
    change: dict[str, Any],
    is_refreshed: bool,
) -> None:
    """Once a refresh has seen other ones, and in any update where only the incarnation is another:
    a state of before is restored."""
    clients, products, client_id = (
        world.provider(OAuthClientProvider),
        world.provider(ProductConfigurationProvider),
        client["client_id"],
    )
    configured = outs(products.create(product_of(client_id)))
    registry.change(client_id, **change)
    registry.set_configuration("notificaties", client_id, configured["configuration"], **change)
    before = (
        [outs(clients.read(client_id, client)), outs(products.read("", configured))]
        if is_refreshed
        else [client, configured]
    )
    assert not is_refreshed or all("other_owner" in one for one in before)
    wanted = (
        client_inputs(application, contacts=["nieuw@stad-gent.example"]),
        product_of(client_id, merk_code="nieuw"),
    )
    clients.update(client_id, before[0], wanted[0])
    products.update("", before[1], wanted[1])
    assert marks(registry.client(application)) == marks(client)
    document = registry.product_document("notificaties", client_id)
    assert document is not None
    assert marks(document) == marks(configured)


def test_a_client_is_found_under_its_former_key(
    world: World, registry: Registry, client: dict[str, Any], application: str
) -> None:
    """The state was lost while ``formerly`` waited: the client keeps its ID, and its products come
    along."""
    clients, products, client_id = (
        world.provider(OAuthClientProvider),
        world.provider(ProductConfigurationProvider),
        client["client_id"],
    )
    before = products.create({**product_of(client_id), "software_id": client["software_id"]})
    formerly = {"formerly": ["acmidm/tni/OVO002067/nooit", client["software_id"]]}
    wanted = client_inputs(f"{application}-2", **formerly)
    made = outs(clients.create(wanted))
    assert made["client_id"] == client_id
    assert marks(registry.client(f"{application}-2")) == marks(made)
    configured = products.create(
        {**product_of(client_id, merk_code="nieuw"), "software_id": made["software_id"], **formerly}
    )
    document = registry.product_document("notificaties", client_id)
    assert document is not None
    assert (marks(document), document["configuration"]["merk_code"]) == (
        marks(outs(configured)),
        "nieuw",
    )
    assert outs(configured)["incarnation"] != outs(before)["incarnation"]

    # Its own key goes first.
    assert clients.create(wanted).id == client_id


def test_a_former_key_that_another_stack_has_makes_no_second_client(
    world: World, registry: Registry, application: str
) -> None:
    """That stack would remove the one in use; its own client, under its present key, is another
    matter."""
    clients = world.provider(OAuthClientProvider)
    elders = client_inputs(application, managed_by="elders/tni")
    there = clients.create(elders).id
    ours = client_inputs(f"{application}-4", formerly=[elders["software_id"]])
    said = (
        f"client {there} is registered already for {elders['software_id']}, managed by elders/tni;"
        " see whose it is, and have it let go there, or take the name out of formerly"
    )
    with pytest.raises(AlreadyRegistered, match=re.escape(said)):
        clients.create(ours)
    assert registry.clients(f"{application}-4") == []
    made = clients.create({**ours, "formerly": []}).id
    assert clients.create(ours).id == made
