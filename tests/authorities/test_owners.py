"""A client and a product's configuration bear their owner: what bears another's is neither removed
nor overwritten."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from acmidm_onboarding.authorities.connected import ConnectedPlatform
from acmidm_onboarding.authorities.errors import ChangedMeanwhile
from acmidm_onboarding.values.metadata import ClientMetadata, Owner, ProductDocument
from tests.support.between import platform_through
from tests.support.portal import RunningPortal, metadata
from tests.support.registry import Registry

SETTINGS = {"bron_uri": "urn://gent/x", "product_ids": ["10244"]}
CHANGED = {**SETTINGS, "bron_uri": "urn://gent/y"}
BY_HAND = {**SETTINGS, "bron_uri": "urn://gent/by-hand"}
OTHERS = {
    "other stack": {"managed_by": "elders/tni"},
    "other connection": {"software_id": "acmidm/tni/OVO002067/other"},
    "nobody": {"managed_by": None},
}


@pytest.fixture
def platform(portal: RunningPortal, tmp_path: Path) -> ConnectedPlatform:
    return platform_through(portal.origin, portal, tmp_path)


@pytest.fixture
def wanted(application: str) -> ClientMetadata:
    return metadata(application)


@pytest.fixture
def client_id(platform: ConnectedPlatform, wanted: ClientMetadata) -> str:
    return platform.authority.register(wanted, None, {}, {}).client_id


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS.keys())
def test_a_configuration_of_another_owner_stays(
    platform: ConnectedPlatform,
    wanted: ClientMetadata,
    client_id: str,
    change: dict[str, str | None],
) -> None:
    """Neither a removal nor a first write touches it, nor one that believes it is its own."""
    products, ours = platform.product_api, ProductDocument(CHANGED, wanted.owner)
    theirs = ProductDocument(BY_HAND, replace(wanted.owner, **change))
    products.put("dosis", client_id, None, theirs)
    products.delete("dosis", client_id, wanted.owner)
    with pytest.raises(
        ChangedMeanwhile,
        match=(
            f"client {client_id} has a dosis configuration already that is not this stack's: added "
        ),
    ):
        products.put("dosis", client_id, None, ours)
    with pytest.raises(
        ChangedMeanwhile, match="someone else changed the dosis configuration of client"
    ):
        products.put("dosis", client_id, ProductDocument(BY_HAND, wanted.owner), ours)
    assert products.read("dosis", client_id) == theirs


def test_what_is_nobody_elses_is_overwritten(
    platform: ConnectedPlatform, wanted: ClientMetadata, client_id: str
) -> None:
    """What a preview has shown, by ``adopt`` or after a refresh; what is as declared, which gets an
    owner; what this stack left."""
    products, nobodys, ours = (
        platform.product_api,
        ProductDocument(BY_HAND, Owner()),
        ProductDocument(CHANGED, wanted.owner),
    )
    products.put("dosis", client_id, None, nobodys)
    products.put("dosis", client_id, nobodys, ours)
    assert dict(products.configurations("dosis"))[client_id] == ours
    products.put("dosis", client_id, ours, nobodys)
    for known_to_nobody in (ProductDocument(BY_HAND, wanted.owner), ours):
        products.put("dosis", client_id, None, known_to_nobody)
        assert products.read("dosis", client_id) == known_to_nobody


def test_the_error_names_the_fields_of_the_organisation(
    platform: ConnectedPlatform, registry: Registry, wanted: ClientMetadata, client_id: str
) -> None:
    registry.change(client_id, organisation={"name": "Anders", "ovo": "OVO002067", "kbo": None})
    with pytest.raises(ChangedMeanwhile) as caught:
        platform.authority.update(
            client_id, wanted, wanted.model_copy(update={"application": "other"}), None
        )
    assert (
        caught.value.difference
        == "changed organisation.kbo, organisation.name (declared: organisation.kbo 0207451227,"
        " organisation.name Stad Gent; found: organisation.kbo None, organisation.name Anders)"
    )
