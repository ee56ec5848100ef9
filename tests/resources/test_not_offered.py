"""A product of the catalogue whose API an authority does not have: no client has a configuration of
it there, and it holds up none that goes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from acmidm_onboarding.authorities.errors import Unintelligible
from acmidm_onboarding.resources.client_scopes import ClientScopesProvider
from acmidm_onboarding.resources.oauth_client import OAuthClientProvider
from tests.resources.world import World, client_inputs, outs, world_of
from tests.support.forms import NOTIFICATIES
from tests.support.offered import offered
from tests.support.portal_thread import portal_in_thread
from tests.support.registry import Registry


@pytest.fixture(scope="module")
def lacking(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[World, World, Registry]]:
    """Settings that lead to an authority without one product, the same with a wrong address of all
    products, and what is registered there."""
    settings, folder = offered(), tmp_path_factory.mktemp("lacking")
    del settings["products"]["dosis"]
    with portal_in_thread(folder / "portal", **settings) as portal, portal.operator() as http:
        world = world_of(portal, folder)
        wrong = {"acmidm:productsUrl": f"{world.config['acmidm:productsUrl']}/elsewhere"}
        yield world, World({**world.config, **wrong}), Registry(http)


@pytest.mark.parametrize("is_kept", [False, True], ids=["removed", "let go"])
def test_no_client_is_held_up(lacking: tuple[World, World, Registry], is_kept: bool) -> None:
    """What an earlier run has left of the products that are there goes along. Where none of them
    is there the address is wrong, and nothing goes."""
    world, wrong, registry = lacking
    application = f"loket-{uuid.uuid4().hex[:12]}"
    made = outs(world.provider(OAuthClientProvider).create(client_inputs(application)))
    client_id = made["client_id"]
    marks = {name: made[name] for name in ("software_id", "managed_by", "incarnation")}
    registry.set_configuration("notificaties", client_id, NOTIFICATIES, **marks)
    props = {**made, "keep": is_kept}
    scopes = {"platform": "acmidm", "client_id": client_id, "keep": is_kept}

    for kind, of_kind in ((ClientScopesProvider, scopes), (OAuthClientProvider, props)):
        with pytest.raises(Unintelligible):
            wrong.provider(kind).delete(client_id, of_kind)
        assert registry.client(application)["managed_by"] == made["managed_by"]
        world.provider(kind).delete(client_id, of_kind)
    there = registry.clients(application)
    document = registry.product_document("notificaties", client_id)
    assert [one["managed_by"] for one in there] == ([None] if is_kept else [])
    assert (document and document["managed_by"]) is None
    assert bool(document) is is_kept
