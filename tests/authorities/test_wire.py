"""What goes over the wire of the management API, and what of it gets into a state."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from pydantic import ValidationError

from acmidm_onboarding.authorities.beheerportaal.wire import (
    WireClientPage,
    WireConfiguration,
    WireConfigurationPage,
    WireListedClient,
    WireRegisteredClient,
    WireScopes,
)
from acmidm_onboarding.authorities.keycloak.events import WireEvents
from acmidm_onboarding.authorities.keycloak.mappers import claims_of, mappers_of
from acmidm_onboarding.authorities.keycloak.wire import WireClient, WireClients
from acmidm_onboarding.values.secrecy import NOT_SHOWN


@pytest.mark.parametrize(
    ("configuration", "kept"),
    [
        ({"d": 1, "k": "short"}, {"d": 1, "k": "short"}),
        (
            {"a": [{"kty": "EC", "x": "1", "d": "very-private"}]},
            {"a": [{"kty": "EC", "x": "1", "d": NOT_SHOWN}]},
        ),
        ({"a": "-----BEGIN PRIVATE KEY-----\nvery-private"}, {"a": NOT_SHOWN}),
    ],
)
def test_a_private_key_that_somebody_configured_gets_into_no_state(
    configuration: dict[str, Any], kept: dict[str, Any]
) -> None:
    assert WireConfiguration(configuration=configuration).document.configuration == kept


FORGED = "naam\r\n::error::forged \x1b]0;title\x07\u202e"
SPELLED = r"naam\r\n::error::forged \x1b]0;title\x07\u202e"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (FORGED, SPELLED),
        (SPELLED, SPELLED),
        ("Stad Geraardsbergen / Ünïcode", "Stad Geraardsbergen / Ünïcode"),
        ("-----BEGIN PRIVATE KEY-----very-private", NOT_SHOWN),
        ("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln", NOT_SHOWN),
    ],
)
def test_a_text_of_an_authority_is_one_line_and_no_secret(text: str, shown: str) -> None:
    """In every field of both authorities, as the engine shows it and the state keeps it: always in
    the same way."""
    client = {
        **GOOD,
        "client_name": text,
        "organisation": {"name": text, "ovo": text},
        "application": text,
        "contacts": [text],
    }
    [item] = WireClientPage.model_validate(
        {"items": [{**client, "scopes": [text], "default_scopes": [text], "managed_by": text}]}
    ).items
    attributes = {"setbyclient_proef": text}
    [said] = WireClientPage.model_validate({"items": [{**client, "attributes": attributes}]}).items
    mappers = mappers_of(attributes)
    assert said.attributes == claims_of(mappers) == {"setbyclient_proef": shown}
    own = {f"acmidm.{name}": text for name in ("ovo_code", "application", "managed_by")}
    on_keycloak = WireClient.model_validate(
        {"id": "1", "clientId": "c", "name": text, "description": text, "attributes": own}
    )
    for found in (item.registered.metadata, on_keycloak.metadata):
        values = (
            found.client_name,
            found.organisation.name,
            found.organisation.ovo,
            found.application,
            found.managed_by,
        )
        assert set(values) == {shown}
    assert (*item.registered.scopes, *item.contacts) == (shown, shown)
    document = WireConfiguration(
        configuration={"a": [{text: text}]} if shown != NOT_SHOWN else {"a": [{shown: text}]}
    ).document
    assert document.configuration == {"a": [{shown: shown}]}


GOOD: dict[str, Any] = {
    "client_id": "good",
    "client_name": "Stad Gent: loket",
    "organisation": {"name": "Stad Gent"},
    "application": "loket",
    "grant_types": ["client_credentials"],
    "token_endpoint_auth_method": "private_key_jwt",
    "contacts": [],
    "attributes": {"setbyclient_proef": "x"},
    "scopes": ["a"],
    "default_scopes": ["a"],
    "jwks": {"keys": [{"kid": "key-1"}]},
}


def test_clients_that_are_broken_spoil_no_list() -> None:
    """They show as different, and all others as they are; none is taken for one that is not
    there."""
    values: list[object] = [None, 7, {"a": [{}]}, [[]]]
    broken = {
        f"{field} {value}": {field: value}
        for field, value in product(GOOD.keys() - {"client_id"}, values)
    }
    items = [{**GOOD, **changes, "client_id": name} for name, changes in broken.items()]
    page = WireClientPage.model_validate({"items": [*items, GOOD]})
    *bad, good = (item.registered for item in page.items)
    assert good.client_id == "good"
    assert good.scopes == {"a": True}
    assert list(good.jwks) == ["key-1"]
    assert [found.client_id for found in bad] == list(broken)
    right = good.metadata, good.scopes, good.jwks
    taken_for_right = [
        found.client_id for found in bad if (found.metadata, found.scopes, found.jwks) == right
    ]
    assert taken_for_right == []


def test_no_field_of_a_client_spoils_a_list() -> None:
    """Nor does one that is added to the model."""
    fields = WireListedClient.model_fields.keys() - {"client_id"}
    items = [{**GOOD, field: [[]]} for field in sorted(fields)]
    page = WireClientPage.model_validate({"items": [*items, GOOD]})
    assert len(page.items) == len(items) + 1


def test_a_jwk_set_that_is_no_json_spoils_no_client() -> None:
    """Keycloak has it as a text, where anybody may write something."""
    found = WireClient.model_validate(
        {
            "id": "1",
            "clientId": "c",
            "attributes": {"use.jwks.string": "true", "jwks.string": "no JSON"},
        }
    )
    assert found.jwks == {"unreadable": {"unreadable": "this is no JWK Set"}}


def test_a_broken_client_is_nobodys() -> None:
    """What bears an unreadable key is not ours to change or remove."""
    [item] = WireClientPage.model_validate(
        {"items": [{**GOOD, "software_id": 7, "managed_by": ["x"]}]}
    ).items
    assert (item.software_id, item.managed_by) == ("unreadable", "unreadable")


def test_one_configuration_that_is_broken_spoils_no_list() -> None:
    page = WireConfigurationPage.model_validate(
        {
            "items": [
                {"client_id": "bad", "configuration": 7},
                {"client_id": "a", "configuration": {}},
            ]
        }
    )
    assert [dict(item.document.configuration) for item in page.items] == [
        {"unreadable": "unreadable"},
        {},
    ]


@pytest.mark.parametrize(
    "answer",
    [
        lambda: WireClientPage.model_validate({"items": [""] * 100_000}),
        lambda: WireClientPage.model_validate({"items": [GOOD] * 1_001}),
        lambda: WireConfigurationPage.model_validate({"items": [""] * 900}),
        lambda: WireClients.model_validate([""] * 100_000),
        lambda: WireEvents.model_validate([""] * 100_000),
        lambda: WireScopes.model_validate({"scopes": [7] * 100_000}),
        lambda: WireRegisteredClient.model_validate({**GOOD, "contacts": [7] * 100_000}),
        lambda: WireRegisteredClient.model_validate(
            {**GOOD, "attributes": {str(number): 7 for number in range(100_000)}}
        ),
    ],
)
def test_a_million_mistakes_are_one(answer: Callable[[], object]) -> None:
    """More items than anybody asks for are not looked at, and the first that is wrong ends the
    look."""
    with pytest.raises(ValidationError) as caught:
        answer()
    assert caught.value.error_count() == 1


@pytest.mark.parametrize("item", [7, {}, {**GOOD, "client_id": None}])
def test_what_has_no_client_id_is_no_list_of_clients(item: Any) -> None:
    """A wrong address, or another server: then nothing of it is believed."""
    with pytest.raises(ValidationError):
        WireClientPage.model_validate({"items": [item]})
