"""Whose client a form may take over, by what a real portal knows of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

import pytest

from acmidm_onboarding.authorities.errors import Rejected
from acmidm_onboarding.resources.client_jwks import ClientJwksProvider
from acmidm_onboarding.resources.oauth_client import OAuthClientProvider
from tests.resources.world import World, adopting, client_inputs
from tests.support.forms import SEND
from tests.support.portal import OPERATOR, RunningPortal, new_key, public_jwk, register_client
from tests.support.registry import Registry

GENT = {"name": "Stad Gent", "ovo": "OVO002067", "kbo": "0207451227"}
AALST = {"name": "Stad Aalst", "ovo": "OVO002070", "kbo": "0207437468"}
SHARED = "0316380841"
NOT_THIS = "correct the client-ID under adopt in the form, or remove it"
NAMELESS = (
    "has no code of an organisation at its authority, so that nobody can tell whose it is; have it"
    " named under adopts in organisation"
)


def by_hand(registry: Registry, application: str, **changes: Any) -> str:
    """A client that nobody declares, of Stad Gent."""
    document = {
        "software_id": None,
        "managed_by": None,
        "organisation": GENT,
        "application": application,
        **changes,
    }
    return str(register_client(registry.http, scopes=[SEND], **document)["client_id"])


def refusal(world: World, client_id: str, application: str, **wanted: Any) -> str | None:
    """What a preview says of a form of Stad Gent that takes the client over; None where it may."""
    checked = world.provider(OAuthClientProvider).check(
        {}, adopting(client_id, client_inputs(application), **wanted)
    )
    sentence: str | None = (checked.inputs or {})["adopt"].get("refused")
    return sentence and sentence.removeprefix(f'gent/loket: client "{client_id}" ')


@pytest.mark.parametrize(
    ("organisation", "wanted", "sentence"),
    [
        ({}, {}, None),
        ({"kbo": None}, {}, None),
        ({"ovo": None}, {}, None),
        ({"name": "Iemand anders"}, {}, None),
        ({"ovo": "OVO000067"}, {}, None),
        (
            AALST,
            {},
            (
                'is that of "Stad Aalst" ("OVO002070", "0207437468"), and of no code in'
                f" organisation.yaml; {NOT_THIS}"
            ),
        ),
        (AALST, {"is_named": True}, "is that of"),
        ({"ovo": "OVO002070"}, {}, "is that of"),
        ({**AALST, "ovo": None}, {}, "is that of"),
        ({"ovo": None}, {"codes": ["OVO002067"]}, "is that of"),
        ({"ovo": None, "kbo": SHARED}, {}, NAMELESS),
        ({"ovo": None, "kbo": SHARED}, {"is_named": True}, None),
        ({"ovo": None}, {"codes": ["OVO002067"], "shared_codes": ["0207451227"]}, NAMELESS),
    ],
)
def test_only_a_client_of_the_forms_own_organisation(
    world: World,
    registry: Registry,
    application: str,
    organisation: Mapping[str, Any],
    wanted: Mapping[str, Any],
    sentence: str | None,
) -> None:
    """By the codes that the authority has: names prove nothing. Where it has none, only what
    organisation.yaml names too."""
    client_id = by_hand(registry, application, organisation={**GENT, **organisation})
    found = refusal(world, client_id, application, **wanted)
    assert (found is None) is (sentence is None), found
    assert (found or "").startswith(sentence or "")


def test_the_client_that_the_connection_has_is_no_other(world: World, application: str) -> None:
    """Naming it takes nothing over; tests/end_to_end/deployments/test_adoption.py has that another
    one is refused."""
    provider, inputs = world.provider(OAuthClientProvider), client_inputs(application)
    own = provider.create(inputs).id
    assert provider.check(inputs, adopting(own, inputs)).inputs == inputs


def test_what_another_tool_made_stays_that_tools(
    world: World, registry: Registry, application: str
) -> None:
    """As another form's and another stack's do: tests/end_to_end/deployments/test_adoption.py has
    those."""
    client_id = by_hand(registry, application, software_id="other-tool/loket")
    sentence = refusal(world, client_id, application, is_named=True) or ""
    assert sentence.startswith(
        'is that of "other-tool/loket", by a tool that is not this project; '
    )


def test_a_client_with_rights_over_the_authority(
    world: World, portal: RunningPortal, registry: Registry, application: str
) -> None:
    """Refused in the preview, and by each write; the authority itself grants no such scope, so that
    it is put into its database."""
    client_id = by_hand(
        registry,
        application,
        software_id=client_inputs(application)["software_id"],
        managed_by="acmidm/tni",
    )
    with sqlite3.connect(portal.settings.database) as database:
        scopes = json.dumps({"scopes": ["management_write", SEND], "default": []})
        database.execute("UPDATE clients SET scopes = ? WHERE client_id = ?", (scopes, client_id))
    database.close()
    why = "has rights over this authority (management_write)"
    assert refusal(world, client_id, application) == f"{why}; {NOT_THIS}"
    provider, inputs = world.provider(OAuthClientProvider), client_inputs(application)
    for write in (
        lambda: provider.delete(client_id, inputs),
        lambda: provider.update(
            client_id, inputs, {**inputs, "contacts": ["nieuw@stad-gent.example"]}
        ),
        lambda: provider.create(inputs),
    ):
        with pytest.raises(Rejected) as caught:
            write()
        assert (
            f"client {client_id} of {portal.origin}/management/v1 {why}, so that no form can"
            " have it" in str(caught.value)
        )
    assert registry.client(application)["contacts"] == ["api-beheer@stad.example"]


def test_the_operator_is_none(world: World, registry: Registry, application: str) -> None:
    """The embedded authority has operators apart from clients; another may list both."""
    authority = world.provider(OAuthClientProvider).on({"platform": "acmidm"}).authority
    found = authority.reserved(OPERATOR)
    assert found is not None
    assert found.why == "is an operator's own"
    assert refusal(world, OPERATOR, application) == f"does not exist; {NOT_THIS}"
    keys = {"platform": "acmidm", "client_id": OPERATOR, "jwks": {"a": public_jwk(new_key("a"))}}
    with pytest.raises(
        Rejected, match="is an operator's own, so that no form can have it, and nothing was written"
    ):
        world.provider(ClientJwksProvider).create(keys)
    client_id = by_hand(registry, application)
    with pytest.raises(
        Rejected,
        match=(
            "scope management_read, management_write is a right of operators, which no client can"
            " be granted"
        ),
    ):
        authority.replace_scopes(
            client_id, None, {SEND: False, "management_read": False, "management_write": False}
        )


@pytest.mark.parametrize("client_id", [".", "..", "\ud800"])
def test_a_name_that_leads_elsewhere_is_not_requested(
    world: World, application: str, client_id: str
) -> None:
    """``/clients/.`` is ``/clients/``, and ``/clients/..`` another API."""
    sentence = refusal(world, client_id, application) or ""
    assert (
        "is no name that an address can have, and nothing was sent; correct the name where it is"
        " written" in sentence
    )
    with pytest.raises(Rejected, match="is no name that an address can have"):
        world.provider(OAuthClientProvider).on({"platform": "acmidm"}).product_api.read(
            "dosis", client_id
        )


@pytest.mark.parametrize("client_id", ["a/b", "a?b", "a#b", "%2e%2e", "../audit", "a b", "é"])
def test_a_name_is_one_segment_of_a_path(world: World, application: str, client_id: str) -> None:
    """Whatever is in it: there is no such client, rather than another document."""
    assert refusal(world, client_id, application) == f"does not exist; {NOT_THIS}"
